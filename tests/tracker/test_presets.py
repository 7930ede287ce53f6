"""What every preset must do; a new YAML file in configs/trackers is tested by being there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from sightline.errors import ConfigError
from sightline.structures import Detections, Tracks
from sightline.tracker import PARAMETERS, Tracker, preset_names
from sightline.tracker.presets import read_preset
from tests.tracker.scenes import boxes_at, crowd, seen

every_preset = pytest.mark.parametrize("preset", preset_names())
CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "trackers"


def _rows(tracks: Tracks) -> list[tuple[object, ...]]:
    return [
        (int(identity), *box.tolist(), float(score), int(label), float(age), int(hits))
        for identity, box, score, label, age, hits in zip(
            tracks.ids, tracks.boxes, tracks.scores, tracks.classes, tracks.ages, tracks.hits,
            strict=True,
        )
    ]  # fmt: skip


def _sources(tracks: Tracks, detections: Detections) -> list[list[float]]:
    return [detections.boxes[row].tolist() if row >= 0 else [] for row in tracks.detections]


def test_the_six_presets_are_there() -> None:
    assert set(preset_names()) >= {
        "sort",
        "deepsort",
        "bytetrack",
        "ocsort",
        "botsort",
        "sightline",
    }


@every_preset
def test_preset_cites_its_source_and_says_how_it_is_scored(preset: str) -> None:
    text = (CONFIGS / f"{preset}.yaml").read_text()
    assert "sightline bench" in text
    assert "HOTA" in text


@every_preset
def test_people_who_walk_keep_their_ids(preset: str) -> None:
    tracker = Tracker(preset)
    for frame in range(40):
        tracks = tracker.update(seen(boxes_at(frame)), time=frame / 30)
    assert tracks.ids.tolist() == [1, 2, 3]
    np.testing.assert_allclose(np.sort(tracks.boxes[:, 0]), np.sort(boxes_at(39)[:, 0]), atol=3)
    assert tracks.hits.tolist() == [40, 40, 40]
    np.testing.assert_allclose(tracks.ages, 39 / 30, rtol=1e-5)
    assert tracks.time == pytest.approx(39 / 30)


@every_preset
def test_output_is_well_formed(preset: str) -> None:
    tracker = Tracker(preset)
    last_id = 0
    for frame, detections in enumerate(crowd(30, 60)):
        tracks = tracker.update(detections, time=frame / 25)
        assert (np.diff(tracks.ids) > 0).all()
        assert tracks.ids.dtype == np.int64
        assert tracks.boxes.dtype == np.float32
        assert tracks.boxes.shape == (len(tracks), 4)
        assert (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
        used = tracks.detections[tracks.detections >= 0]
        assert len(np.unique(used)) == len(used)
        assert (used < len(detections)).all()
        np.testing.assert_array_equal(
            tracks.scores[tracks.detections >= 0], detections.scores[used]
        )
        last_id = max(last_id, *tracks.ids.tolist(), 0)
    assert last_id >= 20


@every_preset
def test_order_of_detections_does_not_matter(preset: str) -> None:
    generator = np.random.default_rng(5)
    plain, shuffled = Tracker(preset), Tracker(preset)
    for frame, detections in enumerate(crowd(25, 40, seed=1, dimension=8)):
        other = detections[generator.permutation(len(detections))]
        first = plain.update(detections, time=frame / 30)
        second = shuffled.update(other, time=frame / 30)
        assert _rows(first) == _rows(second)
        assert _sources(first, detections) == _sources(second, other)


@every_preset
def test_interleaved_trackers_give_what_each_gives_alone(preset: str) -> None:
    scenes = [crowd(15, 30, seed=2), crowd(15, 30, seed=3)]
    alone = []
    for scene in scenes:
        tracker = Tracker(preset)
        alone.append([_rows(tracker.update(part)) for part in scene])
    trackers = [Tracker(preset), Tracker(preset)]
    for number, parts in enumerate(zip(*scenes, strict=True)):
        for tracker, part, expected in zip(trackers, parts, alone, strict=True):
            assert _rows(tracker.update(part)) == expected[number]


@every_preset
@pytest.mark.parametrize("dimension", [0, 8])
def test_saved_state_continues_bit_for_bit(preset: str, dimension: int) -> None:
    scene = crowd(20, 40, seed=4, dimension=dimension)
    tracker = Tracker(preset)
    for number, part in enumerate(scene[:20]):
        tracker.update(part, time=number / 30)
    resumed = Tracker.load(tracker.save())
    for number, part in enumerate(scene[20:], start=20):
        assert _rows(tracker.update(part, time=number / 30)) == _rows(
            resumed.update(part, time=number / 30)
        )
    assert tracker.save() == resumed.save()


@every_preset
def test_reset_starts_from_nothing(preset: str) -> None:
    tracker = Tracker(preset)
    first = [_rows(tracker.update(part)) for part in crowd(10, 20)]
    tracker.reset()
    assert tracker.statistics.updates == 0
    assert [_rows(tracker.update(part)) for part in crowd(10, 20)] == first


@every_preset
def test_input_is_left_as_it_was(preset: str) -> None:
    tracker = Tracker(preset)
    for part in crowd(10, 10):
        before = (part.boxes.copy(), part.scores.copy(), part.classes.copy())
        part.boxes.setflags(write=False)
        part.scores.setflags(write=False)
        part.classes.setflags(write=False)
        tracker.update(part)
        np.testing.assert_array_equal(part.boxes, before[0])
        np.testing.assert_array_equal(part.scores, before[1])
        np.testing.assert_array_equal(part.classes, before[2])


@every_preset
def test_empty_frames_are_fine(preset: str) -> None:
    tracker = Tracker(preset)
    for frame in range(100):
        assert len(tracker.update(Detections.empty(), time=frame / 10)) == 0
    assert tracker.statistics.updates == 100


@every_preset
def test_fast_and_slow_clocks_differ_by_little(preset: str) -> None:
    results = []
    for rate in (30, 30 / 1.000001):
        tracker = Tracker(preset)
        for frame, part in enumerate(crowd(15, 40, seed=6)):
            tracks = tracker.update(part, time=frame / rate)
        results.append(tracks)
    assert results[0].ids.tolist() == results[1].ids.tolist()
    np.testing.assert_allclose(results[0].boxes, results[1].boxes, atol=0.01)


def test_preset_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("patience: 5\nclass_mode: off\n")
    tracker = Tracker(path)
    assert tracker.parameters["patience"] == 5
    assert tracker.parameters["class_mode"] == "off"
    assert tracker.parameters["high_score"] == PARAMETERS["high_score"].default


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patience: -1", "patience is a number from 0"),
        ("patience: soon", "patience is a number"),
        ("hops: 1", "'hops' is unknown"),
        ("- 1", "maps parameter names"),
        ("a: [", "not YAML"),
        ("confirm_hits: 1.5", "whole number"),
        ("class_mode: some", "one of off, strict, grouped"),
    ],
)
def test_wrong_preset_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        Tracker(path)


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="bytetrack"):
        Tracker("bytetrak")
    with pytest.raises(ConfigError, match="cannot be read"):
        Tracker("no/such.yaml")


def test_defaults_are_the_preset_sightline() -> None:
    assert Tracker().parameters == {name: each.default for name, each in PARAMETERS.items()}
    assert read_preset("sightline") == {}


@every_preset
def test_preset_holds_known_parameters_only(preset: str) -> None:
    values = yaml.safe_load((CONFIGS / f"{preset}.yaml").read_text()) or {}
    assert set(values) <= set(PARAMETERS)
