from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.geometry import xyxy_to_cxcywh
from sightline.tracker.offline import Timeline, TrackTable, smooth_gaussian_process, smooth_rts
from sightline.tracker.offline.gaussian_process import regress
from sightline.tracker.offline.rauch_tung_striebel import smooth_coordinate

Floats = npt.NDArray[np.float64]


def filterpy_smoothed(
    values: Floats,
    observed: npt.NDArray[np.bool_],
    times: Floats,
    noise: Floats,
    acceleration: Floats,
    first: Floats,
) -> Floats:
    """The same model in filterpy: its filter forwards, its smoother backwards."""
    filter_ = KalmanFilter(dim_x=2, dim_z=1)
    filter_.x = np.array([[values[0]], [0.0]])
    filter_.P = np.diag(first**2)
    filter_.H = np.array([[1.0, 0.0]])
    means, covariances, transitions, processes = [], [], [], []
    for k in range(len(values)):
        dt = times[k] - times[k - 1] if k else 0.0
        transition = np.array([[1.0, dt], [0.0, 1.0]])
        process = acceleration[k] * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        filter_.predict(F=transition, Q=process)
        if observed[k]:
            filter_.update(np.array([[values[k]]]), R=np.array([[noise[k]]]))
        means.append(filter_.x.copy())
        covariances.append(filter_.P.copy())
        transitions.append(transition)
        processes.append(process)
    # filterpy's smoother steps from k to k + 1 with the matrices at k + 1.
    smoothed, *_ = filter_.rts_smoother(
        np.array(means), np.array(covariances), np.array(transitions), np.array(processes)
    )
    return np.asarray(smoothed[:, 0, 0], float)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_rts_equals_filterpy(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.01, 0.5, count))
    values = np.cumsum(random.normal(0, 5, count)) + 500
    observed = random.random(count) < 0.7
    noise = random.uniform(0.5, 20, count)
    acceleration = random.uniform(1, 500, count)
    first = random.uniform(1, 100, 2)
    ours = smooth_coordinate(values, observed, times, noise, acceleration, first)
    theirs = filterpy_smoothed(values, observed, times, noise, acceleration, first)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-7)


def wobbling_walk(count: int = 90, jitter: float = 3.0, seed: int = 1) -> tuple[TrackTable, Floats]:
    random = np.random.default_rng(seed)
    times = np.arange(count) / 30
    true = np.column_stack(
        [100 + 90 * times, 200 + 10 * times, np.full(count, 40), np.full(count, 100)]
    )
    seen = true + random.normal(0, jitter, true.shape)
    boxes = np.column_stack([seen[:, :2] - seen[:, 2:] / 2, seen[:, :2] + seen[:, 2:] / 2])
    ones = np.ones(count)
    return TrackTable(np.arange(count), times, ones, boxes, ones, np.zeros(count)), true


@pytest.mark.parametrize("method", ["rts", "gp"])
def test_smoothing_halves_the_jitter_of_a_straight_walk(method: str) -> None:
    table, true = wobbling_walk()
    timeline = Timeline.of(table)
    if method == "rts":
        smoothed = smooth_rts(table, timeline, noise=0.05, acceleration=1)
    else:
        smoothed = smooth_gaussian_process(table, timeline, length=0.4, noise=0.1)
    before = np.abs(xyxy_to_cxcywh(table.boxes) - true).mean()
    after = np.abs(xyxy_to_cxcywh(smoothed.boxes) - true).mean()
    assert after < 0.5 * before


@pytest.mark.parametrize("method", ["rts", "gp"])
def test_a_straight_line_stays_where_it_is(method: str) -> None:
    table, _ = wobbling_walk(jitter=0)
    timeline = Timeline.of(table)
    if method == "rts":
        smoothed = smooth_rts(table, timeline, noise=0.05, acceleration=1)
    else:
        smoothed = smooth_gaussian_process(table, timeline, length=0.4, noise=0.1)
    np.testing.assert_allclose(smoothed.boxes, table.boxes, atol=0.2)
    assert smoothed.ids.tolist() == table.ids.tolist()


def test_rts_ignores_what_was_not_observed() -> None:
    table, _ = wobbling_walk(60, jitter=0)
    boxes = table.boxes.copy()
    boxes[20:30] += 40
    observed = np.ones(60, bool)
    observed[20:30] = False
    moved = TrackTable(
        table.frames, table.times, table.ids, boxes, table.scores, table.classes, observed
    )
    smoothed = smooth_rts(moved, Timeline.of(moved), noise=0.05, acceleration=1)
    np.testing.assert_allclose(smoothed.boxes, table.boxes, atol=0.2)


def test_a_track_never_observed_is_smoothed_as_it_is() -> None:
    table, _ = wobbling_walk(30, jitter=0)
    unseen = TrackTable(
        table.frames, table.times, table.ids, table.boxes, table.scores, table.classes, np.zeros(30)
    )
    smoothed = smooth_rts(unseen, Timeline.of(unseen), noise=0.05, acceleration=1)
    np.testing.assert_allclose(smoothed.boxes, table.boxes, atol=0.2)


def test_a_single_row_is_left_alone() -> None:
    table, _ = wobbling_walk(1)
    for smoothed in (
        smooth_rts(table, Timeline.of(table), noise=0.05, acceleration=1),
        smooth_gaussian_process(table, Timeline.of(table), length=0.4, noise=0.1),
    ):
        np.testing.assert_allclose(smoothed.boxes, table.boxes)


def test_a_panning_camera_does_not_bend_the_track() -> None:
    """Somebody stands, the camera jumps: the smoothed boxes jump with it, not around it."""
    count = 40
    motion = np.tile(np.eye(2, 3), (count, 1, 1))
    motion[20, 0, 2] = 200
    left = np.where(np.arange(count) < 20, 100.0, 300.0)
    boxes = np.column_stack([left, np.zeros(count), left + 40, np.full(count, 100)])
    ones = np.ones(count)
    times = np.arange(count) / 30
    table = TrackTable(np.arange(count), times, ones, boxes, ones, np.zeros(count))
    timeline = Timeline(np.arange(count), times, motion)
    for smoothed in (
        smooth_rts(table, timeline, noise=0.05, acceleration=1),
        smooth_gaussian_process(table, timeline, length=0.4, noise=0.1),
    ):
        np.testing.assert_allclose(smoothed.boxes, boxes, atol=1e-6)


def direct_posterior(times: Floats, values: Floats, length: float, noise: float) -> Floats:
    """Textbook formula without windows: generalised least squares line, then the process."""
    kernel = np.exp(-((times[:, None] - times) ** 2) / (2 * length**2))
    inverse = np.linalg.inv(kernel + noise**2 * np.eye(len(times)))
    line = np.column_stack([np.ones(len(times)), times])
    trend = line @ np.linalg.solve(line.T @ inverse @ line, line.T @ inverse @ values)
    return np.asarray(trend + kernel @ inverse @ (values - trend))


def test_gaussian_process_equals_the_direct_formula() -> None:
    random = np.random.default_rng(3)
    times = np.cumsum(random.uniform(0.02, 0.1, 100))
    values = np.cumsum(random.normal(0, 2, (100, 4)), axis=0)
    expected = direct_posterior(times, values, 0.4, 0.3)
    np.testing.assert_allclose(regress(times, values, 0.4, 0.3), expected, atol=1e-6)


def test_windows_of_a_long_track_meet_without_a_step() -> None:
    times = np.arange(1000) / 30
    values = np.column_stack([500 * np.sin(times), 100 * times])
    smoothed = regress(times, values, 0.4, 0.1)
    np.testing.assert_allclose(smoothed[30:-30], values[30:-30], atol=1)
    steps = np.abs(np.diff(smoothed[30:-30] - values[30:-30], axis=0))
    assert steps.max() < 0.5


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 300), st.floats(1e-3, 30), st.integers(0, 2**32 - 1))
def test_smoothing_is_finite_at_any_spacing(count: int, spacing: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.exponential(spacing, count) + 1e-4)
    corner = random.uniform(-5000, 5000, (count, 2))
    boxes = np.column_stack([corner, corner + random.uniform(0, 800, (count, 2))])
    ones = np.ones(count)
    table = TrackTable(
        np.arange(count), times, ones, boxes, ones, np.zeros(count), random.random(count) < 0.5
    )
    timeline = Timeline.of(table)
    for smoothed in (
        smooth_rts(table, timeline, noise=0.05, acceleration=1),
        smooth_gaussian_process(table, timeline, length=0.4, noise=0.1),
    ):
        assert np.isfinite(smoothed.boxes).all()
        assert (smoothed.boxes[:, 2:] >= smoothed.boxes[:, :2]).all()
