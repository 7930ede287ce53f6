"""What a soak puts a service through: cameras that break, viewers who come and go, jobs.

Cameras are real servers on the loopback, those of the tests; all show the clip that comes along.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import numpy.typing as npt
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from sightline.demo import CLIP

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tests.service.http_sources import HttpSources
from tests.service.rtsp_server import RtspServer, missing_gstreamer

__all__ = ["Cameras", "Crowd", "Tally"]

_PICTURES = 60
_RATE = 5.0
_SILENCE = 1.6  # seconds; more than the time-out below
_JOB_PATIENCE = 1200.0


@dataclass
class Tally:
    """What came and went."""

    deaths: int = 0
    sockets: int = 0
    messages: int = 0
    watchers: int = 0
    jobs: int = 0
    latencies: list[float] = field(default_factory=list)


class Cameras:
    """Four cameras: one dies and returns, one falls silent, one hangs up, one ends and begins.

    With GStreamer the first is RTSP, else HTTP like the rest.

    Args:
        stack: Ends the servers.
        tally: Where deaths are counted.
    """

    names = ("mortal", "silent", "short", "file")

    def __init__(self, stack: ExitStack, tally: Tally) -> None:
        self._pictures = _pictures()
        self._tally = tally
        self._rtsp = None
        if missing_gstreamer() is None:
            self._rtsp = RtspServer({"mortal": CLIP})
            stack.callback(self._rtsp.die)
        self._servers = {name: stack.enter_context(HttpSources()) for name in self.names}

    def streams(self) -> list[dict[str, Any]]:
        """Their configuration."""
        urls = {
            "mortal": self._rtsp.url("mortal") if self._rtsp else self._camera("mortal"),
            "silent": self._camera("silent"),
            "short": self._servers["short"].add_camera("short", self._hang_up, _RATE),
            "file": self._servers["file"].add_file(CLIP),
        }
        line = {"id": "middle", "points": [[0.5, 0.0], [0.5, 1.0]]}
        return [
            {
                "id": name,
                "url": url,
                "timeout": 1.0 if name == "silent" else 4.0,
                "process_fps": _RATE,
                "reconnect": {"first": 0.2, "longest": 0.5},
                "lines": [line],
            }
            for name, url in urls.items()
        ]

    async def misbehave(self) -> None:
        """One dies, one falls silent; both return."""
        self._servers["silent"].stall()
        if self._rtsp is not None:
            self._rtsp.die()
        await asyncio.sleep(_SILENCE)
        if self._rtsp is not None:
            await asyncio.to_thread(self._rtsp.start)
            self._tally.deaths += 1
        self._servers["silent"].flow()
        self._tally.deaths += 1

    def _camera(self, name: str) -> str:
        return self._servers[name].add_camera(name, self._draw, _RATE)

    def _draw(self, number: int) -> npt.NDArray[np.uint8]:
        return self._pictures[number % len(self._pictures)]

    def _hang_up(self, number: int) -> npt.NDArray[np.uint8]:
        if number >= 2 * _PICTURES:
            self._tally.deaths += 1
            raise ConnectionAbortedError
        return self._draw(number)


class Crowd:
    """Those who use a service for the length of a cycle, and are gone behind it.

    Args:
        client: An administrator's.
        token: The administrator's.
        tally: Where all is counted.
        random: Who comes when.
    """

    def __init__(
        self, client: httpx.AsyncClient, token: str, tally: Tally, random: random.Random
    ) -> None:
        self._client = client
        self._token = token
        self._tally = tally
        self._random = random

    async def visit(self, seconds: float) -> None:
        """Six listeners, three watchers and a reader of lists."""
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(self._stay(seconds, self._listen))
            for _ in range(3):
                group.create_task(self._stay(seconds, self._watch))
            group.create_task(self._read(seconds))

    async def have_tracked(self) -> None:
        """A job from its upload to its end, and out of the way."""
        answer = await self._client.post(
            "/v1/jobs",
            content=CLIP.read_bytes(),
            headers={"Content-Type": "application/octet-stream"},
            params={"options": '{"end": 2}'},
        )
        answer.raise_for_status()
        path = f"/v1/jobs/{answer.json()['id']}"
        async with asyncio.timeout(_JOB_PATIENCE):
            while (job := (await self._client.get(path)).json())["state"] in ("QUEUED", "RUNNING"):
                await asyncio.sleep(0.5)
        assert job["state"] == "DONE", job
        (await self._client.get(f"{path}/tracks.csv")).raise_for_status()
        (await self._client.delete(path)).raise_for_status()
        self._tally.jobs += 1

    async def _stay(self, seconds: float, what: Any) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.5) * seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._random.uniform(0.1, 0.5) * seconds):
                await what(self._random.choice(Cameras.names))

    async def _listen(self, camera: str) -> None:
        self._tally.sockets += 1
        address = str(self._client.base_url).replace("http", "ws", 1).rstrip("/") + "/v1/live"
        headers = {"Authorization": f"Bearer {self._token}"}
        with suppress(ConnectionClosed):
            async with connect(address, additional_headers=headers, proxy=None) as socket:
                topics = ["events", "states", f"tracks:{camera}"]
                await socket.send(json.dumps({"type": "subscribe", "topics": topics}))
                async for _ in socket:
                    self._tally.messages += 1

    async def _watch(self, camera: str) -> None:
        self._tally.watchers += 1
        path = f"/v1/streams/{camera}/live.mjpeg"
        with suppress(httpx.HTTPError):
            async with self._client.stream("GET", path) as answer:
                async for _ in answer.aiter_bytes():
                    pass

    async def _read(self, seconds: float) -> None:
        """Lists, twice a second, as a page asks for them."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        paths = (
            "/v1/streams",
            "/v1/events?limit=50",
            "/v1/tracks?limit=50",
            "/v1/counts?bucket=1h",
        )
        for number in count():
            began = loop.time()
            if began >= end:
                return
            answer = await self._client.get(paths[number % len(paths)])
            answer.raise_for_status()
            self._tally.latencies.append(loop.time() - began)
            await asyncio.sleep(0.5)


def _pictures() -> list[npt.NDArray[np.uint8]]:
    """Every fifth picture of the clip: five a second of its twenty-five."""
    with av.open(str(CLIP)) as container:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for number, frame in enumerate(container.decode(video=0))
            if number % 5 == 0
        ][:_PICTURES]
