"""Toy cases whose scores can be worked out by hand, and algebra that always holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import ConfigError, InputError
from sightline.eval import SequenceCounts, combine, evaluate_sequence
from sightline.eval.clear import clear
from sightline.eval.dataset import split_frames
from sightline.eval.matching import FrameBoxes, Overlaps
from sightline.formats.mot import MotRows


def rows(*boxes: tuple[float, ...], classes: int = 1) -> MotRows:
    """Rows from (frame, id, left) or (frame, id, left, top, width, height)."""
    full = [box if len(box) == 6 else (*box, 0, 10, 20) for box in boxes]
    table = np.array(full, np.float64).reshape(-1, 6)
    count = len(table)
    return MotRows(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2:],
        np.ones(count),
        np.full(count, classes),
        np.ones(count),
    )


def test_a_perfect_result_scores_one() -> None:
    truth = rows((1, 1, 0), (1, 2, 50), (2, 1, 1), (2, 2, 51))
    scores = evaluate_sequence(truth, truth).scores()
    for name in ("HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1"):
        assert scores[name] == pytest.approx(1), name
    assert (scores["FP"], scores["FN"], scores["IDSW"], scores["MT"]) == (0, 0, 0, 2)


def test_a_track_broken_in_the_middle_halves_association() -> None:
    truth = rows(*((frame, 1, frame) for frame in range(1, 11)))
    result = rows(*((frame, 1 if frame <= 5 else 2, frame) for frame in range(1, 11)))
    scores = evaluate_sequence(truth, result).scores()
    assert scores["AssA"] == pytest.approx(0.5)
    assert scores["HOTA"] == pytest.approx(np.sqrt(0.5))
    assert (scores["IDSW"], scores["Frag"], scores["IDTP"]) == (1, 0, 5)
    assert scores["IDF1"] == pytest.approx(0.5)


def test_a_switch_is_counted_against_the_last_identity_ever_held() -> None:
    truth = rows(*((frame, 1, 0) for frame in range(1, 8)))
    result = rows((1, 5, 0), (6, 5, 0), (7, 6, 0), (3, 9, 500))
    scores = evaluate_sequence(truth, result).scores()
    assert scores["IDSW"] == 1
    # Frame 3 holds boxes of both sides without a match; frames 2, 4 and 5 hold none of a tracker.
    assert scores["Frag"] == 1


def test_matching_keeps_the_identity_of_the_previous_frame_over_a_better_box() -> None:
    truth = rows((1, 1, 0), (2, 1, 0))
    result = rows((1, 5, 0), (2, 5, 2), (2, 6, 0))
    scores = evaluate_sequence(truth, result).scores()
    assert (scores["TP"], scores["FP"], scores["IDSW"]) == (2, 1, 0)


def test_a_box_on_a_distractor_is_forgiven_and_one_on_nothing_is_not() -> None:
    truth = rows((1, 1, 0), (1, 2, 100))
    truth = MotRows(
        truth.frames, truth.ids, truth.ltwh, truth.confidences, np.array([1, 8]), truth.visibilities
    )
    result = rows((1, 1, 0), (1, 2, 100), (1, 3, 300))
    counts = evaluate_sequence(truth, result)
    assert counts.scores()["FP"] == 1
    assert counts.removed == 1
    assert evaluate_sequence(truth, result, protocol="dancetrack").scores()["FP"] == 2


def test_zero_marked_ground_truth_is_left_out_in_every_protocol() -> None:
    truth = rows((1, 1, 0), (1, 2, 100))
    truth = MotRows(
        truth.frames, truth.ids, truth.ltwh, np.array([1.0, 0.0]), truth.classes, truth.visibilities
    )
    for protocol in ("mot15", "mot17", "mot20", "dancetrack", "plain"):
        scores = evaluate_sequence(truth, rows((1, 1, 0)), protocol=protocol).scores()
        assert (scores["GT_Dets"], scores["FN"]) == (1, 0), protocol


def _overlaps(frames: list[tuple[list[int], list[int], list[list[float]]]]) -> Overlaps:
    """Overlaps from identities and similarities of each frame (NaN: no overlap)."""
    offsets, sides = [0], {"truth": [], "tracks": []}  # type: ignore[var-annotated]
    starts = {"truth": [0], "tracks": [0]}
    truth_rows, track_rows, similarities = [], [], []
    for truths, tracks, table in frames:
        for row in range(len(truths)):
            for column in range(len(tracks)):
                if table and not np.isnan(table[row][column]):
                    truth_rows.append(row)
                    track_rows.append(column)
                    similarities.append(table[row][column])
        offsets.append(len(similarities))
        for side, ids in (("truth", truths), ("tracks", tracks)):
            sides[side] += ids
            starts[side].append(len(sides[side]))
    boxes = {}
    for side, ids in sides.items():
        names, labels = np.unique(np.array(ids, np.int64), return_inverse=True)
        boxes[side] = FrameBoxes(rows(), np.array(starts[side]), labels.astype(np.int64), names)
    return Overlaps(
        boxes["truth"],
        boxes["tracks"],
        np.array(offsets),
        np.array(truth_rows, np.int32),
        np.array(track_rows, np.int32),
        np.array(similarities),
        0,
    )


NONE = float("nan")


def test_the_toy_case_of_the_motmetrics_readme() -> None:
    # Distances .1 … .6 of its README as similarities 1 - d / 2, so that all are above 0.5.
    # Known from there: 3 frames, 1 false positive, 1 miss, 1 switch, MOTA .5, mean distance .34.
    found = clear(
        _overlaps(
            [
                ([1, 2], [1, 2, 3], [[0.95, NONE, 0.85], [0.75, 0.9, 0.85]]),
                ([1, 2], [1], [[0.9], [0.8]]),
                ([1, 2], [1, 3], [[0.7, 0.9], [0.95, 0.7]]),
            ]
        )
    )
    assert found.matched.tolist() == [0, 1, 0, -1, 0, 2]
    assert found.switched.tolist() == [False] * 5 + [True]
    distances = 2 * (1 - found.similarities[found.matched >= 0])
    assert distances.mean() == pytest.approx(0.34)
    misses, false_positives, switches = 1, 1, 1
    assert 1 - (misses + false_positives + switches) / 6 == 0.5


def test_the_toy_case_of_the_motmetrics_tests() -> None:
    # Its test_mota_motp: false positives only, misses only, matches, both switch, history kept.
    found = clear(
        _overlaps(
            [
                ([], [1, 2], []),
                ([1, 2], [], []),
                ([1, 2], [1, 2], [[0.5, 0.75], [0.85, 0.5]]),
                ([1, 2], [1, 2], [[0.9, NONE], [NONE, 0.95]]),
                ([1, 2], [1, 2], [[0.5, 0.9], [0.9, 0.5]]),
                ([], [], []),
            ]
        )
    )
    assert int((found.matched >= 0).sum()) == 6
    assert int(found.switched.sum()) == 2
    assert int((found.matched < 0).sum()) == 2


def test_splits_are_those_of_the_ablation() -> None:
    assert split_frames("train-half", 600) == (1, 301)
    assert split_frames("val-half", 600) == (302, 600)
    assert split_frames("val-half", 525) == (264, 525)
    with pytest.raises(ConfigError, match="no split 'test'"):
        split_frames("test", 10)


def test_nothing_to_combine_is_refused() -> None:
    with pytest.raises(InputError, match="no sequences"):
        combine([])


def test_an_identity_twice_in_a_frame_is_refused() -> None:
    with pytest.raises(InputError, match="identity 7 stands twice in frame 2"):
        evaluate_sequence(rows((1, 1, 0)), rows((2, 7, 0), (2, 7, 50)))


_BOX = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(0, 40))


@st.composite
def _sequences(draw: st.DrawFn) -> MotRows:
    boxes = {(frame, identity): left for frame, identity, left in draw(st.lists(_BOX, max_size=20))}
    return rows(*((frame, identity, left) for (frame, identity), left in boxes.items()))


@settings(max_examples=150, deadline=None)
@given(_sequences(), _sequences())
def test_scores_stay_in_their_ranges_and_ignore_names_and_order(
    truth: MotRows, result: MotRows
) -> None:
    counts = evaluate_sequence(truth, result, frames=(1, 6))
    scores = counts.scores()
    for name in ("HOTA", "DetA", "AssA", "LocA", "MOTP", "IDF1", "IDP", "IDR"):
        assert 0 <= scores[name] <= 1 + 1e-12, name
    assert scores["MOTA"] <= 1
    assert scores["TP"] + scores["FN"] == len(truth)
    assert scores["TP"] + scores["FP"] == len(result)
    assert scores["MT"] + scores["PT"] + scores["ML"] == scores["GT_IDs"]
    renamed = MotRows(
        result.frames, 1000 - result.ids, result.ltwh, result.confidences, result.classes,
        result.visibilities,
    )  # fmt: skip
    again = evaluate_sequence(truth, renamed, frames=(1, 6)).scores()
    assert again["IDF1"] == pytest.approx(scores["IDF1"])
    assert again["TP"] == scores["TP"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_sequences(), _sequences()), min_size=1, max_size=4))
def test_combined_counts_are_sums(pairs: list[tuple[MotRows, MotRows]]) -> None:
    counts: list[SequenceCounts] = [
        evaluate_sequence(truth, result, frames=(1, 6)) for truth, result in pairs
    ]
    combined = combine(counts)
    for name in ("TP", "FP", "FN", "IDSW", "IDTP", "Frag", "MT", "GT_IDs", "Frames"):
        assert combined[name] == sum(count.scores()[name] for count in counts), name
