"""What is made of a job's video when first asked for, by a process of its own.

annotated   the video with its tracks (`video.mp4`)
plain       the same without them, as every browser plays it (`plain.mp4`)
sequence    pictures and corrected tracks to train on (`corrected-N.zip`)
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import numpy as np

from sightline.detector import Detector
from sightline.errors import InputError, SightlineError
from sightline.formats import TrackTable
from sightline.service.jobs.exports import write_sequence
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.tables import job_table
from sightline.service.jobs.tracking import JobSpec, open_video
from sightline.service.jobs.worker import failure_of, lower_priority
from sightline.service.live.privacy import blur_people
from sightline.service.networks import open_detector
from sightline.structures import Frame, Tracks
from sightline.video import VideoWriter

__all__ = ["Product", "make_product", "render"]

Product = Literal["annotated", "plain", "sequence"]

_PERSON = "person"


def render(pipe: Connection, spec: JobSpec, product: Product, path: Path) -> None:
    """Make a product and send True, or `Failed`, through the pipe."""
    lower_priority(spec.niceness)
    try:
        make_product(spec, product, path)
        pipe.send(True)
    except (SightlineError, OSError) as error:
        pipe.send(failure_of(error, spec))


def make_product(spec: JobSpec, product: Product, path: Path) -> None:
    """Make something of a job's video.

    People are blurred where the job's options say so: those with a track, and everybody whom the
    detector sees besides.

    Args:
        spec: A job whose tracks are there.
        product: What is made.
        path: Its file.

    Raises:
        SourceError: The video can no longer be read.
        InputError: The file cannot be written, or people cannot be found to blur them.
        ModelError: The detector cannot be used.
        OSError: The file cannot be written.
    """
    folder = JobFolder(spec.folder)
    table = job_table(folder)
    blur = _Blur(spec, table)
    source = open_video(folder, spec, spec.options.start)
    try:
        if product == "sequence":
            write_sequence(folder, path, source, spec.name, blur.hide)
            return
        partial = path.with_name(f"{path.name}.partial")
        names = table.info.class_names
        tracks_of = {index: tracks for index, _, tracks in table.by_frame()}
        with VideoWriter(partial, rate=source.rate, class_names=names) as writer:
            for frame in source:
                tracks = tracks_of.pop(frame.index, None)
                if tracks is None:  # the tracking ended there
                    break
                blur.hide(frame)
                writer.write(frame, tracks if product == "annotated" else Tracks.empty(frame.time))
    finally:
        source.close()
    if not partial.exists():
        raise InputError("no frame of it lies in the wanted stretch; there is nothing to show")
    partial.replace(path)


class _Blur:
    """Hides people in frames where the job was told to."""

    def __init__(self, spec: JobSpec, found: TrackTable) -> None:
        self._how = spec.options.blur
        self._found = found
        names = enumerate(found.info.class_names)
        self._people = [index for index, name in names if name == _PERSON]
        self._detector: Detector | None = None
        if self._how != "off":
            # Of people, whatever the job tracked.
            self._detector = open_detector(spec.detector, classes=(_PERSON,))

    def hide(self, frame: Frame) -> None:
        """Blur in place who is seen, and those who have a track, whether seen or not."""
        if self._how == "off" or self._detector is None:
            return
        found = self._found
        rows = slice(*np.searchsorted(found.frames, [frame.index, frame.index + 1]))
        followed = found.boxes[rows][np.isin(found.classes[rows], self._people)]
        everybody = np.concatenate([self._detector.detect([frame])[0].boxes, followed])
        blur_people(frame.image, everybody, self._how)
