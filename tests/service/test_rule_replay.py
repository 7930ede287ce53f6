"""Rules on rendered and real tracks, replayed, saved, and against a plain counter."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.demo import TRUTH
from sightline.errors import ConfigError, InputError, StateError
from sightline.formats import TrackTable, open_sink, read_tracks
from sightline.service.rules import Counts, Event, RulesEngine, RulesSink, Scene, replay
from sightline.structures import Frame, Tracks
from tests.service.walks import SIZE, line, scene_of, tracks_at, zone

# The plaza's middle is x = 0 on the ground. Who crosses it within the clip stands in
# sightline/demo/cast.py: the first, the child and the runner to the right, five to the left.
MIDDLE = line((0.5, 0.0), (0.5, 1.0))
TO_THE_RIGHT, TO_THE_LEFT = 3, 5


def crossed(scene: Scene, table: TrackTable) -> tuple[int, int]:
    """Crossings to the left (`in`, downwards along the line) and to the right."""
    counts = Counts()
    counts.add(*replay(RulesEngine(scene, class_names=table.info.class_names), table))
    totals = counts.totals()
    name = scene.lines[0].id
    return totals.get((name, "line_cross", "in"), 0), totals.get((name, "line_cross", "out"), 0)


@pytest.fixture(scope="module")
def plaza() -> TrackTable:
    return read_tracks(TRUTH)


def without(table: TrackTable, frames: npt.NDArray[np.int64]) -> TrackTable:
    """The table as if some frames had never come."""
    kept, rows = ~np.isin(table.frame_indices, frames), ~np.isin(table.frames, frames)
    return replace(
        table,
        frame_indices=table.frame_indices[kept],
        frame_times=table.frame_times[kept],
        **{
            name: getattr(table, name)[rows]
            for name in ("frames", "ids", "boxes", "scores", "classes", "predicted")
        },
    )


def test_the_rendered_clip_is_counted_exactly(plaza: TrackTable) -> None:
    assert crossed(scene_of(MIDDLE), plaza) == (TO_THE_LEFT, TO_THE_RIGHT)


def test_the_rendered_clip_with_flicker_is_counted_exactly(plaza: TrackTable) -> None:
    random = np.random.default_rng(3)
    height = plaza.boxes[:, 3] - plaza.boxes[:, 1]
    noise = random.normal(0, 0.04, (len(plaza), 4)) * height[:, None]
    jittered = replace(plaza, boxes=(plaza.boxes + noise).astype(np.float32))
    assert crossed(scene_of(MIDDLE), jittered) == (TO_THE_LEFT, TO_THE_RIGHT)


@pytest.mark.parametrize("start", [100, 125, 150, 175, 200, 225])
def test_the_rendered_clip_without_a_second_is_counted_exactly(
    plaza: TrackTable, start: int
) -> None:
    dropped = without(plaza, np.arange(start, start + 25))
    assert crossed(scene_of(MIDDLE), dropped) == (TO_THE_LEFT, TO_THE_RIGHT)


@pytest.mark.parametrize("x", [0.97, 0.95, 0.03])
def test_a_line_at_the_edge_of_the_rendered_clip_is_counted_exactly(
    plaza: TrackTable, x: float
) -> None:
    """Whoever is seen on both sides of a line at the border counts, for however short a time."""
    at_edge = line((x, 0.0), (x, 1.0))
    expected = plain_count(plaza, at_edge["points"], seconds=0, heights=0)
    assert crossed(scene_of(at_edge), plaza) == expected
    assert sum(expected) >= 5


def plain_count(
    table: TrackTable,
    ends: tuple[tuple[float, float], tuple[float, float]],
    seconds: float = 0.3,
    heights: float = 0.03,
) -> tuple[int, int]:
    """Crossings of an axis-parallel, full line, track by track, from whole paths at once.

    A path is cut into stretches on one side; those that last and get away from the line are kept;
    neighbours that differ are a crossing. `in` is to smaller x, or to larger y.
    """
    info = table.info
    axis = 0 if ends[0][0] == ends[1][0] else 1
    inward = outward = 0
    for identity in np.unique(table.ids).tolist():
        rows = table.ids == identity
        x1, y1, x2, y2 = table.boxes[rows].astype(float).T
        foot = np.clip([(x1 + x2) / 2 / info.width, y2 / info.height], 0, 1)[axis]
        unit = info.width if axis == 0 else info.height
        away = (foot - ends[0][axis]) * unit
        room = np.where(away > 0, (1 - ends[0][axis]) * unit, ends[0][axis] * unit)
        far = np.minimum(heights * (y2 - y1), room / 2)
        times = table.times[rows]
        sides: list[bool] = []
        for side, group in groupby(range(len(away)), key=lambda number: bool(away[number] > 0)):
            members = list(group)
            late = [n for n in members if times[n] - times[members[0]] >= seconds - 1e-9]
            if any(abs(away[n]) >= far[n] for n in late):
                sides.append(side)
        for before, after in pairwise(sides):
            if before != after:
                towards = after if axis == 1 else before
                inward, outward = inward + towards, outward + (not towards)
    return inward, outward


LINES = [line((x, 0.0), (x, 1.0)) for x in (0.2, 0.35, 0.5, 0.65, 0.8)] + [
    line((0.0, y), (1.0, y)) for y in (0.3, 0.45, 0.6)
]


@pytest.fixture(scope="module")
def pets(shared: Path) -> TrackTable:
    return read_tracks(shared / "data/mot15/PETS09-S2L1/gt/gt.txt")


def test_real_ground_truth_is_counted_as_a_plain_counter_does(pets: TrackTable) -> None:
    scene = scene_of(*({**part, "id": f"line-{n}"} for n, part in enumerate(LINES)))
    counts = Counts()
    counts.add(*replay(RulesEngine(scene), pets))
    totals = counts.totals()
    seen = [
        tuple(totals.get((f"line-{n}", "line_cross", way), 0) for way in ("in", "out"))
        for n in range(len(LINES))
    ]
    assert seen == [plain_count(pets, part["points"]) for part in LINES]
    assert sum(map(sum, seen)) > 120


def test_net_counts_of_ground_truth_are_where_tracks_begin_and_end(pets: TrackTable) -> None:
    """Without asking for a moment, in minus out is told by each track's two ends alone."""
    scene = scene_of(MIDDLE, settle_seconds=0, settle_distance=0)
    inward, outward = crossed(scene, pets)
    centres = (pets.boxes[:, 0] + pets.boxes[:, 2]).astype(float) / 2
    net = 0
    for identity in np.unique(pets.ids):
        path = centres[pets.ids == identity]
        net += int(path[-1] < pets.info.width / 2) - int(path[0] < pets.info.width / 2)
    assert inward - outward == net


def test_a_live_run_and_a_replay_of_its_file_are_the_same(pets: TrackTable, tmp_path: Path) -> None:
    scene = scene_of(
        MIDDLE, zone((0.3, 0.3), (0.7, 0.3), (0.7, 1), (0.3, 1), dwell=3, loitering=5, occupancy=3)
    )
    info = replace(pets.info, class_names=("person",))
    live: list[Event] = []
    picture = np.zeros((info.height, info.width, 3), np.uint8)
    path = tmp_path / "live.jsonl"
    file = open_sink("jsonl", path, source=info.source, width=info.width, height=info.height,
                     class_names=info.class_names)  # fmt: skip
    engine = RulesEngine(scene, stream=info.source, class_names=info.class_names)
    with RulesSink(engine, live.append) as rules, file:
        for index, time, tracks in pets.by_frame():
            if index >= 300:
                break
            guessed = replace(
                tracks, detections=np.where((tracks.ids + index) % 7, tracks.detections, -1)
            )
            for sink in (rules, file):
                sink.write(Frame(picture, index, time), guessed)
    again = RulesEngine(scene, stream=info.source, class_names=info.class_names)
    table = read_tracks(path)
    assert list(replay(again, table)) == live
    assert {event.kind for event in live} == {
        *("zone_enter", "zone_exit", "zone_dwell", "loitering", "occupancy", "line_cross")
    }

    saved: list[Event] = []
    resumed = RulesEngine(scene, stream=info.source, class_names=info.class_names)
    for index, _, tracks in table.by_frame():
        saved += resumed.update(tracks, size=(info.width, info.height))
        if index % 60 == 30:
            state = json.loads(json.dumps(resumed.save(), allow_nan=False))
            resumed = RulesEngine(scene, stream=info.source, class_names=info.class_names)
            resumed.restore(state)
    assert saved + resumed.finish() == live

    rules_file = tmp_path / "rules.yaml"
    rules_file.write_text(scene.model_dump_json())
    result = CliRunner().invoke(app, ["rules", "replay", str(rules_file), str(path), "--json"])
    printed = json.loads(result.output)
    assert printed["events"] == json.loads(json.dumps([event.as_dict() for event in live]))
    assert sum(row["count"] for row in printed["counts"]) == len(live)
    assert sum(row["count"] for row in printed["totals"]) == len(live)


def test_a_changed_zone_begins_afresh_and_others_go_on() -> None:
    places = line((0.0, 0.9), (1.0, 0.9)), zone((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    engine = RulesEngine(scene_of(*places))
    for number in range(10):
        engine.update(tracks_at(number / 10, [(3, (0.5, 0.7))]), size=SIZE)
    assert engine.occupancy == {"zone": 1}
    moved = zone((0.1, 0.1), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    after = RulesEngine(scene_of(places[0], moved))
    after.restore(engine.save())
    assert after.occupancy == {"zone": 0}
    events = [
        event
        for number in range(10, 20)
        for event in after.update(tracks_at(number / 10, [(3, (0.5, 0.95))]), size=SIZE)
    ]
    assert [event.kind for event in events] == ["line_cross"]


def test_memory_stays_bounded_however_many_tracks_come() -> None:
    engine = RulesEngine(scene_of(MIDDLE, memory=5))
    sizes = []
    for number in range(300):
        feet = [(10 * number + k, (0.1 * k, 0.6)) for k in range(1, 6)]
        engine.update(tracks_at(number / 10, feet), size=SIZE)
        sizes.append(len(json.dumps(engine.save())))
    assert max(sizes[100:]) < 1.2 * sizes[100]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (tracks_at(1.0, [(1, (0.5, 0.5))]), "after 2 s came 1 s"),
        (tracks_at(float("nan"), []), "came nan s"),
        (tracks_at(3.0, [(-1, (0.5, 0.5))]), "have to be tracked first"),
        (tracks_at(3.0, [(1, (0.5, 0.5)), (1, (0.6, 0.5))]), "track 1 is there twice"),
    ],
)
def test_bad_tracks_are_refused_and_change_nothing(problem: Tracks, words: str) -> None:
    engine = RulesEngine(scene_of(MIDDLE))
    engine.update(tracks_at(2.0, [(1, (0.4, 0.5))]), size=SIZE)
    state = engine.save()
    with pytest.raises(InputError, match=words):
        engine.update(problem, size=SIZE)
    assert engine.save() == state


@pytest.mark.parametrize("state", [{}, {"version": 2}, {"version": 1, "time": 0, "memory": {}}])
def test_what_is_no_saved_state_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(StateError, match="not a saved state of rules"):
        RulesEngine(scene_of(MIDDLE)).restore(state)


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    scene = scene_of({**MIDDLE, "classes": ["persn"]})
    with pytest.raises(ConfigError, match=r"line: there is no class 'persn'; known are person"):
        RulesEngine(scene, class_names=("person",))
    with pytest.raises(ConfigError, match="do not name their classes"):
        RulesEngine(scene)


def test_counts_are_by_stretch_and_the_oldest_go_first() -> None:
    counts = Counts(bucket=10, keep=2)
    for time in (1.0, 2.0, 12.0, 25.0, 3.0):
        counts.add(Event("door", "line_cross", "gate", time, time, 1, direction="in"))
    assert [(row.start, row.count) for row in counts.rows()] == [(10.0, 1), (20.0, 1)]
    assert counts.totals() == {("gate", "line_cross", "in"): 5}
    with pytest.raises(InputError, match="a stretch above 0 s"):
        Counts(bucket=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [((), "give --size or --video"), (("--size", "64x48"), "give --rate or --video")],
)
def test_replay_asks_for_what_a_mot_file_does_not_say(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "a.txt").write_text("1,1,10,10,5,9,1,-1,-1,-1\n")
    (tmp_path / "rules.yaml").write_text("lines: [{id: a, points: [[0, 0.5], [1, 0.5]]}]\n")
    result = CliRunner().invoke(
        app, ["rules", "replay", str(tmp_path / "rules.yaml"), str(tmp_path / "a.txt"), *options]
    )
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)
