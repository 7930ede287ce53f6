"""The three values that travel through Sightline: `Frame`, `Detections`, `Tracks`.

Frozen dataclasses over NumPy arrays whose rows belong together. Construction coerces the
dtypes and checks the shapes; `Detections.check_values` looks at the numbers themselves and is
called once where data enters from outside (files, networks, callers), never in loops.

Boxes are x1, y1, x2, y2 in pixels of the original frame, continuous and half-open:
width = x2 - x1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

if TYPE_CHECKING:
    import supervision

__all__ = ["Detections", "Frame", "Tracks"]

Rows = slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    Args:
        image: (H, W, 3) uint8, BGR as OpenCV has it.
        index: Number of the frame in its source, from 0; frames that were skipped count.
        time: Stream time in seconds (presentation time stamp), never processing time.
        captured_at: UNIX seconds at which the camera's packet arrived, or None for files.
        source: Name of the source.

    Raises:
        InputError: The image is not (H, W, 3) uint8.
    """

    image: npt.NDArray[np.uint8]
    index: int = 0
    time: float = 0.0
    captured_at: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        image = self.image
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(
                f"a frame's image is (H, W, 3) uint8 BGR; got {image.shape} {image.dtype}"
            )

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector saw in one frame, a row an object.

    Args:
        boxes: (N, 4) float32, x1 y1 x2 y2 in pixels of the original frame.
        scores: (N,) float32 in [0, 1].
        classes: (N,) int32 index into the detector's class names.
        embeddings: (N, D) float32, L2-normalised appearance vectors, or None.

    Raises:
        InputError: The shapes do not fit together.

    Example:
        >>> seen = Detections([[0, 0, 10, 20], [5, 5, 9, 9]], [0.9, 0.2], [0, 2])
        >>> len(seen), len(seen[seen.scores > 0.5])
        (2, 1)
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    embeddings: npt.NDArray[np.float32] | None = None

    def __init__(
        self,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        classes: npt.ArrayLike,
        embeddings: npt.ArrayLike | None = None,
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "boxes", _column("boxes", boxes, np.float32, 4))
        set_field(self, "scores", _column("scores", scores, np.float32))
        set_field(self, "classes", _column("classes", classes, np.int32))
        rows = len(self.boxes)
        vectors = None
        if embeddings is not None:
            vectors = np.asarray(embeddings, dtype=np.float32)
            if vectors.ndim != 2:
                raise InputError(f"embeddings are (N, D); got shape {vectors.shape}")
        set_field(self, "embeddings", vectors)
        if not (
            len(self.scores) == rows
            and len(self.classes) == rows
            and (vectors is None or len(vectors) == rows)
        ):
            lengths = (rows, len(self.scores), len(self.classes))
            raise InputError(
                "boxes, scores, classes and embeddings have a row per detection; got "
                f"{lengths + (() if vectors is None else (len(vectors),))} rows"
            )

    @classmethod
    def empty(cls) -> Detections:
        """No detections."""
        return cls(np.empty((0, 4)), np.empty(0), np.empty(0))

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """The rows of all parts, in order.

        Embeddings are kept only if every part has them.
        """
        if not parts:
            return cls.empty()
        vectors = [part.embeddings for part in parts if part.embeddings is not None]
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate(vectors) if len(vectors) == len(parts) else None,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Rows) -> Detections:
        """The rows that a slice, a mask or an index array names."""
        vectors = self.embeddings
        return Detections(
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            None if vectors is None else vectors[rows],
        )

    def check_values(self) -> None:
        """Check every number; call it once where detections enter from outside.

        Raises:
            InputError: A box is not finite or not at least 0 wide and high, a score is outside
                [0, 1], a class is negative or an embedding is not finite. Names the first row.
        """
        boxes, scores = self.boxes, self.scores
        _require(np.isfinite(boxes).all(axis=1), "box is not finite", boxes)
        _require((boxes[:, 2:] >= boxes[:, :2]).all(axis=1), "box has x2 < x1 or y2 < y1", boxes)
        _require((scores >= 0) & (scores <= 1), "score is outside [0, 1]", scores)
        _require(self.classes >= 0, "class is negative", self.classes)
        if self.embeddings is not None:
            finite = np.isfinite(self.embeddings).all(axis=1)
            _require(finite, "embedding is not finite", self.embeddings)

    @classmethod
    def from_supervision(cls, detections: supervision.Detections) -> Detections:
        """Convert `supervision.Detections`; missing scores become 1, missing classes 0."""
        rows = len(detections.xyxy)
        scores = np.ones(rows) if detections.confidence is None else detections.confidence
        classes = np.zeros(rows) if detections.class_id is None else detections.class_id
        return cls(detections.xyxy, scores, classes)

    def to_supervision(self) -> supervision.Detections:
        """Convert to `supervision.Detections`.

        Raises:
            ImportError: The package `supervision` is not installed.
        """
        import supervision

        return supervision.Detections(
            xyxy=self.boxes, confidence=self.scores, class_id=self.classes.astype(int)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Who is where after one update of a tracker, a row a track.

    Args:
        ids: (T,) int64 from 1; an id is never used again by the same tracker.
        boxes: (T, 4) float32, x1 y1 x2 y2 in pixels of the original frame.
        scores: (T,) float32, of the detection, or the last one where the box is predicted.
        classes: (T,) int32.
        detections: (T,) int32 row in the update's Detections, -1 where the box is predicted.
        ages: (T,) float32 seconds since the track's first detection.
        hits: (T,) int32 detections that the track has had.
        time: Stream time of the update in seconds.
    """

    ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    detections: npt.NDArray[np.int32]
    ages: npt.NDArray[np.float32]
    hits: npt.NDArray[np.int32]
    time: float = 0.0

    @classmethod
    def empty(cls, time: float = 0.0) -> Tracks:
        """No tracks at a time in seconds."""
        return cls(
            np.empty(0, np.int64),
            np.empty((0, 4), np.float32),
            np.empty(0, np.float32),
            np.empty(0, np.int32),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
            np.empty(0, np.int32),
            time,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Rows) -> Tracks:
        """The rows that a slice, a mask or an index array names."""
        return Tracks(
            self.ids[rows],
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            self.detections[rows],
            self.ages[rows],
            self.hits[rows],
            self.time,
        )


def _column(
    name: str, values: npt.ArrayLike, dtype: type[np.generic], width: int | None = None
) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as {dtype.__name__}: {error}") from error
    if width is not None and array.size == 0:
        array = array.reshape(0, width)
    expected = "(N,)" if width is None else f"(N, {width})"
    if array.ndim != (1 if width is None else 2) or (width and array.shape[1] != width):
        raise InputError(f"{name} are {expected} {dtype.__name__}; got shape {array.shape}")
    return array


def _require(good: npt.ArrayLike, problem: str, values: npt.NDArray[Any]) -> None:
    if not np.all(good):
        row = int(np.argmin(good))
        raise InputError(f"detection {row}: {problem}: {values[row]}")
