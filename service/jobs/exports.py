"""Corrected tracks as ground truth: MOT text and CVAT at once, a training sequence in its time.

The sequence has the layout of the MOTChallenge in a zip file, with pictures; `sightline train`
reads its folder. Neighbouring pictures of a video hardly differ, so it holds `MOST_PICTURES` at
most, evenly spaced, and the rows of those frames alone.
"""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath

import cv2

from sightline.errors import InputError
from sightline.formats import TrackTable, write_tracks
from sightline.formats.ground_truth import ground_truth_lines
from sightline.protocols import Source
from sightline.service.disk import write_file
from sightline.service.jobs.corrections import correct, read_corrections
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.tables import job_table
from sightline.structures import Frame

__all__ = ["MOST_PICTURES", "corrected_file", "write_sequence"]

MOST_PICTURES = 1000
"""Pictures of a training sequence."""

_QUALITY = 92
_making = threading.Lock()  # two requests at once do not write the same file twice


def corrected_file(folder: JobFolder, ending: str) -> Path:
    """A job's tracks as people have corrected them, made when first asked for.

    Args:
        folder: The job's.
        ending: `gt.txt` or `cvat.xml`.

    Raises:
        InputError: The tracks or the corrections cannot be read.
        FullError: The disk is full.
        OSError: It cannot be written.
    """
    corrections = read_corrections(folder)
    path = folder.corrected(corrections.revision, ending)
    with _making:
        if not path.is_file():
            table = correct(job_table(folder), corrections.edits)[0]
            if ending == "gt.txt":
                write_file(path, (line.encode() for line in ground_truth_lines(table)))
            else:
                write_tracks(table, path, "cvat")
                path.chmod(0o600)
    return path


def write_sequence(
    folder: JobFolder,
    path: Path,
    source: Source,
    name: str,
    hide: Callable[[Frame], None],
) -> None:
    """Write a training sequence.

    Args:
        folder: The job's.
        path: The zip file.
        source: Its video, the frames that were looked at.
        name: What the video is called.
        hide: Blurs people in a frame, or does nothing.

    Raises:
        InputError: The tracks or the corrections cannot be read, or no picture belongs to them.
        SourceError: The video can no longer be read.
        OSError: It cannot be written.
    """
    table = correct(job_table(folder), read_corrections(folder).edits)[0]
    frames = table.frame_indices
    chosen = frames[:: max(-(-len(frames) // MOST_PICTURES), 1)]
    sequence = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(name).stem).strip("-") or "video"
    partial = path.with_name(f"{path.name}.partial")
    written: list[int] = []
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            wanted = set(chosen.tolist())
            for frame in source:
                if frame.index not in wanted:
                    continue
                hide(frame)
                picture = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
                archive.writestr(f"{sequence}/img1/{frame.index + 1:06}.jpg", picture.tobytes())
                written.append(frame.index)
                if len(written) == len(wanted):
                    break
            if not written:
                raise InputError("no frame of the video belongs to the tracks")
            archive.writestr(f"{sequence}/gt/gt.txt", "".join(_rows_of(table, written)))
            archive.writestr(f"{sequence}/seqinfo.ini", _information(table, sequence))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _rows_of(table: TrackTable, frames: list[int]) -> list[str]:
    numbers = {str(frame + 1) for frame in frames}
    return [line for line in ground_truth_lines(table) if line.partition(",")[0] in numbers]


def _information(table: TrackTable, name: str) -> str:
    info, last = table.info, int(table.frame_indices.max(initial=-1))
    return (
        f"[Sequence]\nname={name}\nimDir=img1\nframeRate={info.rate:g}\nseqLength={last + 1}\n"
        f"imWidth={info.width}\nimHeight={info.height}\nimExt=.jpg\n"
    )
