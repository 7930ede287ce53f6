"""Where ground truth and results lie: folders, zip files or single files.

Ground truth: `SEQ/gt/gt.txt` (with `SEQ/seqinfo.ini` beside it, if it is there), a folder of
`SEQ.txt`, one sequence's folder, or one file, which may be CVAT's XML. Results: `SEQ.txt`,
`data/SEQ.txt`, one folder a tracker, or one file. `MOT17-02.txt` serves MOT17-02 whatever detector
the folder's name ends in.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from sightline.errors import ConfigError, InputError
from sightline.formats import read_tracks
from sightline.formats.ground_truth import ground_truth_lines
from sightline.formats.mot import SequenceInfo, parse_sequence_info

__all__ = [
    "SPLITS",
    "Split",
    "TextFile",
    "TrackerResults",
    "TruthSequence",
    "find_results",
    "find_truth",
    "sequence_key",
    "split_frames",
]

Split = Literal["all", "train-half", "val-half"]
SPLITS: tuple[Split, ...] = ("all", "train-half", "val-half")

_DETECTORS = re.compile(r"-(SDP|FRCNN|DPM)$")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text in a folder or in a zip file; a file of CVAT (`.xml`) is read as MOT ground truth.

    Args:
        path: The file, or the zip file.
        member: Name inside the zip file, or "".
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def relative(self) -> PurePosixPath:
        """Name inside the zip file, or the whole path."""
        return PurePosixPath(self.member or self.path.as_posix())

    def read(self) -> bytes:
        """The bytes.

        Raises:
            InputError: The file cannot be read.
        """
        if not self.member and self.path.suffix.lower() == ".xml":
            return "".join(ground_truth_lines(read_tracks(self.path, "cvat"))).encode()
        try:
            if not self.member:
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{self}: cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class TruthSequence:
    """One sequence's ground truth.

    Args:
        name: Name of the sequence.
        truth: Its text.
        info: What its seqinfo.ini says, or None where there is none.
    """

    name: str
    truth: TextFile
    info: SequenceInfo | None = None


@dataclass(frozen=True, slots=True)
class TrackerResults:
    """One tracker's result files.

    Args:
        name: Name of the tracker.
        files: Result text by sequence name (the file's stem).
    """

    name: str
    files: Mapping[str, TextFile] = field(default_factory=dict)


def sequence_key(name: str) -> str:
    """The name without the detector that MOT17 appends: MOT17-02-SDP and MOT17-02 are one."""
    return _DETECTORS.sub("", name)


def split_frames(split: str, length: int) -> tuple[int, int]:
    """First and last frame of a split, as ByteTrack's ablation cuts it.

    Raises:
        ConfigError: There is no split of that name.

    Example:
        >>> split_frames("train-half", 600), split_frames("val-half", 600)
        ((1, 301), (302, 600))
    """
    if split not in SPLITS:
        raise ConfigError(f"no split {split!r}; known are {', '.join(SPLITS)}")
    middle = length // 2 + 1
    return {"all": (1, length), "train-half": (1, middle), "val-half": (middle + 1, length)}[split]


def find_truth(path: Path) -> list[TruthSequence]:
    """Every sequence's ground truth under a folder, in a zip file, or one file; by name.

    Raises:
        InputError: There is none.
    """
    files = list(_text_files(path, ("gt.txt", "seqinfo.ini", ".txt")))
    by_name: dict[str, TruthSequence] = {}
    inner = [item for item in files if item.relative.parts[-2:] == ("gt", "gt.txt")]
    infos = {item.relative.parent: item for item in files if item.relative.name == "seqinfo.ini"}
    beside = path.parent.parent / "seqinfo.ini"
    if path.name == "gt.txt" and beside.is_file():
        infos[TextFile(path).relative.parent.parent] = TextFile(beside)
    for item in inner:
        folder = item.relative.parent.parent
        name = folder.name or path.stem
        found = infos.get(folder)
        info = None if found is None else parse_sequence_info(found.read(), str(found), name)
        by_name[name] = TruthSequence(name, item, info)
    if not inner:
        for item in files:
            if (
                item.relative.suffix.lower() in (".txt", ".xml")
                and item.relative.name != "seqinfo.ini"
            ):
                by_name[item.relative.stem] = TruthSequence(item.relative.stem, item)
    if not by_name:
        raise InputError(f"{path}: no ground truth here; expected SEQ/gt/gt.txt or SEQ.txt")
    return [by_name[name] for name in sorted(by_name)]


def find_results(path: Path, truth: Sequence[TruthSequence]) -> list[TrackerResults]:
    """The trackers whose result files lie under a folder, in a zip file, or one file.

    A folder that holds one tracker's texts is that tracker; otherwise each folder inside that
    holds texts of known sequences is one.

    Raises:
        InputError: There is no result file.
    """
    files = list(_text_files(path, (".txt",)))
    if path.is_file() and path.suffix.lower() != ".zip":
        name = truth[0].name if len(truth) == 1 else path.stem
        return [TrackerResults(path.stem, {name: files[0]})]
    keys = {sequence_key(sequence.name) for sequence in truth}
    groups: dict[PurePosixPath, dict[str, TextFile]] = {}
    for item in files:
        groups.setdefault(item.relative.parent, {})[item.relative.stem] = item
    known = {
        folder: texts
        for folder, texts in groups.items()
        if any(sequence_key(name) in keys for name in texts)
        and folder.name not in ("gt", "det", "detections")
    }
    if not known:
        raise InputError(
            f"{path}: no result file of any sequence here; expected {truth[0].name}.txt"
        )
    found = [
        TrackerResults(_tracker_name(path, folder), dict(sorted(texts.items())))
        for folder, texts in sorted(known.items())
    ]
    return sorted(found, key=lambda results: results.name)


def _tracker_name(path: Path, folder: PurePosixPath) -> str:
    if folder.name == "data" and folder.parent.name:
        folder = folder.parent
    inside_zip = path.is_file()
    if inside_zip:
        return folder.name or path.stem
    return folder.name or path.resolve().name


def _text_files(path: Path, endings: tuple[str, ...]) -> Iterator[TextFile]:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if path.is_dir():
        # Datasets are often put together from links.
        for folder, folders, names in os.walk(path, followlinks=True):
            folders.sort()
            for name in sorted(names):
                if name.endswith(endings):
                    yield TextFile(Path(folder) / name)
    elif path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                names = sorted(archive.namelist())
        except zipfile.BadZipFile as error:
            raise InputError(f"{path}: not a zip file: {error}") from error
        for name in names:
            if name.endswith(endings) and not name.startswith("__MACOSX"):
                yield TextFile(path, name)
    else:
        yield TextFile(path)
