"""The decoupled filter equals the full one, and stays a filter whatever it is fed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from filterpy.kalman import KalmanFilter

from sightline.tracker.compiling import compiled
from sightline.tracker.kalman import (
    box_of,
    correct,
    initiate,
    mahalanobis,
    predict,
    reobserve,
    warp,
)
from sightline.tracker.parameters import check_parameters, pack_parameters
from sightline.tracker.state import TRACK, Records

Floats = npt.NDArray[np.float64]

PARAMETERS = check_parameters({})
PACKED = pack_parameters(PARAMETERS)[0]


def _track(box: Floats) -> Records:
    tracks = np.zeros(1, TRACK)
    initiate(tracks[0], box, PACKED)
    return tracks


class _FullFilter:
    """filterpy's filter of the same model: x = (cx, cy, w, h and their velocities)."""

    def __init__(self, box: Floats) -> None:
        self.filter = KalmanFilter(dim_x=8, dim_z=4)
        self.filter.H = np.eye(4, 8)
        self.filter.x = np.concatenate([_measured(box), np.zeros(4)])[:, None]
        self.filter.P = np.diag(
            np.concatenate(
                [
                    self._noise("initial_position_noise"),
                    self._noise("initial_velocity_noise"),
                ]
            )
        )

    def _noise(self, name: str) -> Floats:
        sides = np.maximum(self.filter.x[[2, 3, 2, 3], 0], 1)
        noise: Floats = (float(PARAMETERS[name]) * sides) ** 2
        return noise

    def predict(self, frames: float) -> None:
        self.filter.F = np.eye(8) + frames * np.eye(8, k=4)
        self.filter.Q = frames * np.diag(
            np.concatenate([self._noise("position_noise"), self._noise("velocity_noise")])
        )
        self.filter.predict()

    def warp(self, affine: Floats) -> None:
        scale = np.sqrt(abs(np.linalg.det(affine[:, :2])))
        move = np.kron(np.eye(4), affine[:, :2])
        for place in (2, 6):
            move[place : place + 2, place : place + 2] = scale * np.eye(2)
        self.filter.x = move @ self.filter.x
        self.filter.x[:2, 0] += affine[:, 2]
        coupled = move @ self.filter.P @ move.T
        same = (np.arange(8)[:, None] - np.arange(8)) % 4 == 0
        self.filter.P = np.where(same, coupled, 0)  # cross-covariances are cleared

    def correct(self, box: Floats) -> None:
        self.filter.R = np.diag(self._noise("measurement_noise"))
        self.filter.update(_measured(box)[:, None])


def _measured(box: Floats) -> Floats:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, *(box[2:] - box[:2])])


def _random_affine(generator: np.random.Generator) -> Floats:
    angle, scale = generator.normal(0, 0.05), generator.uniform(0.97, 1.03)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn + generator.normal(0, 0.003, (2, 2))
    return np.column_stack([turn, generator.normal(0, 5, 2)])


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_every_step_equals_filterpy(seed: int, moves: bool) -> None:
    generator = np.random.default_rng(seed)
    corner, size = generator.uniform(100, 900, 2), generator.uniform(30, 300, 2)
    box = np.concatenate([corner, corner + size])
    tracks, full = _track(box), _FullFilter(box)
    track = tracks[0]
    for _ in range(60):
        frames = generator.uniform(0.1, 3)
        if moves:
            affine = _random_affine(generator)
            warp(track, affine)
            full.warp(affine)
        predict(track, frames, PACKED)
        full.predict(frames)
        box = box + generator.normal(0, 3, 4) + np.tile(generator.normal(0, 4, 2), 2)
        innovation = _measured(box) - full.filter.x[:4, 0]
        spread = np.diag(full.filter.P)[:4] + full._noise("measurement_noise")
        assert mahalanobis(track, box, PACKED) == pytest.approx(
            float((innovation**2 / spread).sum()), rel=1e-9
        )
        if generator.random() < 0.8:
            correct(track, box, 0.9, PACKED)
            full.correct(box)
        np.testing.assert_allclose(
            track["mean"].T.ravel(), full.filter.x[:, 0], rtol=1e-9, atol=1e-9
        )
        for coordinate in range(4):
            block = full.filter.P[coordinate::4, coordinate::4]
            expected = [block[0, 0], block[0, 1], block[1, 1]]
            np.testing.assert_allclose(
                track["covariance"][coordinate], expected, rtol=1e-9, atol=1e-9
            )


@compiled
def _definite_steps(
    tracks: Records, frames: Floats, affines: Floats, boxes: Floats, seen: Floats, p: Any
) -> int:
    """How many steps leave every number finite and every covariance positive definite."""
    track = tracks[0]
    for step in range(len(frames)):
        predict(track, frames[step], p)
        if step % 7 == 0:
            warp(track, affines[step % len(affines)])
        if seen[step] < 0.7:
            correct(track, boxes[step], seen[step], p)
        for coordinate in range(4):
            position, mixed, velocity = track.covariance[coordinate]
            determinant = position * velocity - mixed * mixed
            finite = np.isfinite(track.mean[coordinate, 0] + track.mean[coordinate, 1])
            if not (finite and position > 0 and velocity > 0 and determinant > 0):
                return step
    return len(frames)


@pytest.mark.parametrize("seed", range(3))
def test_covariance_stays_positive_definite_over_100_000_steps(seed: int) -> None:
    steps = 100_000
    generator = np.random.default_rng(seed)
    frames = generator.choice([0, 1e-6, 0.5, 1, 30, 300], steps)  # up to 10 s
    affines = np.stack([_random_affine(generator) for _ in range(500)])
    corners = generator.uniform(-1e4, 1e4, (steps, 2))
    sizes = generator.choice([1e-3, 1, 50, 5e3], (steps, 2))
    boxes = np.hstack([corners, corners + sizes])
    tracks = _track(np.array([100.0, 100, 140, 200]))
    seen = generator.random(steps)
    assert _definite_steps(tracks, frames, affines, boxes, seen, PACKED) == steps


def test_result_is_continuous_in_time() -> None:
    boxes = [np.array([100.0, 100, 140, 200]) + 3 * step for step in range(20)]
    means = []
    for frames in (1.0, 1.000001):
        tracks = _track(boxes[0])
        for box in boxes[1:]:
            predict(tracks[0], frames, PACKED)
            correct(tracks[0], box, 0.9, PACKED)
        means.append(tracks["mean"][0].copy())
    np.testing.assert_allclose(means[0], means[1], rtol=1e-4, atol=1e-4)


def test_identity_warp_changes_nothing() -> None:
    tracks = _track(np.array([100.0, 100, 140, 200]))
    before = tracks.copy()
    warp(tracks[0], np.eye(2, 3))
    np.testing.assert_allclose(tracks["mean"], before["mean"])
    np.testing.assert_allclose(tracks["covariance"], before["covariance"])


def test_shrinking_box_never_turns_inside_out() -> None:
    tracks = _track(np.array([0.0, 0, 20, 20]))
    tracks["mean"][0, 2:, 1] = -5
    predict(tracks[0], 100, PACKED)
    box = np.empty(4)
    box_of(tracks[0], box)
    assert (box[2:] > box[:2]).all()


def test_reobserved_track_moves_along_the_line_across_the_gap() -> None:
    past, now = np.array([0.0, 0, 20, 40]), np.array([30.0, 10, 50, 50])
    tracks = _track(past)
    predict(tracks[0], 10, PACKED)
    reobserve(tracks[0], past, now, 10.0, PACKED)
    np.testing.assert_allclose(tracks["mean"][0, :2, 1], [3, 1])
    np.testing.assert_allclose(tracks["mean"][0, :2, 0], [40, 30])
