"""Pictures and clips of events: kept, found, grown old, and given up when the disk is full."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import SourceError
from sightline.service import disk
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.config import Config
from sightline.service.engine.messages import FrameResult
from sightline.service.live.privacy import Blur
from sightline.service.recordings.files import PictureFiles
from sightline.service.recordings.keeper import EventPictures
from sightline.service.rules.events import Event
from sightline.service.steady import SteadyClock
from sightline.service.store.events import StoredEvent
from sightline.service.store.identifiers import new_id
from tests.service.live.live_service import make_result

HOUR = 3600.0
NOON = 1_700_049_600.0


@pytest.fixture
def files(tmp_path: Path) -> PictureFiles:
    return PictureFiles(tmp_path / "pictures", days=7, most_bytes=1000)


def test_what_was_written_is_found_by_its_event_and_private(files: PictureFiles) -> None:
    files.write("yard", NOON, "event", "jpg", b"picture")
    path = files.find("yard", NOON, "event", "jpg")
    assert path is not None
    assert path.read_bytes() == b"picture"
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.stat().st_mode & 0o777 for each in path.parents[:3]} == {0o700}
    assert files.find("yard", NOON, "event", "mp4") is None
    assert files.find("gate", NOON, "event", "jpg") is None
    files.remove("yard", NOON, "event")
    assert files.find("yard", NOON, "event", "jpg") is None
    assert files.total_bytes == 0


def test_the_oldest_go_where_there_are_too_many_bytes(files: PictureFiles) -> None:
    for number in range(12):
        stream = ("yard", "gate")[number % 2]
        files.write(stream, NOON + number * HOUR, f"{number:02}", "mp4", bytes(100))
    kept = sorted(path.stem for path in files.folder.rglob("*.mp4"))
    assert kept == [f"{number:02}" for number in range(2, 12)]
    assert files.total_bytes == 1000
    again = PictureFiles(files.folder, days=7, most_bytes=1000)
    assert again.total_bytes == 1000
    again.write("yard", NOON + 12 * HOUR, "12", "jpg", bytes(950))
    assert [path.stem for path in files.folder.rglob("*.*") if path.is_file()] == ["12"]


def test_what_is_too_old_goes(files: PictureFiles) -> None:
    for days in (0, 3, 6, 8):
        files.write("yard", NOON - days * 24 * HOUR, f"{days}", "jpg", b"x")
    files.remove_old(NOON)
    assert sorted(path.stem for path in files.folder.rglob("*.jpg")) == ["0", "3", "6"]
    assert files.total_bytes == 3


@dataclass
class Camera:
    """What reads and looks at a stream: its last picture, and clips of any time."""

    results: list[FrameResult] = field(default_factory=list)
    watched: set[str] = field(default_factory=set)
    asked: list[tuple[str, float, float, tuple[HiddenAreas, ...]]] = field(default_factory=list)
    broken: bool = False

    def watch(self, stream: str, until: float) -> None:
        self.watched.add(stream)

    def picture(self, stream: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:
        if stream not in self.watched or not self.results:
            return None
        noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
        return noise, self.results[-1]

    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas] = (),
        *,
        moment: float | None = None,
        around: tuple[float, float] | None = None,
    ) -> Future[Clip]:
        self.asked.append((stream, begin, end, tuple(hidden)))
        clip: Future[Clip] = Future()
        if self.broken:
            clip.set_exception(SourceError("nothing is kept", "stream_ended"))
        else:
            clip.set_result(Clip(b"clip " * 20, b"strip" if moment is not None else b""))
        return clip


@dataclass
class Scene:
    """A camera, who keeps its events, and time."""

    camera: Camera
    keeper: EventPictures
    now: list[float]

    def see(self, *kinds: str, boxes: list[list[float]] | None = None) -> list[StoredEvent]:
        """A frame on which events are decided, that are then stored."""
        sequence = round((self.now[0] - 1000) * 25)
        plain = make_result("yard", sequence, boxes, detected=[[*box, 0.9] for box in boxes or ()])
        events = tuple(
            Event("yard", kind, "gate", plain.captured_at - 0.5, plain.captured_at, track=1)  # type: ignore[arg-type]
            for kind in kinds
        )
        result = replace_events(plain, events)
        self.camera.results.append(result)
        self.keeper.on_result(result)
        stored = [StoredEvent(new_id(), event) for event in events]
        self.keeper.on_events(stored)
        return stored

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, self.keeper.statistics
            threading.Event().wait(0.01)


def replace_events(result: FrameResult, events: tuple[Event, ...]) -> FrameResult:
    values = {name: getattr(result, name) for name in FrameResult.__slots__}
    return FrameResult(**values | {"events": events})


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """`make_scene(blur="off", snapshots=True, clips=True)`."""
    scenes: list[Scene] = []

    def make(blur: Blur = "off", **wanted: Any) -> Scene:
        pictures = {"snapshots": True, "clips": True, "before": 2, "after": 3, **wanted}
        storage = {"folder": str(tmp_path / "data"), "event_pictures": pictures}
        camera, now = Camera(), [2000.0]
        clock: SteadyClock = Ticking(now)  # type: ignore[assignment]
        config = Config.model_validate({"storage": storage})
        scene = Scene(camera, EventPictures(config, clock, camera, camera, lambda _: blur), now)
        scene.keeper.start()
        scenes.append(scene)
        return scene

    yield make
    for scene in scenes:
        scene.keeper.close()


@dataclass
class Ticking:
    """Time that the test moves on."""

    at: list[float]

    def now(self) -> float:
        return self.at[0]


def test_an_event_gets_the_picture_of_its_frame_and_a_clip_with_pre_roll(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene()
    scene.see()  # from the first frame on, the stream is watched
    (stored,) = scene.see("line_cross")
    scene.until(lambda: scene.keeper.find(stored, "jpg") is not None)
    assert scene.camera.asked == []  # its end is not recorded yet
    scene.now[0] += 5
    scene.until(lambda: scene.keeper.find(stored, "mp4") is not None)
    picture = scene.keeper.find(stored, "jpg")
    assert picture is not None
    assert cv2.imread(str(picture)) is not None
    event = stored.event
    assert scene.camera.asked == [("yard", event.time - 2, event.decided + 3, ())]
    scene.until(lambda: scene.keeper.find(stored, "strip.jpg") is not None)
    assert (scene.keeper.statistics.snapshots, scene.keeper.statistics.clips) == (1, 1)
    scene.keeper.remove("yard", event.time, stored.id)
    assert not [path for path in scene.keeper.files.folder.rglob("*") if path.is_file()]


def test_several_events_of_a_frame_each_get_their_picture(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(clips=False)
    scene.see()
    stored = scene.see("zone_enter", "line_cross", "stream_state")
    scene.until(lambda: scene.keeper.statistics.snapshots == 2)
    assert [scene.keeper.find(each, "jpg") is not None for each in stored] == [True, True, False]


def test_people_are_blurred_in_pictures_and_clips(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene("people")
    box = [100.0, 60.0, 180.0, 220.0]
    scene.see(boxes=[box])
    (stored,) = scene.see("line_cross", boxes=[box])
    scene.now[0] += 5
    scene.until(lambda: scene.keeper.statistics.clips == 1)
    scene.until(lambda: scene.keeper.statistics.snapshots == 1)
    picture = scene.keeper.find(stored, "jpg")
    assert picture is not None
    image = np.asarray(cv2.imread(str(picture)), float)
    inside, outside = image[100:200, 120:160], image[100:200, 220:300]
    assert np.abs(np.diff(inside, axis=1)).mean() < 0.3 * np.abs(np.diff(outside, axis=1)).mean()
    hidden = scene.camera.asked[0][3]
    assert hidden
    expected = np.array(box) / [320, 240, 320, 240]
    assert all(np.allclose(areas.boxes[0], expected, atol=1e-3) for areas in hidden)


def test_nothing_is_kept_unless_it_is_wanted(
    make_scene: Callable[..., Scene], tmp_path: Path
) -> None:
    scene = make_scene(snapshots=False, clips=False)
    scene.see()
    scene.see("line_cross")
    scene.keeper.close()
    assert not scene.camera.watched
    assert not scene.camera.asked
    assert not (tmp_path / "data").exists()


def test_a_full_disk_stops_pictures_with_one_line_and_comes_back(
    make_scene: Callable[..., Scene],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = make_scene(clips=False)
    scene.see()
    with monkeypatch.context() as full, caplog.at_level(logging.WARNING):
        full.setattr(disk, "RESERVE_BYTES", 2**62)
        for number in range(1, 4):
            scene.see("line_cross")
            scene.until(lambda number=number: scene.keeper.statistics.failed == number)  # type: ignore[misc]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "no room left" in caplog.text
    scene.now[0] += 61
    scene.see()
    (stored,) = scene.see("line_cross")
    scene.until(lambda: scene.keeper.find(stored, "jpg") is not None)


def test_a_clip_that_cannot_be_made_is_counted(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(snapshots=False)
    scene.camera.broken = True
    scene.see("line_cross")
    scene.now[0] += 5
    scene.until(lambda: scene.keeper.statistics.failed == 1)


def test_a_clip_whose_packets_would_be_gone_is_left_out_and_counted(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(snapshots=False)
    (late,) = scene.see("line_cross")
    scene.now[0] += 60
    (stored,) = scene.see("line_cross")
    scene.until(lambda: scene.keeper.statistics.dropped == 1)
    scene.now[0] += 5
    scene.until(lambda: scene.keeper.find(stored, "mp4") is not None)
    assert scene.keeper.find(late, "mp4") is None


def test_clips_of_rules_are_cut_before_those_of_coming_and_going(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(snapshots=False)
    started, crossed = scene.see("track_start", "line_cross")
    scene.now[0] += 4.5
    scene.until(lambda: scene.keeper.find(crossed, "mp4") is not None)
    assert scene.keeper.find(started, "mp4") is None
    scene.now[0] += 2
    scene.until(lambda: scene.keeper.find(started, "mp4") is not None)


def test_more_events_than_can_be_kept_are_dropped_and_counted(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(snapshots=False)
    for _ in range(250):
        scene.see("line_cross")
    assert scene.keeper.statistics.dropped == 50
