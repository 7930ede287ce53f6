"""What becomes of cameras when nodes come, go, and are emptied; agents are played by the tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sightline.cluster.live.fleet import Fleet
from sightline.cluster.live.node import Node
from sightline.cluster.live.wire import (
    AddCamera,
    RemoveCamera,
    Rested,
    RingMade,
    StartCamera,
    StatusChanged,
    StopCamera,
    ToAgent,
    Vitals,
)
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.steady import SteadyClock
from sightline.service.watching import Listeners
from tests.e2e.running_service import wait_for

_pids = itertools.count(1)


class Agent:
    """An agent that does as a test says; its engine never starts."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.orders: list[ToAgent] = []
        self.ended = ""

    def make(self, on_message: Any, on_engine: Any, on_open: Any, on_lost: Any) -> Node:
        self.lose = on_lost

        def open_link(hear: Callable[[Any], None], opened: Any, lost: Any) -> Agent:
            self.hear = hear
            self.opened = opened
            return self

        fleet = self.cluster.fleet
        return Node(
            self.name,
            {},
            self.cluster.config,
            self.cluster.clock,
            fleet.accounts,
            open_link,
            on_message,
            on_engine,
            on_open,
            on_lost,
        )

    def start(self) -> None:
        self.opened()

    def send(self, message: ToAgent) -> None:
        if self.ended:
            raise OSError(self.ended)
        self.orders.append(message)

    def picture(self, ring: str, after: int) -> None:
        return None

    def close(self) -> None:
        self.ended = "closed"

    def kill(self) -> None:
        self.ended = "killed"

    def of(self, kind: type[Any]) -> list[Any]:
        return [order for order in self.orders if isinstance(order, kind)]

    def reads(self) -> list[str]:
        """Cameras that it was told to read, and not to leave."""
        found: dict[str, None] = {}
        for order in self.orders:
            if isinstance(order, AddCamera):
                found[order.stream.id] = None
            elif isinstance(order, RemoveCamera):
                found.pop(order.stream, None)
        return sorted(found)

    def tells(self, stream: str, state: Any = "RUNNING", received: int = 1, **more: Any) -> None:
        at = self.cluster.clock.now()
        self.hear(RingMade(stream, f"ring-{self.name}-{stream}"))
        status = StreamStatus(stream, state, at, received=received, **more)
        self.hear(StatusChanged(status))
        self.hear(Vitals({stream: status}, {stream: 0.1}, cores=4))


class Cluster:
    """A fleet and the agents of its nodes."""

    def __init__(self) -> None:
        self.config = Config()
        self.clock = SteadyClock.start()
        self.statuses: list[StreamStatus] = []
        self.rested: list[str] = []
        self.agents: dict[str, Agent] = {}
        listeners = Listeners(lambda _: None, self.statuses.append, self.rested.append)
        self.fleet = Fleet(self.config, self.clock, listeners)

    def show(self, *names: str, draining: tuple[str, ...] = ()) -> None:
        """These are the nodes of the cluster now."""
        for name in names:
            if name not in self.agents or self.agents[name].ended:
                self.agents[name] = Agent(self, name)
        self.fleet.note_nodes({name: self.agents[name].make for name in names}, draining)

    def add(self, *streams: str) -> None:
        for stream in streams:
            definition = Stream(id=stream, url=f"rtsp://camera/{stream}")
            self.fleet.track(definition, 1, None)
            self.fleet.add_camera(definition, None)

    def where(self, stream: str) -> str:
        """The one node that reads a stream."""
        found: list[str] = []

        def is_placed() -> bool:
            agents = [agent for agent in self.agents.values() if not agent.ended]
            found[:] = [agent.name for agent in agents if stream in agent.reads()]
            return len(found) == 1

        wait_for(is_placed, f"one node reads {stream}")
        return found[0]

    def state(self, stream: str) -> tuple[str, str | None]:
        status = self.fleet.status(stream)
        return status.state, status.error_code


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.fleet.close()


def test_cameras_are_spread_over_the_nodes_there_are(cluster: Cluster) -> None:
    cluster.add("a", "b", "c", "d")
    cluster.show("one", "two")
    places = [cluster.where(stream) for stream in "abcd"]
    assert sorted(places) == ["one", "one", "two", "two"]
    assert all(order.stream.enabled for order in cluster.agents["one"].of(AddCamera))


def test_a_node_that_is_lost_leaves_its_cameras_to_the_others_with_their_numbers(
    cluster: Cluster,
) -> None:
    cluster.add("a", "b")
    cluster.show("one", "two")
    lost, kept = cluster.where("a"), cluster.where("b")
    cluster.agents[lost].tells("a", received=70, last_frame_at=1000.5, corrupt=2)
    cluster.agents[kept].tells("b")
    wait_for(lambda: cluster.state("a") == ("RUNNING", None), "it runs")
    cluster.agents[lost].lose("no answer")
    wait_for(lambda: "a" in cluster.agents[kept].reads(), "it is read elsewhere")
    assert cluster.state("a") == ("BACKOFF", "reader_failed")
    assert "is gone" in (cluster.fleet.status("a").error or "")
    (order,) = [o for o in cluster.agents[kept].of(AddCamera) if o.stream.id == "a"]
    assert (order.sequence, order.captured_at) == (70, 1000.5)
    cluster.agents[kept].tells("a", received=75, corrupt=1)
    wait_for(lambda: cluster.fleet.status("a").received == 75, "it goes on counting")
    assert cluster.fleet.status("a").corrupt == 3
    # Nothing happened to the other: it was told of once.
    assert [status.state for status in cluster.statuses if status.stream == "b"] == ["RUNNING"]


def test_what_a_lost_node_says_late_counts_for_nothing(cluster: Cluster) -> None:
    cluster.add("a")
    cluster.show("one", "two")
    lost = cluster.agents[cluster.where("a")]
    (kept,) = (agent for agent in cluster.agents.values() if agent is not lost)
    lost.lose("no answer")
    wait_for(lambda: kept.reads() == ["a"], "it is read elsewhere")
    lost.tells("a", received=99)
    kept.tells("a", received=5)
    wait_for(lambda: cluster.fleet.status("a").received == 5, "its own reader counts")


def test_without_a_node_it_is_said_and_the_next_node_takes_it_up(cluster: Cluster) -> None:
    cluster.add("a")
    cluster.show("one")
    cluster.agents[cluster.where("a")].tells("a")
    cluster.agents["one"].lose("no answer")
    wait_for(lambda: cluster.state("a") == ("BACKOFF", "reader_failed"), "it is said")
    cluster.show("two")
    assert cluster.where("a") == "two"


def test_a_camera_that_needs_a_person_is_not_tried_elsewhere(cluster: Cluster) -> None:
    cluster.add("a")
    cluster.show("one")
    first = cluster.agents[cluster.where("a")]
    first.tells("a", "FAILED", error_code="stream_auth_failed")
    wait_for(lambda: cluster.state("a") == ("FAILED", "stream_auth_failed"), "it failed")
    first.lose("no answer")
    cluster.show("two")
    cluster.add("b")
    assert cluster.where("b") == "two"
    assert cluster.state("a") == ("FAILED", "stream_auth_failed")
    assert cluster.agents["two"].reads() == ["b"]
    cluster.fleet.start_camera("a")
    assert cluster.where("a") == "two"


def test_a_drained_node_lets_go_once_the_camera_shows_a_picture_elsewhere(
    cluster: Cluster,
) -> None:
    cluster.add("a")
    cluster.show("one", "two")
    before = cluster.agents[cluster.where("a")]
    (after,) = (agent for agent in cluster.agents.values() if agent is not before)
    before.tells("a", received=40)
    wait_for(lambda: cluster.state("a") == ("RUNNING", None), "it runs")
    cluster.show("one", "two", draining=(before.name,))
    wait_for(lambda: after.reads() == ["a"], "it is read there, too")
    assert before.reads() == ["a"]
    (order,) = after.of(AddCamera)
    assert order.sequence > 40
    before.tells("a", received=44)
    after.tells("a", received=order.sequence + 1)
    wait_for(lambda: before.reads() == [], "the old one lets go")
    wait_for(lambda: before.ended == "closed", "its agent is ended")
    assert cluster.fleet.status("a").received == 45
    assert {status.state for status in cluster.statuses} == {"RUNNING"}
    states = {view.name: view.state for view in cluster.fleet.views()}
    assert states == {before.name: "DRAINED", after.name: "READY"}


def test_where_the_camera_gives_no_second_picture_it_stays(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.cluster.live.fleet._MOVE_SECONDS", 0.0)
    cluster.add("a")
    cluster.show("one", "two")
    before = cluster.agents[cluster.where("a")]
    (after,) = (agent for agent in cluster.agents.values() if agent is not before)
    before.tells("a")
    wait_for(lambda: cluster.state("a") == ("RUNNING", None), "it runs")
    cluster.show("one", "two", draining=(before.name,))
    wait_for(lambda: bool(after.of(RemoveCamera)), "the attempt is given up")
    assert before.of(RemoveCamera) == []


def test_a_stopped_camera_rests_and_is_placed_anew_when_it_is_started(cluster: Cluster) -> None:
    cluster.add("a")
    cluster.show("one")
    agent = cluster.agents[cluster.where("a")]
    agent.tells("a", received=7)
    cluster.fleet.stop_camera("a")
    wait_for(lambda: bool(agent.of(StopCamera)), "it is told to stop")
    agent.tells("a", "STOPPED", received=9)
    agent.hear(Rested("a"))
    wait_for(lambda: cluster.rested == ["a"], "the service is told")
    assert agent.reads() == []
    cluster.fleet.start_camera("a")
    wait_for(lambda: len(agent.of(AddCamera)) == 2, "it is placed anew")
    assert agent.of(AddCamera)[1].sequence == 9
    assert agent.of(StartCamera) == []


def test_statuses_keep_what_readers_before_had_received(cluster: Cluster) -> None:
    cluster.add("a")
    cluster.show("one")
    agent = cluster.agents[cluster.where("a")]
    agent.tells("a", received=10, width=640, height=360)
    wait_for(lambda: cluster.fleet.status("a").received == 10, "it counts")
    assert replace(cluster.fleet.status("a"), since=0.0, last_frame_at=None) == StreamStatus(
        "a", "RUNNING", 0.0, received=10, width=640, height=360
    )
