"""A detector whose memory is used up: the process fails, and a new one goes on with everybody."""

from __future__ import annotations

import resource
from pathlib import Path

import cv2
import numpy as np

from tests.e2e.running_service import RunningService, following
from tests.faults.probing import engine_process, metric, plaza_picture
from tests.service.http_sources import HttpSources


def test_a_detector_out_of_memory_is_replaced_and_people_keep_their_ids(
    tmp_path: Path, shared: Path
) -> None:
    picture = plaza_picture(shared)
    # More than fits into what an allocator has put by.
    large = np.asarray(cv2.resize(picture, (4096, 3072)), np.uint8)
    with HttpSources() as sources:
        cameras = [
            {"id": name, "url": sources.add_camera(name, draw, fps=rate), "process_fps": 2,
             "enabled": name == "still", "timeout": 20}
            for name, draw, rate in (
                ("still", lambda _: picture, 8), ("large", lambda _: large, 2)
            )
        ]  # fmt: skip
        config = {"detector": {"classes": ["person"]}, "streams": cameras}
        with RunningService(tmp_path, config) as service, service.client() as client:
            with following(client, "/v1/streams/still/tracks") as until:
                people = until(
                    lambda answer: (
                        len(answer["tracks"]) > 2
                        and all(track["seconds"] > 3 for track in answer["tracks"])
                    )
                )["tracks"]
            engine = engine_process(service)
            size = int(Path(f"/proc/{engine}/statm").read_text().split()[0])
            limit = size * resource.getpagesize() + (1 << 20)
            resource.prlimit(engine, resource.RLIMIT_AS, (limit, limit))

            client.post("/v1/streams/large/start").raise_for_status()

            # Only the process that was there is short of memory: the next one does both.
            with following(client, "/v1/models") as until:
                report = until(lambda answer: answer["restarts"] >= 1)
            assert report["last_error"]
            with following(client, "/v1/streams/large") as until:
                until(lambda view: view["processing"] and view["processing"]["processed"] > 1)
            with following(client, "/v1/streams/still/tracks") as until:
                newest = until(lambda answer: answer["tracks"])["sequence"]
                after = until(lambda answer: answer["sequence"] > newest + 8)["tracks"]
            assert {track["id"] for track in after} >= {track["id"] for track in people}
            assert metric(client, "sightline_stream_interruptions_total", stream="still") == 0
            assert service.end() == 0
