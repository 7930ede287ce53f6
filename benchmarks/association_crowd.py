"""Detections to time trackers with: a synthetic crowd of any size, and recorded ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
"""(N, 5) x1 y1 x2 y2 score."""

_RATE = 30.0
# People on a square of 1920x1080 pixels; the picture grows with the crowd, the density stays.
_PEOPLE_A_PICTURE = 50
_MEDIAN_HEIGHT = 130.0
_SPEED = 0.5  # heights a second
_TURNING = 2.0  # seconds after which a velocity is forgotten
_JITTER = 0.03  # of the size
_MISSED = 0.08
_WEAK = 0.12
_CLUTTER = 0.02


def crowd(people: int, *, lifetime: float = 20.0, seed: int = 0) -> Iterator[Boxes]:
    """Detections of people who walk about, frame after frame at 30 a second, without end.

    Velocities wander, boxes jitter by 3 % of their size, 8 % of the detections are missing, 12 %
    have scores below .5, 2 % are clutter. Somebody leaves and somebody else appears elsewhere
    after `lifetime` seconds on average.

    Args:
        people: How many are there at any time.
        lifetime: Seconds.
        seed: Of the random numbers.
    """
    random = np.random.default_rng(seed)
    area = np.array([1920.0, 1080.0]) * np.sqrt(people / _PEOPLE_A_PICTURE)
    centres = random.uniform(0, area, (people, 2))
    heights = _MEDIAN_HEIGHT * np.exp(random.normal(0, 0.3, people))
    velocities = random.normal(0, _SPEED, (people, 2))
    while True:
        fade = np.exp(-1 / (_RATE * _TURNING))
        velocities *= fade
        velocities += random.normal(0, _SPEED * np.sqrt(1 - fade**2), (people, 2))
        centres += velocities * heights[:, None] / _RATE
        velocities = np.where((centres < 0) | (centres > area), -velocities, velocities)
        centres = np.clip(centres, 0, area)
        leaving = random.random(people) < 1 / (_RATE * lifetime)
        centres[leaving] = random.uniform(0, area, (int(leaving.sum()), 2))
        heights[leaving] = _MEDIAN_HEIGHT * np.exp(random.normal(0, 0.3, int(leaving.sum())))
        yield _seen(centres, heights, area, random)


def churn(people: int, *, seed: int = 0, period: int = 2000) -> Iterator[Boxes]:
    """An endless stream in which everybody leaves after about two seconds.

    Args:
        people: How many are there at any time.
        seed: Of the random numbers.
        period: Frames that are made once and then repeated.
    """
    source = crowd(people, lifetime=2.0, seed=seed)
    frames = [next(source) for _ in range(period)]
    while True:
        yield from frames


def read_detections(path: Path, *, least_score: float = 0.1) -> list[Boxes]:
    """Every frame's detections of a MOT text `frame, -1, left, top, width, height, score`."""
    rows = np.loadtxt(path, delimiter=",", usecols=range(7), ndmin=2)
    rows = rows[rows[:, 6] >= least_score]
    boxes = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6], rows[:, 6]])
    last = int(rows[:, 0].max()) if len(rows) else 0
    return [boxes[rows[:, 0] == frame].astype(np.float32) for frame in range(1, last + 1)]


def _seen(
    centres: npt.NDArray[np.float64],
    heights: npt.NDArray[np.float64],
    area: npt.NDArray[np.float64],
    random: np.random.Generator,
) -> Boxes:
    people = len(centres)
    sizes = np.column_stack([0.4 * heights, heights])
    jitter = random.normal(0, _JITTER, (people, 4)) * np.tile(sizes, 2)
    middle, extent = centres + jitter[:, :2], np.maximum(sizes + jitter[:, 2:], 4)
    scores = np.where(
        random.random(people) < _WEAK,
        random.uniform(0.12, 0.5, people),
        random.uniform(0.75, 0.97, people),
    )
    seen = random.random(people) >= _MISSED
    boxes = np.column_stack([middle - extent / 2, middle + extent / 2, scores])[seen]
    strays = random.poisson(_CLUTTER * people)
    corner = random.uniform(0, area, (strays, 2))
    clutter = np.column_stack(
        [corner, corner + np.array([50, 120]), random.uniform(0.12, 0.5, strays)]
    )
    both = np.concatenate([boxes, clutter])
    return both[random.permutation(len(both))].astype(np.float32)
