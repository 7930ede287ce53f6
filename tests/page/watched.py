"""A service that keeps pictures of events and knows how people look, for the views that show it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.demo import CLIP
from tests.e2e.running_service import RunningService
from tests.page.conftest import Room
from tests.page.sources import read_pictures, repeated
from tests.service.http_sources import HttpSources

HALL = {"id": "hall", "name": "Hall", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
"""Whoever appears is reported."""
DOOR = {"id": "door", "name": "Door", "points": [[0.5, 0], [0.5, 1]]}


@contextmanager
def watched_room(folder: Path) -> Iterator[Room]:
    """One camera, `plaza`, whose events have snapshots, strips and clips, and looks by colour."""
    config = {
        "security": {"allowed_networks": ["127.0.0.0/8"]},
        "auth": {"attempts_per_minute": 10_000},
        "detector": {"classes": ["person"]},
        "tracker": {"reid": "colour"},
        "storage": {
            "url": f"sqlite:///{folder / 'store.db'}",
            "folder": str(folder / "files"),
            "event_pictures": {"snapshots": True, "clips": True, "before": 3, "after": 2.5},
        },
    }
    with HttpSources() as sources:
        picture = repeated(read_pictures(CLIP, every=5))
        plaza = sources.add_camera("plaza", picture, fps=5)
        with RunningService(folder, config) as service, service.client() as client:
            body = {"id": "plaza", "name": "Plaza", "url": plaza, "process_fps": 3}
            client.post("/v1/streams", json=body).raise_for_status()
            for kind, shape in (("zones", HALL), ("lines", DOOR)):
                answer = client.put(f"/v1/streams/plaza/{kind}", json={kind: [shape]})
                answer.raise_for_status()
            room = Room(service, sources, client, picture)
            kept = "/v1/events?kind=zone_enter&limit=500"
            room.until(kept, lambda page: any("strip" in one["pictures"] for one in page["items"]))
            yield room
            service.end()
