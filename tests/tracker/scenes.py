"""Small made-up scenes for the tracker's tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections

__all__ = ["WALKERS", "boxes_at", "crowd", "seen"]

WALKERS = np.array(
    [
        # x, y, velocity x, velocity y a frame; width and height are 40 and 100
        [100.0, 200, 3, 0],
        [800.0, 220, -3, 1],
        [400.0, 600, 0, 0],
    ]
)


def boxes_at(frame: float, walkers: npt.NDArray[np.float64] = WALKERS) -> npt.NDArray[np.float64]:
    """(N, 4) boxes of people who walk in straight lines."""
    corners = walkers[:, :2] + frame * walkers[:, 2:4]
    return np.hstack([corners, corners + np.array([40, 100])])


def seen(
    boxes: npt.ArrayLike, score: float = 0.9, labels: Sequence[int] | None = None
) -> Detections:
    """Detections with one score for all."""
    rows = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    return Detections(
        rows, np.full(len(rows), score), np.zeros(len(rows)) if labels is None else labels
    )


def crowd(count: int, frames: int, seed: int = 0, dimension: int = 0) -> list[Detections]:
    """People who cross each other, with noise, misses and scores of all heights.

    Args:
        count: Number of people.
        frames: Number of frames.
        seed: Seed of the scene.
        dimension: Length of the embeddings; 0 for none.
    """
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 120 * np.sqrt(count), (count, 2))
    velocities = generator.normal(0, 2, (count, 2))
    sizes = generator.uniform(30, 60, (count, 1)) * [1, 2.5]
    looks = generator.normal(0, 1, (count, dimension))
    result = []
    for frame in range(frames):
        place = corners + frame * velocities + generator.normal(0, 1, (count, 2))
        boxes = np.hstack([place, place + sizes + generator.normal(0, 1, (count, 2))])
        kept = generator.random(count) > 0.1
        vectors = None
        if dimension:
            vectors = looks + generator.normal(0, 0.3, looks.shape)
            vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[kept]
        scores = np.clip(generator.normal(0.75, 0.2, count), 0.02, 1)[kept]
        result.append(Detections(boxes[kept], scores, np.zeros(kept.sum()), vectors))
    return result
