"""Which videos an archive holds: a folder, a list of paths or a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sightline.errors import InputError
from sightline.video.pictures import is_sequence

__all__ = ["LIST_SUFFIXES", "VIDEO_SUFFIXES", "Video", "find_videos", "is_archive"]

VIDEO_SUFFIXES = frozenset(
    (".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv")
).union((".ts", ".webm", ".wmv"))
"""What a folder is searched for; a list may name any file."""

LIST_SUFFIXES = frozenset((".list", ".txt"))
"""A file that ends so names videos, one a line."""


@dataclass(frozen=True, slots=True)
class Video:
    """One video of an archive.

    Args:
        name: Folder of its results, relative to that of all: the video's own path within the
            archive, suffix and all, so that no two share one and none moves when others come.
        path: Where it lies, absolute.
    """

    name: str
    path: Path


def is_archive(spec: str) -> bool:
    """Whether a source of `sightline track` names many videos and not one.

    Example:
        >>> is_archive("cameras/*/2026-11-*.mp4"), is_archive("rtsp://camera/stream?a=1")
        (True, False)
    """
    if "://" in spec:
        return False
    path = Path(spec)
    if path.is_dir():
        return not is_sequence(path) and next(_walk(path), None) is not None
    if path.exists():
        return path.suffix.lower() in LIST_SUFFIXES
    return glob.has_magic(spec)


def find_videos(spec: str) -> list[Video]:
    """The videos of an archive, or the one video that it is, by their names.

    A folder is searched with all that lie below; sequences of the MOTChallenge count as videos,
    files and folders whose names begin with a dot do not. In a list, empty lines and lines that
    begin with `#` are passed over, and relative paths are relative to the list.

    Args:
        spec: Folder, list, pattern (`*`, `?`, `[…]`, `**` for any depth) or video.

    Raises:
        InputError: The list cannot be read or is no text, or nothing was found.
    """
    path = Path(spec)
    if not path.exists() and glob.has_magic(spec):
        root, pattern = _split_pattern(Path(spec))
        found = root.glob(pattern)
        paths = [match for match in found if match.is_file() or is_sequence(match)]
    elif path.is_dir() and not is_sequence(path):
        paths, root = list(_walk(path)), path
    elif path.suffix.lower() in LIST_SUFFIXES:
        paths, root = _read_list(path), path.parent
    else:
        paths, root = [path], path.parent
    videos = {video.name: video for video in _named(paths, root)}
    if not videos:
        raise InputError(
            f"{spec}: no videos there; expected files that end with "
            f"{', '.join(sorted(VIDEO_SUFFIXES))}, or sequences with a seqinfo.ini"
        )
    return [videos[name] for name in sorted(videos)]


def _named(paths: Iterable[Path], root: Path) -> Iterator[Video]:
    root = _plain(root)
    for path in paths:
        whole = _plain(path)
        # What lies outside of the archive is named by its whole path.
        parts = whole.relative_to(root if whole.is_relative_to(root) else whole.anchor).parts
        yield Video(str(PurePosixPath(*parts)), whole)


def _plain(path: Path) -> Path:
    """Absolute and without `..`; links are left as they are, so that names stay the user's."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` follows links


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if is_sequence(path):
                yield path
            elif not path.is_symlink():  # which may lead back up
                yield from _walk(path)
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            yield path


def _read_list(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not a list of videos, one path a line: {getattr(error, 'strerror', error)}"
        ) from None
    entries = [line.strip() for line in lines]
    return [path.parent / entry for entry in entries if entry and not entry.startswith("#")]


def _split_pattern(spec: Path) -> tuple[Path, str]:
    """The folder before the first part with a wildcard, and the pattern within it."""
    plain = next(place for place, part in enumerate(spec.parts) if glob.has_magic(part))
    return Path(*spec.parts[:plain]), str(Path(*spec.parts[plain:]))
