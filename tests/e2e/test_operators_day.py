"""A day of an operator, by HTTP alone: from the first camera to a revoked key."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sightline.formats import read_tracks
from sightline.service.alerts.signature import verify
from sightline.service.rules import Counts, RulesEngine, Scene, replay
from tests.e2e.running_service import RunningService, following, wait_for
from tests.service.conftest import ServeRtsp
from tests.service.receivers import Receiver

LINE = {"id": "road", "points": [[0.8, 0.0], [0.8, 1.0]]}
ZONE = {"id": "lawn", "points": [[0.0, 0.55], [0.5, 0.55], [0.5, 1.0], [0.0, 1.0]], "dwell": 3}
SECRET = "a secret of the receiver"


def test_an_operators_day(
    tmp_path: Path, shared: Path, vtest_h264: Path, serve_rtsp: ServeRtsp
) -> None:
    camera = serve_rtsp({"plaza": vtest_h264})
    config = {
        "security": {"allowed_networks": ["127.0.0.0/8"]},
        "detector": {"classes": ["person"]},
        "tracker": {"reid": "sightline-reid"},
    }
    with (
        Receiver().running() as receiver,
        RunningService(tmp_path, config) as service,
        service.client() as admin,
    ):
        key = created(admin, "/v1/keys", {"name": "operator", "role": "operator"})
        with service.client(key["token"]) as operator, listening(service, key["token"]) as heard:
            alert = {"id": "hook", "webhook": {"url": receiver.url, "secret": SECRET}}
            created(operator, "/v1/alerts", {**alert, "kinds": ["line_cross"]})

            frames = watch_the_plaza(operator, camera.url("plaza"))

            seen = crossings(operator)
            # Who leaves out many frames, as a machine that does more than this, counts less well.
            tolerance = 1 if frames["dropped"] <= 0.05 * frames["processed"] else 4
            assert_counts_are_those_of_the_truth(operator, seen, shared, tolerance)
            wait_for(lambda: crossings_of(heard.events) == seen, "events by WebSocket")
            with following(operator, "/v1/alerts/hook/deliveries?state=pending") as until:
                until(lambda answer: not answer["items"])
            assert crossings_of(verified(receiver)) == seen

            have_a_video_tracked(operator, short_clip(vtest_h264, tmp_path))
            find_somebody_again(operator)

            assert admin.delete(f"/v1/keys/{key['id']}").status_code == 204
            assert operator.get("/v1/streams").status_code == 401
            assert heard.closed_with() == 4401


def watch_the_plaza(operator: httpx.Client, url: str) -> dict[str, int]:
    """Make the stream, draw into it, let the clip run through once; where its frames went."""
    # It ends where the clip does: a camera that is waited for so long does not begin again.
    stream = {
        "id": "plaza",
        "url": url,
        "enabled": False,
        "reconnect": {"first": 600, "longest": 600},
    }
    created(operator, "/v1/streams", stream)
    for kind, drawn in (("zones", [ZONE]), ("lines", [LINE])):
        answer = operator.put(f"/v1/streams/plaza/{kind}", json={kind: drawn})
        assert answer.json()["warnings"] == [], answer.text
    operator.post("/v1/streams/plaza/start").raise_for_status()
    with following(operator, "/v1/streams/plaza") as until:
        until(lambda answer: answer["processing"] and answer["processing"]["processed"])
        assert operator.get("/v1/streams/plaza/snapshot.jpg").content[:2] == b"\xff\xd8"
        until(lambda answer: answer["status"]["error_code"] == "stream_ended")
        end = until(lambda answer: frames_of(answer["processing"]) == answer["status"]["received"])
    frames = end["processing"]
    received = end["status"]["received"]
    # A viewer may come a moment after the first of 795 pictures.
    assert 760 <= received <= 795
    operator.post("/v1/streams/plaza/stop").raise_for_status()
    with following(operator, "/v1/streams/plaza") as until:
        stopped = until(lambda answer: answer["processing"]["waiting"] == 0)["processing"]
    assert stopped["processed"] + stopped["dropped"] + stopped["skipped"] == received
    assert stopped["processed"] >= frames["processed"]
    with following(operator, "/v1/events?kind=stream_state&limit=1") as until:
        until(lambda answer: answer["items"][0]["state"] == "STOPPED")
    return dict(stopped)


def frames_of(processing: dict[str, Any]) -> int:
    """Frames whose fate is known: all that were received."""
    return sum(processing[fate] for fate in ("processed", "dropped", "skipped", "waiting"))


def assert_counts_are_those_of_the_truth(
    operator: httpx.Client, seen: Counter[str], shared: Path, tolerance: int
) -> None:
    answer = operator.get("/v1/counts", params={"bucket": "1h", "kind": "line_cross"}).json()
    counts: Counter[str] = Counter()
    for row in answer["items"]:
        counts[row["direction"]] += row["count"]
    assert counts == seen
    truth = read_tracks(shared / "data" / "mot15" / "PETS09-S2L1" / "gt" / "gt.txt")
    truth = replace(truth, frame_times=truth.frame_indices / 10.0)
    totals = Counts()
    totals.add(*replay(RulesEngine(Scene.model_validate({"lines": [LINE]})), truth))
    for direction in ("in", "out"):
        expected = totals.totals()[("road", "line_cross", direction)]
        assert abs(counts[direction] - expected) <= tolerance, (direction, counts, expected)


def have_a_video_tracked(operator: httpx.Client, clip: Path) -> None:
    answer = operator.post("/v1/jobs?name=plaza.mp4", content=clip.read_bytes())
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]
    with following(operator, f"/v1/jobs/{job}") as until:
        done = until(lambda answer: answer["state"] in ("DONE", "FAILED"))
    assert done["state"] == "DONE", done
    text = operator.get(f"/v1/jobs/{job}/tracks.mot.txt").text
    rows = np.loadtxt(text.splitlines(), delimiter=",")
    assert rows[:, 0].max() == 60
    assert len(set(rows[:, 1])) >= 4
    assert "<annotations>" in operator.get(f"/v1/jobs/{job}/tracks.cvat.xml").text


def find_somebody_again(operator: httpx.Client) -> None:
    """Search for others who look like whoever was there longest."""
    tracks = operator.get("/v1/tracks", params={"stream": "plaza", "limit": 500}).json()["items"]
    longest = max(tracks, key=_seconds)["id"]
    answer = operator.post("/v1/search", json={"track": longest})
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]
    assert longest not in {one["track"] for one in found}
    assert len(found) > 5
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)


def _seconds(track: dict[str, Any]) -> float:
    begin, end = (datetime.fromisoformat(track[name]) for name in ("started_at", "seen_at"))
    return (end - begin).total_seconds()


def short_clip(clip: Path, folder: Path) -> Path:
    """The first six seconds."""
    path = folder / "short.mp4"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number == 60 or packet.dts is None:
                break
            packet.stream = stream
            target.mux(packet)
    return path


def created(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def crossings(client: httpx.Client) -> Counter[str]:
    answer = client.get("/v1/events", params={"kind": "line_cross", "limit": 500}).json()
    assert answer["next_cursor"] is None
    return crossings_of(answer["items"])


def crossings_of(events: list[dict[str, Any]]) -> Counter[str]:
    """Each event counts once, however often it came."""
    ways = {event["id"]: event["direction"] for event in events if event["kind"] == "line_cross"}
    return Counter(ways.values())


def verified(receiver: Receiver) -> list[dict[str, Any]]:
    events = []
    for headers, body in receiver.taken:
        assert verify(SECRET, body, headers["Sightline-Signature"], now=time.time())
        events.append(json.loads(body)["event"])
    return events


class Listener:
    """Takes everything that a WebSocket is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.events: list[dict[str, Any]] = []
        self._socket = socket
        self._code = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def closed_with(self) -> int:
        self._thread.join(60)
        return self._code

    def _run(self) -> None:
        try:
            for message in self._socket:
                told = json.loads(message)
                if told["type"] == "event":
                    self.events.append(told)
            self._code = self._socket.close_code or 0
        except ConnectionClosed as closed:
            self._code = closed.rcvd.code if closed.rcvd else 0


@contextmanager
def listening(service: RunningService, token: str) -> Iterator[Listener]:
    headers = {"Authorization": f"Bearer {token}"}
    address = service.url.replace("http", "ws") + "/v1/live"
    with connect(address, additional_headers=headers, proxy=None) as socket:
        socket.send(json.dumps({"type": "subscribe", "topics": ["events", "states"]}))
        yield Listener(socket)
