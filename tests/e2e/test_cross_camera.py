"""Two cameras of one place, cut out of a real clip: who walks from one to the other has one number.

Whether the right ones are joined is the benchmark's business (`benchmarks/cross_camera.py`); here
it is shown that the service joins, tells and answers.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.e2e.running_service import RunningService, following

FIRST, LAST = 110, 215
"""Frames of the clip in which two people walk across."""
VIEWS = {"left": slice(0, 346), "right": slice(422, 768)}


@pytest.fixture(scope="module")
def views(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Left and right part of vtest.avi, with a gap between, as clips of 10 frames a second."""
    folder = tmp_path_factory.mktemp("views")
    paths = {name: folder / f"{name}.mp4" for name in VIEWS}
    with av.open(str(shared / "data" / "clips" / "vtest.avi")) as source:
        pictures = [
            frame.to_ndarray(format="bgr24")
            for number, frame in enumerate(source.decode(video=0))
            if FIRST <= number < LAST
        ]
    for name, columns in VIEWS.items():
        with av.open(str(paths[name]), "w") as target:
            stream: Any = target.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 346, 576, "yuv420p"
            stream.options = {"preset": "ultrafast", "crf": "16"}
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(
                    np.ascontiguousarray(picture[:, columns], np.uint8), format="bgr24"
                )
                frame.pts, frame.time_base = number, Fraction(1, 10)
                target.mux(stream.encode(frame))
            target.mux(stream.encode())
    return paths


def strip(side: str) -> list[list[float]]:
    """The fifth of a picture that is next to the gap."""
    left, right = (0.8, 1.0) if side == "left" else (0.0, 0.2)
    return [[left, 0.0], [right, 0.0], [right, 1.0], [left, 1.0]]


def test_who_walks_across_has_one_number_in_both_cameras(
    views: dict[str, Path], tmp_path: Path
) -> None:
    zone = {name: {"id": "edge", "points": strip(name)} for name in VIEWS}
    passages = [
        {"leave": one, "enter": other, "seconds": [0, 10], "exit": "edge", "entry": "edge"}
        for one, other in (("left", "right"), ("right", "left"))
    ]
    config = {
        "detector": {"classes": ["person"]},
        # The clip begins again after ten seconds: by then nobody is hoped to be found again.
        "tracker": {"reid": "sightline-reid", "parameters": {"reidentify_patience": 1}},
        # Joins more than it would by default: the walk is short and the machine may be slow.
        "transit": {"passages": passages, "bias": -1.0, "threshold": 0.45, "settle": 4},
        "streams": [
            {"id": name, "url": str(path), "loop": True, "zones": [zone[name]]}
            for name, path in views.items()
        ],
    }
    environment = {"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]}
    with RunningService(tmp_path, config, environment) as service, service.client() as client:
        with following(client, "/v1/identities") as until:
            found = until(lambda answer: bool(answer["items"]))["items"][0]
        assert sorted(found["streams"]) == ["left", "right"]
        first, second = found["tracks"][:2]
        assert first["previous"] is None
        assert second["previous"] == first["id"]
        assert 0 <= second["seconds"] <= 10
        tracks = client.get("/v1/tracks", params={"identity": found["id"]}).json()["items"]
        assert {one["id"] for one in tracks} == {one["id"] for one in found["tracks"]}
        with following(client, "/v1/events?kind=transit") as until:
            event = until(lambda answer: bool(answer["items"]))["items"][-1]
        assert event["rule"] in ("left-right", "right-left")
        assert event["identity"] is not None
        one = client.get(f"/v1/identities/{event['identity']}").json()
        assert event["track"] in {track["id"] for track in one["tracks"]}
        known = {track["id"]: one["id"] for track in one["tracks"]}
        for track in client.get("/v1/tracks").json()["items"]:
            if track["id"] in known:
                assert track["identity"] == known[track["id"]]
        assert service.end() == 0
