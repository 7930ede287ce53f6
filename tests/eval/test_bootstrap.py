"""Intervals and paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.eval import SequenceCounts, combine, evaluate_sequence
from sightline.eval.bootstrap import compare, intervals
from sightline.eval.comparison import evaluate_trackers
from sightline.eval.dataset import find_results, find_truth
from sightline.formats.mot import SequenceInfo, read_mot


@pytest.fixture(scope="module")
def trackers(small_dataset: Path) -> Mapping[str, Mapping[str, SequenceCounts]]:
    truth = find_truth(small_dataset / "data")
    results = [
        *find_results(small_dataset / "good", truth),
        *find_results(small_dataset / "bad", truth),
    ]
    return evaluate_trackers(truth, results).trackers


def test_an_interval_holds_the_score_and_is_the_same_every_time(
    trackers: Mapping[str, Mapping[str, SequenceCounts]],
) -> None:
    ends = intervals(trackers["bad"])
    combined = combine(trackers["bad"].values())
    for name in ("HOTA", "MOTA", "IDF1", "AssA"):
        assert ends[name][0] <= combined[name] <= ends[name][1], name
    assert intervals(trackers["bad"]) == ends


def test_one_sequence_is_drawn_by_blocks_of_time(
    trackers: Mapping[str, Mapping[str, SequenceCounts]],
) -> None:
    low, high = intervals({"A-01": trackers["bad"]["A-01"]})["MOTA"]
    assert low < trackers["bad"]["A-01"].scores()["MOTA"] < high


def test_a_tracker_does_not_differ_from_itself(
    trackers: Mapping[str, Mapping[str, SequenceCounts]],
) -> None:
    difference = compare(trackers["good"], trackers["good"])["HOTA"]
    assert (difference.difference, difference.low, difference.high) == (0, 0, 0)
    assert difference.p_value == 1
    assert not difference.larger_than_chance


def test_a_plain_difference_is_larger_than_chance_both_ways_round(
    trackers: Mapping[str, Mapping[str, SequenceCounts]],
) -> None:
    one = compare(trackers["good"], trackers["bad"])["IDF1"]
    two = compare(trackers["bad"], trackers["good"])["IDF1"]
    assert one.larger_than_chance
    assert two.larger_than_chance
    assert one.difference == -two.difference > 0
    assert one.p_value < 0.05


def test_detectors_of_one_video_are_drawn_together(
    trackers: Mapping[str, Mapping[str, SequenceCounts]],
) -> None:
    one, two = trackers["bad"].values()
    thrice = {
        f"MOT17-0{v}-{d}": c for v, c in ((1, one), (2, two)) for d in ("DPM", "SDP", "FRCNN")
    }
    single = intervals({"MOT17-01": one, "MOT17-02": two})
    for name, ends in intervals(thrice).items():
        np.testing.assert_allclose(ends, single[name])


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(InputError, match="no sequences"):
        intervals({})


def test_blocks_hold_the_figures_of_a_real_sequence(
    mot17: dict[str, tuple[Path, SequenceInfo]], reference: Path
) -> None:
    path, _ = mot17["09"]
    counts = evaluate_sequence(read_mot(path), read_mot(reference / "Lif_T/MOT17-09-SDP.txt"))
    low, high = intervals({"MOT17-09": counts})["HOTA"]
    assert low < counts.scores()["HOTA"] < high
    assert high - low < 0.3
