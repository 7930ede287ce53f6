"""Rules tried on recordings: what was reported live, for any stretch of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import ConfigError
from sightline.service import replay as replay_module
from sightline.service.config import Tracker as TrackerConfig
from sightline.service.engine.messages import Recording
from sightline.service.engine.recorder import Recorder
from sightline.service.engine.tracking import Identification, StreamTracking
from sightline.service.replay import lead, replay_recordings
from sightline.service.rules import Event, RulesEngine, Scene
from sightline.service.steady import rfc3339
from sightline.service.store.recordings import insert_recordings
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.engine.scenes import (
    START,
    busy_scene,
    frame_at,
    of_rules,
    real_detections,
)
from tests.service.walks import SIZE, line, path, scene_of, tracks_at

CLASSES = ("person", "car")
FRAMES = 300  # at ten a second
WALK = path((0, 0.2, 0.6), (5, 0.8, 0.6))
CROSSED = {"rule": "line", "kind": "line_cross", "direction": "out", "count": 1}
LINE = line((0.5, 0.1), (0.5, 0.9))


@pytest.fixture(scope="module")
def live(shared: Path) -> tuple[list[Event], list[Recording]]:
    """Real detections, tracked as the engine does: events and what was recorded."""
    how = Identification(TrackerConfig(), CLASSES)
    tracking = StreamTracking("door", busy_scene(), how)
    detections = real_detections(shared, FRAMES)
    outcomes = [tracking.update(frame_at(n), seen) for n, seen in enumerate(detections)]
    ending = tracking.finish()
    events = [event for outcome in outcomes for event in outcome.events]
    pieces = [piece for outcome in outcomes for piece in outcome.recordings]
    return [*events, *ending.events], [*pieces, *ending.recordings]


def replayed(pieces: list[Recording], begin: float, end: float, now: float) -> list[Event]:
    found = replay_recordings(pieces, "door", busy_scene(), START + begin, START + end, START + now)
    return list(found.events)


def test_replay_is_what_was_reported_live(live: tuple[list[Event], list[Recording]]) -> None:
    events, pieces = live
    found = replayed(pieces, 0, 60, now=3600)
    assert len(found) > 20
    assert of_rules(found) == of_rules(events)


@pytest.mark.parametrize(("begin", "end"), [(0, 12), (8, 21), (15, 30)])
def test_replay_of_a_stretch_is_what_was_reported_of_it(
    live: tuple[list[Event], list[Recording]], begin: float, end: float
) -> None:
    events, pieces = live
    inside = [one for one in of_rules(events) if START + begin <= one.time < START + end]
    assert inside
    assert of_rules(replayed(pieces, begin, end, now=3600)) == inside


def test_visits_of_a_stream_that_runs_are_not_ended(
    live: tuple[list[Event], list[Recording]],
) -> None:
    events, pieces = live
    now = FRAMES / 10
    found = of_rules(replayed(pieces, 0, 60, now=now))
    assert found == [one for one in of_rules(events) if one in found]
    assert len(found) < len(of_rules(events))


def test_only_the_first_events_are_listed_and_all_are_counted(
    live: tuple[list[Event], list[Recording]], monkeypatch: pytest.MonkeyPatch
) -> None:
    events, pieces = live
    monkeypatch.setattr(replay_module, "MOST_EVENTS", 5)
    found = replay_recordings(pieces, "door", busy_scene(), START, START + 60, START + 3600)
    times = [one.time for one in of_rules(events)]
    assert [one.time for one in found.events] == sorted(times)[:5]
    kinds = Counter((one.rule, one.kind, one.direction or "") for one in of_rules(events))
    assert found.totals == kinds
    assert found.frames == FRAMES
    assert found.recorded == (START, pieces[-1].frame_times[-1])


def walked(
    scene_start: float = START, classes: tuple[str, ...] = CLASSES, first: int = 0, last: int = 60
) -> Recording:
    """One person who crosses the middle."""
    recorder = Recorder("door", classes)
    for number in range(first, last):
        place = WALK(number / 10)
        feet = [] if place is None else [(1, place)]
        recorder.add(tracks_at(scene_start + number / 10, feet), SIZE)
    piece = recorder.flush()
    assert piece is not None
    return piece


def test_recordings_that_overlap_after_a_kill_count_once() -> None:
    pieces = [walked(last=35), walked(first=20)]
    scene = scene_of(LINE)
    found = replay_recordings(pieces, "door", scene, START, START + 60, START + 3600)
    assert found.totals == {("line", "line_cross", "out"): 1}


def test_classes_may_change_in_between() -> None:
    pieces = [walked(last=20), walked(classes=("bicycle", "person"), first=20)]
    scene = scene_of(LINE)
    found = replay_recordings(pieces, "door", scene, START, START + 60, START + 3600)
    assert found.totals == {("line", "line_cross", "out"): 1}


def test_rules_look_back_as_far_as_they_have_to() -> None:
    assert lead(scene_of(LINE)) == 62
    corners = ((0, 0), (1, 0), (1, 1))
    assert lead(scene_of({"id": "z", "points": corners, "dwell": 300.0})) == 362
    assert lead(scene_of({"id": "z", "points": corners, "loitering": 80_000.0})) == 3600


@pytest.fixture
def service(make_service: MakeService, tmp_path: Path) -> Service:
    """A stream with a line, and one person's way of an hour ago."""
    service = make_service(
        storage={"url": f"sqlite:///{tmp_path / 'store.db'}"},
        streams=[{"id": "door", "url": "rtsp://10.0.0.5/live", "lines": [LINE]}],
    )
    service.clock.time = START + 3600
    with service.context.database.session() as session:
        insert_recordings(session, [walked()])
    return service


def asked(**fields: Any) -> dict[str, Any]:
    times = {"begin": rfc3339(START), "end": rfc3339(START + 60)}
    return {"stream": "door", **times, **fields}


def test_line_is_tried_in_a_process_of_its_own(service: Service) -> None:
    client = service.client(service.token("operator"))
    edge = {"id": "edge", "points": [[0, 1], [1, 1]]}
    answer = client.post("/v1/rules/replay", json=asked(lines=[LINE, edge]))
    assert answer.status_code == 200, answer.text
    document = answer.json()
    (event,) = document["events"]
    live = RulesEngine(scene_of(LINE), stream="door", class_names=CLASSES)
    (crossing,) = (
        event
        for number in range(60)
        for event in live.update(
            tracks_at(START + number / 10, [(1, WALK(number / 10) or (0.8, 0.6))]), size=SIZE
        )
    )
    assert event["time"] == rfc3339(crossing.time)
    assert event["decided"] == rfc3339(crossing.decided)
    assert (event["track"], event["direction"]) == ("door:1", "out")
    assert document["totals"] == [CROSSED]
    assert document["frames"] == 60
    assert document["recorded_from"] == rfc3339(START)
    assert len(document["warnings"]) == 1
    assert not client.get("/v1/audit").is_success
    assert service.client().get("/v1/audit").json()["items"] == []  # nothing was changed


def test_what_a_stream_has_is_tried_where_nothing_is_drawn(service: Service) -> None:
    answer = service.client().post("/v1/rules/replay", json=asked())
    assert answer.json()["totals"] == [CROSSED]


def test_what_there_is_to_replay_is_told(service: Service) -> None:
    client = service.client(service.token("viewer"))
    answer = client.get("/v1/streams/door/recorded").json()
    assert answer == {"begin": rfc3339(START), "end": rfc3339(START + 5.9)}
    nothing = client.get("/v1/streams/yard/recorded").json()
    assert nothing == {"begin": None, "end": None}


def test_what_can_never_fire_is_said_before_it_is_kept(service: Service) -> None:
    client = service.client(service.token("operator"))
    edge = {"id": "edge", "points": [[0, 1], [1, 1]]}
    sky = {"id": "sky", "points": [[0, 0], [1, 0], [1, 0.01]]}
    answer = client.post("/v1/rules/check", json={"lines": [LINE, edge], "zones": [sky]})
    found = answer.json()["warnings"]
    assert [(one["place"], one["id"], one["reason"]) for one in found] == [
        ("line", "edge", "no_room_right"),
        ("zone", "sky", "out_of_reach"),
    ]
    assert found[0]["message"].startswith("line edge: it can never count")
    assert [line["id"] for line in client.get("/v1/streams/door/lines").json()["lines"]] == ["line"]
    crossed = {"id": "bow", "points": [[0, 0], [1, 1], [1, 0], [0, 1]]}
    assert code_of(client.post("/v1/rules/check", json={"zones": [crossed]})) == "invalid_request"


def test_wrong_requests_are_problems(service: Service) -> None:
    wrong: list[dict[str, Any]] = [
        {"end": rfc3339(START)},
        {"end": rfc3339(START + 90_000)},
        {"begin": "noon"},
        {"lines": [{"id": "a", "points": [[0, 0]]}]},
        {"lines": [LINE, LINE]},
        {"lines": [], "zones": []},
        {"lines": [{**LINE, "classes": ["dragon"]}]},
        {"storage": "x"},
    ]
    for fields in wrong:
        answer = service.client().post("/v1/rules/replay", json=asked(**fields))
        assert code_of(answer) == "invalid_request", fields


def test_stream_that_is_not_granted_is_not_replayed(service: Service) -> None:
    client = service.client(service.token("operator", "yard"))
    assert code_of(client.post("/v1/rules/replay", json=asked())) == "not_found"


def test_one_replay_at_a_time(service: Service) -> None:
    with replay_module._one_at_a_time:
        answer = service.client().post("/v1/rules/replay", json=asked())
    assert code_of(answer) == "rate_limited"


def test_replay_that_takes_too_long_is_stopped(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "_SECONDS", 0.0)
    answer = service.client().post("/v1/rules/replay", json=asked())
    assert code_of(answer) == "unavailable"
    assert "choose a shorter time" in answer.json()["detail"]
    assert not replay_module._one_at_a_time.locked()


def test_unknown_class_is_an_error_of_the_scene() -> None:
    scene = Scene.model_validate({"lines": [{**LINE, "classes": ["dragon"]}]})
    with pytest.raises(ConfigError, match="dragon"):
        replay_recordings([walked()], "door", scene, START, START + 60, START + 3600)
