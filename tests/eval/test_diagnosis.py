"""Gaps, recovery and lengths."""

from __future__ import annotations

import numpy as np

from sightline.eval.counts import Timeline
from sightline.eval.diagnosis import gap_recovery, missed_gaps, switch_times, track_seconds


def _timeline(
    frames: list[int], matched: list[int], visible: list[float] | None = None, rate: float = 10
) -> Timeline:
    count = len(frames)
    return Timeline(
        frames=np.array(frames),
        ids=np.ones(count, np.int64),
        visibilities=np.array(visible or [1.0] * count),
        matched=np.array(matched),
        switched=np.zeros(count, np.bool_),
        track_lengths=np.array([20, 5]),
        rate=rate,
    )


def test_an_identity_kept_over_an_absence_counts_in_its_bin() -> None:
    # Absent for 7 frames at 10 frames a second: .7 s.
    timeline = _timeline([0, 1, 9, 10], [4, 4, 4, 4])
    assert gap_recovery([timeline]).tolist() == [[0, 0], [1, 1], [0, 0], [0, 0], [0, 0]]


def test_a_new_identity_and_a_lost_one_are_not_kept() -> None:
    assert gap_recovery([_timeline([0, 30], [4, 5])])[3].tolist() == [0, 1]
    assert gap_recovery([_timeline([0, 30], [4, -1])])[3].tolist() == [0, 1]


def test_an_object_without_identity_before_the_gap_does_not_count() -> None:
    assert gap_recovery([_timeline([0, 30], [-1, 5])]).sum() == 0


def test_hidden_frames_are_a_gap_though_the_ground_truth_goes_on() -> None:
    frames = list(range(10))
    visible = [1.0] * 3 + [0.1] * 4 + [1.0] * 3
    timeline = _timeline(frames, [4] * 3 + [-1] * 4 + [4] * 3, visible)
    assert gap_recovery([timeline])[0].tolist() == [1, 1]
    hidden = _timeline(frames, [4] * 10, [-1.0] * 10)
    assert gap_recovery([hidden]).sum() == 0


def test_a_second_gap_does_not_lend_its_identity_to_the_first() -> None:
    timeline = _timeline([0, 10, 20], [4, -1, 4])
    assert gap_recovery([timeline])[1].tolist() == [1, 2]


def test_missed_gaps_and_lengths_are_in_seconds() -> None:
    timeline = _timeline([0, 1, 2, 3, 4], [7, -1, -1, 7, 7])
    np.testing.assert_allclose(missed_gaps([timeline]), [0.2])
    tracks, truths = track_seconds([timeline])
    assert (tracks.tolist(), truths.tolist()) == ([2.0, 0.5], [0.5])
    assert switch_times(timeline).tolist() == []
