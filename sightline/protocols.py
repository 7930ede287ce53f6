"""What the parts of a pipeline promise each other.

Each part declares what it needs by the protocol it implements; nothing is discovered by failing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections, Frame, Tracks

__all__ = [
    "AppearanceTracker",
    "CameraMotion",
    "Detector",
    "Embedder",
    "Sink",
    "Source",
    "Tracker",
]


@runtime_checkable
class Source(Protocol):
    """Frames of one video, camera or folder, in order; closed when iteration ends.

    Attributes:
        name: What outputs are named after (the file's stem, the folder's name, the host).
        width: Width of the upright picture in pixels.
        height: Height of the upright picture in pixels.
        rate: Nominal frames per second, 0 where unknown.
        frame_count: Frames that are expected, or None where unknown (streams).
        live: Whether frames arrive in real time and cannot wait.
        skipped: Corrupt frames passed over so far.
        warnings: Plain sentences about what went wrong and did not stop the reading.
    """

    name: str
    width: int
    height: int
    rate: float
    frame_count: int | None
    live: bool
    skipped: int
    warnings: list[str]

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Release the file or connection; may be called twice, and from another thread."""
        ...


class Detector(Protocol):
    """Finds objects in pictures.

    Attributes:
        class_names: Name of each class index that `Detections.classes` holds.
    """

    class_names: tuple[str, ...]

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, in pixels of the original frames."""
        ...


class Tracker(Protocol):
    """Gives detections identities over time."""

    def update(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> Tracks:
        """Take one frame's detections.

        Args:
            detections: What was seen.
            time: Stream time in seconds; None means one nominal frame after the last update.
            camera_motion: (2, 3) affine that maps pixels of the previous frame to this one.
        """
        ...


@runtime_checkable
class AppearanceTracker(Tracker, Protocol):
    """A tracker that makes use of looks, and says whose."""

    def wanted_embeddings(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.int64]:
        """(K,) rows of the next update's detections that need an embedding, urgent ones first."""
        ...


class Embedder(Protocol):
    """Describes what is inside boxes by vectors that are near for the same person."""

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, 4) xyxy boxes to (N, D) L2-normalised vectors; zeros where there is none."""
        ...


class CameraMotion(Protocol):
    """Says how the camera moved between two frames."""

    def estimate(self, frame: Frame, detections: Detections) -> npt.NDArray[np.float64] | None:
        """(2, 3) affine from the previous frame's pixels to this one's, or None if unknown."""
        ...


class Sink(Protocol):
    """Takes a pipeline's results and leaves a complete file when it closes."""

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Add one frame's tracks; called for every frame, in order, also for empty ones."""
        ...

    def close(self) -> None:
        """Finish the output; what was written so far is complete and readable."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
