"""Networks on disk: part of the package, or downloaded once, checked, kept in the user's cache.

A file whose SHA-256 is known is checked against it. Where it cannot be known beforehand, the
one of the first download is recorded beside the file, and a file that differs later is refused.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import platformdirs

from sightline.detector.registry import ModelEntry
from sightline.errors import ModelError
from sightline.inference import file_sha256

__all__ = ["cached_path", "expected_sha256", "fetch", "is_cached", "model_folder"]

_EMBEDDED = Path(__file__).parent / "weights"
_TIMEOUT = (10, 60)  # seconds to connect, seconds without a byte


def model_folder() -> Path:
    """Where downloaded networks lie: `sightline/models` in the user's cache folder."""
    return platformdirs.user_cache_path("sightline") / "models"


def cached_path(entry: ModelEntry) -> Path:
    """Where the network of an entry lies, or would lie: in the package or in the cache."""
    if entry.embedded:
        return _EMBEDDED / entry.file_name
    return model_folder() / entry.name / entry.file_name


def is_cached(entry: ModelEntry) -> bool:
    """Whether the network of an entry is there; its hash is checked when it is used."""
    return cached_path(entry).is_file()


def expected_sha256(entry: ModelEntry) -> tuple[str | None, str]:
    """The SHA-256 that the file of an entry must have.

    Returns:
        The hash, or None before the first download, and where it is known from: `registry`,
        `first download` or `unknown`.
    """
    if entry.sha256 is not None:
        return entry.sha256, "registry"
    record = _record_path(entry)
    if record.is_file():
        return record.read_text(encoding="ascii").strip(), "first download"
    return None, "unknown"


def fetch(entry: ModelEntry, progress: Any = None) -> Path:
    """The file of an entry, downloaded if the cache lacks it, and checked.

    A file that was put into the cache by hand is taken where its hash is the expected one. A
    damaged file in the cache is downloaded again.

    Args:
        entry: Which network.
        progress: What shows the download: has `total`, `update(bytes)`, `reset()`, `close()`;
            None shows nothing.

    Raises:
        ModelError: The entry has no URL and the cache no file, the download failed, or the
            file differs from the expected one.
    """
    path = cached_path(entry)
    expected, known_from = expected_sha256(entry)
    if entry.embedded:
        if not path.is_file() or file_sha256(path) != expected:
            raise ModelError(
                f"model {entry.name}: {path} is missing or changed; it comes with Sightline: "
                "install Sightline again"
            )
        return path
    if not path.is_file() or (expected is not None and file_sha256(path) != expected):
        _download(entry, path, expected, known_from, progress)
    if known_from == "unknown":
        _record_path(entry).write_text(file_sha256(path) + "\n", encoding="ascii")
    return path


def _download(
    entry: ModelEntry, path: Path, expected: str | None, known_from: str, progress: Any
) -> None:
    if entry.url is None:
        what = "is not the expected file" if path.is_file() else "is not in the cache"
        raise ModelError(
            f"model {entry.name}: {path} {what} and the entry has no download address; get the "
            f"file (SHA-256 {expected or 'unknown'}) from {entry.source or 'its author'} and put "
            "it there, or give its path as the model"
        )
    import pooch  # with requests, a quarter of a second that most runs do not need

    pooch.get_logger().setLevel(logging.ERROR)  # what goes wrong is raised
    try:
        pooch.retrieve(
            entry.url,
            known_hash=None if expected is None else f"sha256:{expected}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(
                timeout=_TIMEOUT, progressbar=False if progress is None else progress
            ),
        )
    except ValueError as error:  # pooch's only error for a hash that differs
        record = f"; delete {_record_path(entry)} to accept the new file"
        raise ModelError(
            f"model {entry.name}: what {entry.url} sent is not the file with SHA-256 {expected} "
            f"(known from the {known_from}); it was thrown away"
            f"{record if known_from == 'first download' else ''}"
        ) from error
    except OSError as error:  # what requests raises belongs to these
        raise ModelError(
            f"model {entry.name}: download of {entry.url} failed ({_cause(error)}); without a "
            f"network, get the file elsewhere and put it at {path}"
        ) from error


def _record_path(entry: ModelEntry) -> Path:
    path = cached_path(entry)
    return path.with_name(path.name + ".sha256")


def _cause(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return error.strerror or type(error).__name__
