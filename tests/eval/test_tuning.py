"""The search: its space, its parts, and that it goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from sightline.errors import ConfigError
from sightline.eval.benchmark import TrackerChoice, find_bench_sequences
from sightline.eval.search_space import Range, search_space
from sightline.eval.tuning import (
    Budget,
    Objective,
    TuningResult,
    format_preset,
    split_parts,
    tune,
)
from sightline.structures import Detections, Tracks

Run = Callable[..., tuple[int, str, str]]

PARAMETERS = {
    "threshold": SimpleNamespace(default=0.6, low=0, high=1, choices=()),
    "hits": SimpleNamespace(default=2, low=1, high=20, choices=()),
    "switch": SimpleNamespace(default=1, low=0, high=1, choices=()),
    "mode": SimpleNamespace(default="a", low=0, high=1, choices=("a", "b")),
}


class ThresholdTracker:
    """A stand-in with one parameter: boxes below a score are not reported; ids by place."""

    def __init__(self, threshold: float = 0.95) -> None:
        self.threshold = threshold

    def update(
        self, detections: Detections, *, time: object = None, camera_motion: object = None
    ) -> Tracks:
        kept = detections[detections.scores >= self.threshold]
        _, first = np.unique(kept.boxes[:, 1] // 40, return_index=True)
        kept = kept[first]
        count = len(kept)
        return Tracks(
            (kept.boxes[:, 1] // 40).astype(np.int64) + 1, kept.boxes, kept.scores,
            np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.float32),
            np.ones(count, np.int32),
        )  # fmt: skip


def make_threshold(choice: TrackerChoice) -> ThresholdTracker:
    return ThresholdTracker(**choice.overrides)


def test_the_space_follows_the_preset_within_the_limits() -> None:
    values = {"threshold": 0.6, "hits": 3, "switch": 1, "mode": "a"}
    assert search_space(values, parameters=PARAMETERS) == {
        "threshold": Range(0.3, 1.0),
        "hits": Range(2, 6, 1),
    }
    named = search_space(values, ["threshold=0.2:0.4", "mode", "hits=1:4"], parameters=PARAMETERS)
    assert named == {
        "threshold": Range(0.2, 0.4),
        "mode": Range(choices=("a", "b")),
        "hits": Range(1, 4, 1),
    }


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("none", "no parameter 'none'"),
        ("threshold=1:0", "no range within 0 to 1"),
        ("threshold=0:3", "no range within 0 to 1"),
        ("threshold=a:b", "a range is NAME=LOW:HIGH"),
        ("threshold=1", "a range is NAME=LOW:HIGH"),
    ],
)
def test_a_word_that_names_no_range_is_refused(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_space({}, [word], parameters=PARAMETERS)


def test_parts_are_halves_or_whole_sequences(small_dataset: Path) -> None:
    sequences = find_bench_sequences(small_dataset / "data")
    train, held_out = split_parts(sequences, "half")
    assert [(s.name, s.first, s.last) for s in train] == [("A-01", 1, 31), ("A-02", 1, 31)]
    assert [(s.name, s.first, s.last) for s in held_out] == [("A-01", 32, 60), ("A-02", 32, 60)]
    train, held_out = split_parts(sequences, "A-02")
    assert ([s.name for s in train], [s.name for s in held_out]) == (["A-01"], ["A-02"])
    with pytest.raises(ConfigError, match="no sequence B"):
        split_parts(sequences, "B")
    with pytest.raises(ConfigError, match="every sequence is held out"):
        split_parts(sequences, "A-01,A-02")


def test_a_search_improves_a_bad_preset_and_goes_on_where_it_stopped(
    small_dataset: Path, tmp_path: Path
) -> None:
    parts = split_parts(find_bench_sequences(small_dataset / "data"), "half")
    seen: list[int] = []

    def search(trials: int) -> TuningResult:
        return tune(
            TrackerChoice("bad"), {"threshold": 0.95}, {"threshold": Range(0.5, 0.99)}, parts,
            tmp_path / "trials.journal", budget=Budget(trials), make_tracker=make_threshold,
            report=lambda number, value, best: seen.append(number),
        )  # fmt: skip

    first = search(4)
    result = search(8)
    assert (first.trials, result.trials, seen) == (4, 8, list(range(8)))
    train, held_out = result.gains(Objective())
    assert train > 0
    assert held_out > 0
    assert result.verdict(Objective()) == "the gain carries over to the held-out part"
    text = format_preset("bad", result, Objective())
    assert yaml.safe_load(text) == result.parameters
    assert "held-out: HOTA" in text
    assert search(8).parameters == result.parameters


def test_a_gain_that_does_not_carry_over_is_called_that() -> None:
    def result(*hota: float) -> TuningResult:
        scores = [{"HOTA": value, "IDF1": value} for value in hota]
        return TuningResult({}, (scores[0], scores[1]), (scores[2], scores[3]), 1, False)

    goal = Objective()
    assert "does not carry over" in result(0.5, 0.6, 0.5, 0.49).verdict(goal)
    assert "less than half" in result(0.5, 0.6, 0.5, 0.52).verdict(goal)
    assert "no better values" in result(0.5, 0.5, 0.5, 0.5).verdict(goal)


def test_the_command_writes_a_preset_that_the_tracker_reads(
    small_dataset: Path, tmp_path: Path, run_cli: Run
) -> None:
    from sightline.tracker import Tracker

    out = tmp_path / "tuned.yaml"
    code, text, err = run_cli(
        "tune", "sort", small_dataset / "data", "--parameter", "high_score=0.3:0.9",
        "--trials", 3, "--out", out, "--json",
    )  # fmt: skip
    assert code == 0, err
    output = json.loads(text)
    assert output["trials"] == 3
    assert {"train", "held_out", "train_gain", "held_out_gain", "verdict"} <= set(output)
    Tracker(str(out)).update(Detections.empty(), time=0.0)
    assert (tmp_path / "tuned.journal").is_file()
