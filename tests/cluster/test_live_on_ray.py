"""Live cameras on a real Ray cluster of three nodes: one dies, one is emptied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.live_site import CAMERAS, HIT, LiveSite
from tests.cluster.ray_nodes import missing_ray
from tests.service.rtsp_server import missing_gstreamer


def test_a_node_that_dies_and_one_that_is_emptied_cost_no_identity_and_no_event(
    tmp_path: Path, still_clip: Path, walking_clip: Path
) -> None:
    with LiveSite(tmp_path, still_clip, walking_clip) as site:
        recovery = site.kill("b")
        assert set(recovery.noticed) == set(HIT)
        people = {name: recovery.before[name] for name in ("plaza-b", "plaza-c")}
        assert all(len(ids) > 2 for ids in people.values())
        assert {name: recovery.after[name] for name in people} == people
        states = {name: site.interruptions(name) for name in CAMERAS}
        assert {name: told[0] for name, told in states.items() if told} == dict.fromkeys(
            HIT, "BACKOFF"
        )
        site.drain("c")
        after = site.settle()
        assert {name: after[name] for name in people} == people
        assert {name: site.interruptions(name) for name in CAMERAS} == states
        events = site.client.get("/v1/events?limit=500&kind=track_start").json()["items"]
        assert site.service.end() == 0
        for name in CAMERAS:
            told = site.told(name)
            assert told.replayed, name
            assert (told.lost, told.doubled) == (Counter(), Counter()), name
    starts = Counter(event["track"] for event in events)
    assert set(starts.values()) == {1}


@pytest.fixture(autouse=True)
def _what_it_takes() -> None:
    reason = missing_ray() or missing_gstreamer()
    if reason:
        pytest.skip(reason)
