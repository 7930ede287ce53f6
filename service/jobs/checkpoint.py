"""Where a job stands: enough to go on after it was killed as if it had not been."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sightline.errors import StateError

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A job after one of its frames.

    Args:
        index: Index of that frame in the video.
        time: Its stream time in seconds.
        pixels: CRC-32 of its pixels, by which it is found again.
        frames: Frames tracked so far.
        expected: Frames that the job will have, None where unknown.
        parts: Finished parts of its tracks.
        tracker: Saved state of the tracker.
        motion: Saved state of the estimator of the camera's motion; empty without one.
        warnings: What went wrong so far without ending the job.
        settings: All that the result depends on beside the video.
    """

    index: int
    time: float
    pixels: int
    frames: int
    expected: int | None
    parts: int
    tracker: bytes
    motion: bytes
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def write_checkpoint(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as bytes: a NumPy archive with a JSON header, no pickles."""
    header = asdict(checkpoint)
    tracker, motion = header.pop("tracker"), header.pop("motion")
    buffer = io.BytesIO()
    np.savez(
        buffer,
        header=np.array(json.dumps(header | {"version": _VERSION})),
        tracker=np.frombuffer(tracker, np.uint8),
        motion=np.frombuffer(motion, np.uint8),
    )
    return buffer.getvalue()


def read_checkpoint(data: bytes) -> Checkpoint:
    """A checkpoint from `write_checkpoint`.

    Raises:
        StateError: The bytes are damaged, or of another version.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header: dict[str, Any] = json.loads(str(archive["header"]))
            if header.pop("version") != _VERSION:
                raise StateError("the checkpoint is of another version of Sightline")
            header["warnings"] = tuple(header["warnings"])
            return Checkpoint(
                **header, tracker=archive["tracker"].tobytes(), motion=archive["motion"].tobytes()
            )
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise StateError(f"the checkpoint cannot be read: {error}") from error
