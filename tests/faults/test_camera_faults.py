"""Cameras of one service that misbehave in every way at once, and one that must not notice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt

from tests.e2e.running_service import RunningService, following, wait_for
from tests.faults.flash_video import stamped_feed
from tests.faults.probing import metric
from tests.faults.transport_video import encoded, recoded_feed
from tests.service.conftest import RenderNumbers
from tests.service.http_sources import HttpSources
from tests.video.conftest import numbered_picture

Image = npt.NDArray[np.uint8]
_SMALL, _LARGE = (128, 96), (320, 240)
_RATE = 20.0
_DEATHS = 100
_JUMP = 900_000_000  # ms
_FRAMES = 40


def test_cameras_that_misbehave_recover_and_another_loses_nothing(
    tmp_path: Path, render_numbers: RenderNumbers
) -> None:
    with ExitStack() as stack:
        site = Site(stack, [render_numbers(50, 25, size) for size in (_SMALL, _LARGE)], tmp_path)
        service = stack.enter_context(RunningService(tmp_path, {"streams": site.streams()}))
        client = stack.enter_context(service.client())
        for name in site.names:
            wait_until(client, name, lambda view: view["processing"])
        before = {view["id"]: view for view in client.get("/v1/streams").json()["items"]}

        site.misbehave()

        wait_until(client, "stalling", failed_with("stream_timeout"))
        garbled = wait_until(client, "garbling", failed_with("stream_corrupt"))
        assert garbled["status"]["corrupt"] > 0
        for name in ("growing", "replaced", "recoded", "switching"):
            wait_until(client, name, has_width(_LARGE[0]))
        for name in ("frozen", "jumping", "hurried"):
            went_on = wait_until(client, name, has_processed(before[name], 4))
            assert went_on["status"]["since"] == before[name]["status"]["since"]
            assert is_between(went_on, before[name])
        assert_every_frame_is_accounted_for(client, "hurried")
        wait_for(lambda: site.lives >= _DEATHS, f"{_DEATHS} deaths")

        site.behave()

        for name in site.names:
            now = client.get(f"/v1/streams/{name}").json()
            after = wait_until(client, name, has_processed(now, 2))
            assert after["status"]["received"] > before[name]["status"]["received"]
        for name in ("steady", "growing", "frozen", "jumping", "hurried"):
            assert metric(client, "sightline_stream_interruptions_total", stream=name) == 0
            assert site.connections(name) == 1
        # One picture may be half on its way.
        site.servers["steady"].stall()
        wait_until(client, "steady", lambda view: view["status"]["received"] >= site.drawn - 2)
        steady = client.get("/v1/streams/steady").json()["status"]
        assert steady["received"] <= site.drawn
        assert (steady["corrupt"], steady["since"]) == (0, before["steady"]["status"]["since"])
        assert service.end() == 0


class Site:
    """A steady camera and ten that can misbehave, each in its own way.

    Args:
        stack: Ends the servers.
        clips: A small one and a large one.
        folder: For clips of other codecs.

    Attributes:
        servers: By name; those whose switches are used have one of their own.
        drawn: Pictures that the steady camera began to send.
        lives: Connections of the mortal one that it ended.
    """

    names = (
        "steady",
        "stalling",
        "garbling",
        "growing",
        "replaced",
        "recoded",
        "switching",
        "frozen",
        "jumping",
        "hurried",
        "mortal",
    )

    def __init__(self, stack: ExitStack, clips: list[Path], folder: Path) -> None:
        self.servers = {name: stack.enter_context(HttpSources()) for name in self.names}
        self.drawn = 0
        self.lives = 0
        self._small, self._large = clips
        self._hevc = folder / "hevc.mp4"
        self._hevc.write_bytes(encoded("libx265", "mp4", _LARGE, _FRAMES, round(_RATE)))
        self._h264 = encoded("libx264", "mpegts", _SMALL, _FRAMES, round(_RATE))
        self._mpeg2 = encoded("mpeg2video", "mpegts", _LARGE, _FRAMES, round(_RATE))
        self._bad = threading.Event()

    def streams(self) -> list[dict[str, Any]]:
        """Their configuration."""
        cameras: dict[str, Callable[[int], Image]] = {
            "steady": self._draw_steadily,
            "stalling": _draw,
            "garbling": _draw,
            "growing": self._draw_growing,
            "hurried": self._draw_hurriedly,
            "mortal": self._draw_and_die,
        }
        urls = {
            name: self.servers[name].add_camera(
                name, draw, 10 * _RATE if name == "hurried" else _RATE
            )
            for name, draw in cameras.items()
        }
        for name in ("replaced", "recoded"):
            urls[name] = self.servers[name].add_file(self._small, "clip.mp4")
        urls["switching"] = self.servers["switching"].add_feed("live.ts", self._switch, _RATE)
        for name, stamp in (("frozen", self._frozen), ("jumping", self._jumping)):
            urls[name] = self._add_feed(name, stamp)
        settings = {
            "timeout": 1.0,
            "process_fps": 2,
            "reconnect": {"first": 0.2, "longest": 0.5},
        }
        # FFmpeg looks at five seconds of FLV and MPEG-TS before it gives out its first picture.
        special: dict[str, dict[str, Any]] = {
            name: {"timeout": 5.0} for name in ("switching", "frozen", "jumping")
        }
        special["mortal"] = {"reconnect": {"first": 0.1, "longest": 0.1}}
        return [
            {"id": name, "url": url, **settings, **special.get(name, {})}
            for name, url in urls.items()
        ]

    def misbehave(self) -> None:
        """From now on all but the steady one do."""
        self._bad.set()
        self.servers["stalling"].stall()
        self.servers["garbling"].garbage = True
        self.servers["replaced"].add_file(self._large, "clip.mp4")
        self.servers["recoded"].add_file(self._hevc, "clip.mp4")

    def behave(self) -> None:
        """No longer."""
        self._bad.clear()
        self.servers["stalling"].flow()
        self.servers["garbling"].garbage = False

    def connections(self, name: str) -> int:
        """How often a camera was connected to."""
        return len(self.servers[name].requests)

    def _add_feed(self, name: str, stamp: Callable[[int], int]) -> str:
        pieces: Callable[[], Iterator[bytes]] = lambda: stamped_feed(self._small, stamp)  # noqa: E731
        return self.servers[name].add_feed("live.flv", pieces, _RATE)

    def _switch(self) -> Iterator[bytes]:
        return recoded_feed(self._h264, self._mpeg2, _FRAMES, self._bad.is_set)

    def _frozen(self, number: int) -> int:
        return 0 if self._bad.is_set() else round(1000 * number / _RATE)

    def _jumping(self, number: int) -> int:
        return round(1000 * number / _RATE) + (_JUMP if self._bad.is_set() else 0)

    def _draw_steadily(self, number: int) -> Image:
        self.drawn += 1
        return _draw(number)

    def _draw_growing(self, number: int) -> Image:
        return numbered_picture(number % 256, *(_LARGE if self._bad.is_set() else _SMALL))

    def _draw_hurriedly(self, number: int) -> Image:
        self._bad.wait(0.9 / _RATE)
        return _draw(number)

    def _draw_and_die(self, number: int) -> Image:
        if self._bad.is_set() and number >= 3:
            self.lives += 1
            raise ConnectionAbortedError
        return _draw(number)


def _draw(number: int) -> Image:
    return numbered_picture(number % 256, *_SMALL)


def wait_until(client: httpx.Client, name: str, condition: Callable[[Any], Any]) -> Any:
    with following(client, f"/v1/streams/{name}") as until:
        return until(condition)


def failed_with(code: str) -> Callable[[Any], bool]:
    return lambda view: view["status"]["error_code"] == code and view["status"]["attempts"] > 1


def has_width(width: int) -> Callable[[Any], bool]:
    return lambda view: view["status"]["width"] == width and view["status"]["state"] == "RUNNING"


def has_processed(before: Any, more: int) -> Callable[[Any], bool]:
    wanted = before["processing"]["processed"] + more
    return lambda view: view["processing"]["processed"] >= wanted


def is_between(view: Any, before: Any) -> bool:
    """Whether its frames' times go on from where they were and do not reach into the future."""
    begin, at = (datetime.fromisoformat(one["processing"]["frame_at"]) for one in (before, view))
    return begin < at <= datetime.now(at.tzinfo)


def assert_every_frame_is_accounted_for(client: httpx.Client, name: str) -> None:
    frames = client.get(f"/v1/streams/{name}").json()["processing"]
    left_out = frames["dropped"] + frames["skipped"]
    assert left_out > frames["processed"]
    total = frames["processed"] + left_out + frames["waiting"]
    view = wait_until(client, name, lambda view: view["status"]["received"] >= total)
    assert view["status"]["received"] >= total
