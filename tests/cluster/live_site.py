"""Four RTSP cameras on three nodes, and what happens to them when a node dies or is drained."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy.orm import Session

from sightline.service.config import read_config
from sightline.service.replay import replay_recordings
from sightline.service.rules import Event
from sightline.service.store.database import Database
from sightline.service.store.events import list_events
from sightline.service.store.recordings import list_recordings
from tests.cluster.ray_nodes import RayNodes
from tests.e2e.running_service import RunningService, wait_for
from tests.service.rtsp_server import RtspServer

__all__ = ["CAMERAS", "HIT", "LiveSite", "Recovery", "Told"]

CAMERAS = {"plaza-b": "b", "street-b": "b", "plaza-c": "c", "street-c": "c"}
"""Cameras and the site that they are near; nothing is near the head, `a`."""
HIT = ("plaza-b", "street-b")
_EVERYWHERE = [[0, 0], [1, 0], [1, 1], [0, 1]]
_LINES = [{"id": f"line-{n}", "points": [[n / 10, 0], [n / 10, 1]]} for n in (3, 5, 7)]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a death took, in seconds since it.

    Args:
        noticed: Until a camera of that node was said to be out, by camera.
        tracked: Until a frame of it was tracked elsewhere, by camera.
        before: Who was in view before, by camera.
        after: Who was in view some frames later, by camera.
    """

    noticed: Mapping[str, float]
    tracked: Mapping[str, float]
    before: Mapping[str, set[str]]
    after: Mapping[str, set[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """The events of a stream's lines and zones.

    Args:
        live: What the service told.
        replayed: What the rules say on all that was recorded.
    """

    live: list[Event]
    replayed: list[Event]

    @property
    def lost(self) -> Counter[tuple[object, ...]]:
        """Events that should have been told and were not."""
        return _counted(self.replayed) - _counted(self.live)

    @property
    def doubled(self) -> Counter[tuple[object, ...]]:
        """Events that were told and should not have been."""
        return _counted(self.live) - _counted(self.replayed)


class LiveSite:
    """A running service on a cluster of its own; a context manager.

    Two cameras show people who stand still, so that everybody can be found again, and two show
    people who walk across lines.

    Args:
        folder: For configuration and store.
        still: A clip of people who stand, longer than anybody looks.
        walking: A clip of people who walk.
    """

    def __init__(self, folder: Path, still: Path, walking: Path) -> None:
        with ExitStack() as stack:
            self.nodes = stack.enter_context(RayNodes("a", "b", "c"))
            clips = {name: still if name.startswith("plaza") else walking for name in CAMERAS}
            server = RtspServer(clips)
            stack.callback(server.die)
            places = [{"streams": [f"*-{site}"], "labels": {"site": site}} for site in ("b", "c")]
            config = {
                "detector": {"classes": ["person"]},
                "streams": [_stream(name, server.url(name)) for name in CAMERAS],
                "cluster": {"places": places},
            }
            options = ("--cluster", self.nodes.address)
            self.service = stack.enter_context(RunningService(folder, config, None, options))
            self.client: httpx.Client = stack.enter_context(self.service.client())
            self._stack = stack.pop_all()

    def settle(self, frames: int = 12) -> dict[str, set[str]]:
        """Who is in view of each camera after so many more frames."""
        before = self.processed()
        wait_for(
            lambda: all(now >= before[name] + frames for name, now in self.processed().items()),
            "frames go on",
        )
        return {name: self.people(name) for name in CAMERAS}

    def kill(self, site: str) -> Recovery:
        """Kill a node, and watch until its cameras are tracked elsewhere."""
        before = self.settle()
        noticed: dict[str, float] = {}
        tracked: dict[str, float] = {}
        killed_at = time.time()
        self.nodes.kill(site)

        def recovered() -> bool:
            if len(noticed) < len(HIT):
                path = "/v1/events?kind=stream_state&limit=50"
                for event in self.client.get(path).json()["items"]:
                    at = datetime.fromisoformat(event["time"]).timestamp()
                    if event["state"] == "BACKOFF" and at > killed_at:
                        noticed[event["stream"]] = at - killed_at
            for name in noticed.keys() - tracked.keys():
                seen = self.client.get(f"/v1/streams/{name}/tracks").json()["time"]
                captured = datetime.fromisoformat(seen).timestamp()
                if captured > killed_at + noticed[name]:
                    tracked[name] = time.time() - killed_at
            return len(tracked) >= len(HIT)

        wait_for(recovered, "the cameras are tracked elsewhere")
        return Recovery(noticed, tracked, before, self.settle())

    def drain(self, site: str) -> float:
        """Empty a node as its operator does; the seconds that it took."""
        (name,) = [name for name, near in self.readers().items() if f"plaza-{site}" in near]
        began = time.monotonic()
        self._sightline("nodes", "drain", name)
        return time.monotonic() - began

    def readers(self) -> dict[str, list[str]]:
        """Nodes, and the cameras that each reads, as `sightline nodes list` has it."""
        nodes = json.loads(self._sightline("nodes", "list", "--json"))
        return {node["name"]: node["cameras"] for node in nodes}

    def processed(self) -> dict[str, int]:
        """Frames of each stream that were tracked so far."""
        items = self.client.get("/v1/streams").json()["items"]
        return {item["id"]: (item["processing"] or {}).get("processed", 0) for item in items}

    def people(self, stream: str) -> set[str]:
        """Who is in view."""
        tracks = self.client.get(f"/v1/streams/{stream}/tracks").json()["tracks"]
        return {track["id"] for track in tracks}

    def interruptions(self, stream: str) -> list[str]:
        """The states that a camera went through since it first ran."""
        path = f"/v1/events?stream={stream}&kind=stream_state&limit=500"
        states = [event["state"] for event in reversed(self.client.get(path).json()["items"])]
        return states[states.index("RUNNING") + 1 :]

    def told(self, stream: str) -> Told:
        """What was told of a stream, and what should have been; after the service has ended."""
        config = read_config(self.service.config, {})
        (scene,) = [one for one in config.streams if one.id == stream]
        database = Database(config.storage.url.get_secret_value())
        try:
            with database.reading() as session:
                pieces = list(list_recordings(session, stream, 0.0, 1e12))
                live = _all_events(session, stream)
        finally:
            database.close()
        last = float(pieces[-1].frame_times[-1])
        replayed = replay_recordings(pieces, stream, scene, 0.0, 1e12, last)
        return Told(live, [event for event in replayed.events if event.rule])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _sightline(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sightline", *command, "--cluster", self.nodes.address],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _stream(name: str, url: str) -> dict[str, Any]:
    zone = {"id": "plaza", "points": _EVERYWHERE, "dwell": 4}
    drawn = {"zones": [zone]} if name.startswith("plaza") else {"lines": _LINES}
    return {"id": name, "url": url, "process_fps": 4, "timeout": 3, **drawn}


def _all_events(session: Session, stream: str) -> list[Event]:
    """Those of zones and lines."""
    found: list[Event] = []
    cursor: str | None = None
    while True:
        page = list_events(session, streams=[stream], cursor=cursor)
        found += [stored.event for stored in page.items if stored.event.rule]
        cursor = page.next_cursor
        if cursor is None:
            return found


def _counted(events: list[Event]) -> Counter[tuple[object, ...]]:
    return Counter((event.kind, event.rule, event.track, round(event.time, 3)) for event in events)
