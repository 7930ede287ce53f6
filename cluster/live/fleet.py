"""All cameras of a service on the nodes of a cluster: placed, watched over, moved.

One thread decides, in the order in which things happen. Who is who is known here as well: an
`EngineHost` a node keeps what each stream's tracking is made of, so that another node goes on with
it exactly, whether the first was drained or has died.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sightline.cluster.live.cameras import ClusterCamera, Target
from sightline.cluster.live.node import Node
from sightline.cluster.live.placement import Cost, Site, choose, rebalance
from sightline.cluster.live.reports import merged
from sightline.cluster.live.wire import (
    AddCamera,
    AskClip,
    ClipMade,
    RemoveCamera,
    ReplaceCamera,
    Rested,
    RingMade,
    StartCamera,
    StatusChanged,
    StopCamera,
    ToAgent,
    ToService,
    Vitals,
)
from sightline.errors import SightlineError, SourceError, StateError
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.accounts import Accounts
from sightline.service.engine.host import EngineHost, Message
from sightline.service.engine.messages import EngineReport
from sightline.service.errors import unknown_stream
from sightline.service.steady import SteadyClock
from sightline.service.watching import Listeners

__all__ = ["Fleet", "MakeNode", "NodeView"]

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
_BALANCE_SECONDS = 15.0
_MOVE_SECONDS = 20.0
"""A camera that shows no picture on its new node by then stays where it is."""
_MOVES_AT_ONCE = 4
_GATHER_SECONDS = 60.0
"""How long cameras wait at the start for nodes that are being started, to be spread evenly."""
_AGAIN_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_NUMBERS_AHEAD = 1000
"""Frames that the old reader may still number while the new one begins."""

MakeNode = Callable[
    [
        Callable[[ToService], None],
        Callable[[Message], None],
        Callable[[], None],
        Callable[[str], None],
    ],
    Node,
]
"""Starts a node's agent: what is told of messages, engine, being open, being lost."""
NodeView = dict[str, object]
"""What people see of a node: name, state, reason, cameras, load."""


class Fleet:
    """Places cameras on nodes and keeps them running; its public methods return at once.

    Args:
        config: The effective configuration.
        clock: The service's time.
        listeners: Who is told.
    """

    def __init__(self, config: Config, clock: SteadyClock, listeners: Listeners) -> None:
        self.accounts = Accounts()
        self._config = config
        self._clock = clock
        self._listeners = listeners
        self._telling = threading.Lock()
        # Streams that no node tracks; it is never started.
        self._limbo = self._host_without_process()
        self._homes: dict[str, EngineHost] = {}
        self._nodes: dict[str, Node] = {}
        self._lost: dict[str, tuple[int, float, str]] = {}
        self._drained: set[str] = set()
        self._cameras: dict[str, ClusterCamera] = {}
        self._statuses: dict[str, StreamStatus] = {}
        self._status_lock = threading.Lock()
        self._clips: dict[int, tuple[str, Future[Clip]]] = {}
        self._asked = 0
        self._began = time.monotonic()
        self._balanced_at = self._began
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._helpers = ThreadPoolExecutor(16, "fleet-helpers")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._thread.start()

    # Readers.

    def add_camera(self, stream: Stream, guard: Guard | None) -> None:
        """Take on a camera, and read it if it is enabled."""
        now = self._clock.now()
        status = StreamStatus(stream.id, "CONNECTING" if stream.enabled else "STOPPED", now)
        with self._status_lock:
            self._statuses[stream.id] = status
        camera = ClusterCamera(stream, guard, status, stream.enabled)
        self._do(lambda: self._cameras.__setitem__(stream.id, camera))

    def replace_camera(self, stream: Stream, guard: Guard | None) -> None:
        """Take another definition of a camera."""
        self.status(stream.id)
        self._do(lambda: self._replace(stream, guard))

    def remove_camera(self, stream: str) -> None:
        """Let go of a camera."""
        self.status(stream)
        with self._status_lock:
            del self._statuses[stream]
        self._do(lambda: self._remove(stream))

    def start_camera(self, stream: str) -> None:
        """Run a camera; one that has failed or waits is tried at once."""
        self.status(stream)
        self._do(lambda: self._start(self._cameras[stream]))

    def stop_camera(self, stream: str) -> None:
        """Let a camera rest."""
        self.status(stream)
        self._do(lambda: self._stop(self._cameras[stream]))

    def status(self, stream: str) -> StreamStatus:
        """What is known of a camera now."""
        with self._status_lock:
            if stream not in self._statuses:
                raise unknown_stream(stream)
            return self._statuses[stream]

    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas],
        moment: float | None,
        around: tuple[float, float] | None,
    ) -> Future[Clip]:
        """A clip of what a camera saw since it is read where it is read now."""
        self.status(stream)
        future: Future[Clip] = Future()

        def ask() -> None:
            node = self._nodes.get(self._cameras[stream].node or "")
            if node is None:
                future.set_exception(SourceError(f"{stream}: nothing is read", "stream_ended"))
                return
            self._asked += 1
            self._clips[self._asked] = (node.name, future)
            order = AskClip(self._asked, stream, begin, end, tuple(hidden), moment, around)
            self._tell(node, order)

        self._do(ask)
        return future

    # Trackers.

    def track(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        """Begin to track a stream, wherever it is read."""

        def begin() -> None:
            camera = self._cameras.get(stream.id)
            node = None if camera is None else self._nodes.get(camera.node or "")
            home = self._limbo if node is None else node.host
            self._homes[stream.id] = home
            home.add(stream, first_number, state)

        self._do(begin)

    def retrack(self, stream: Stream) -> None:
        """Take other zones, lines and rates."""
        self._do(lambda: self._home(stream.id).update(stream))

    def untrack(self, stream: str) -> None:
        """Track a stream no longer; its `StreamEnd` follows."""

        def end() -> None:
            self._homes.pop(stream, self._limbo).remove(stream)

        self._do(end)

    def home(self, stream: str) -> EngineHost:
        """Who has a stream's pictures; may be called by any thread."""
        return self._homes.get(stream, self._limbo)

    def report(self) -> EngineReport:
        """What all engines are and do."""
        nodes = [node for node in list(self._nodes.values()) if node.state != "STARTING"]
        empty = self._limbo.report()
        return merged({node.name: node.host.report() for node in nodes}, empty)

    # Nodes.

    def note_nodes(self, alive: Mapping[str, MakeNode], draining: Collection[str]) -> None:
        """Take which nodes there are, and which are to be empty."""
        self._do(lambda: self._meet(alive, draining))

    def views(self) -> list[NodeView]:
        """What people see of the nodes; may be called by any thread."""
        found: Future[list[NodeView]] = Future()
        self._do(lambda: found.set_result(list(self._views())))
        try:
            return found.result(timeout=5.0)
        except TimeoutError:
            return []

    def stop_reading(self) -> None:
        """End all readers; nothing is placed any more."""
        if self._closing.is_set():
            return
        self._do(self._leave_all)
        self._closing.set()
        self._do(lambda: None)
        self._thread.join()

    def close(self) -> None:
        """Save what the engines know, and end all agents."""
        self.stop_reading()
        nodes = list(self._nodes.values())
        for node in nodes:
            self._helpers.submit(node.close)
        self._helpers.shutdown(wait=True)
        self._limbo.close()

    # All below runs in the thread.

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.put(command)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            try:
                command = self._commands.get(timeout=max(due - time.monotonic(), 0.0))
            except queue.Empty:
                due = time.monotonic() + _TICK_SECONDS
                command = self._tick
            try:
                command()
            except KeyError:  # the camera was removed in the meantime
                continue
            except Exception:
                _log.exception("the fleet failed at something, and goes on")

    def _tick(self) -> None:
        for camera in self._cameras.values():
            if camera.needs_node and not self._gathers():
                self._place(camera)
        self._end_the_leaving()
        self._look_after_moves()
        for node in [node for node in self._nodes.values() if node.state == "DRAINING"]:
            self._drain(node)
        now = time.monotonic()
        if now - self._balanced_at >= _BALANCE_SECONDS:
            self._balanced_at = now
            move = rebalance(self._sites(), self._config.cluster.places)
            if move is not None and not self._moving():
                self._begin_move(self._cameras[move.camera], move.target)

    def _gathers(self) -> bool:
        """Whether it is the start, and nodes are still to come."""
        if time.monotonic() - self._began > _GATHER_SECONDS:
            return False
        states = [node.state for node in self._nodes.values()]
        return not states or "STARTING" in states

    def _meet(self, alive: Mapping[str, MakeNode], draining: Collection[str]) -> None:
        now = time.monotonic()
        self._drained &= set(draining)
        for name, make in alive.items():
            tries, at, _ = self._lost.get(name, (0, 0.0, ""))
            if name in self._nodes or name in draining or now < at:
                continue
            self._lost[name] = (tries, now, "")
            self._nodes[name] = make(
                functools.partial(self._hear, name),
                self._pass_on,
                lambda name=name: self._do(lambda: self._open(name)),
                lambda reason, name=name: self._do(lambda: self._lose(name, reason)),
            )
        for name, node in self._nodes.items():
            if name in draining and node.state == "READY":
                node.state = "DRAINING"
            elif name not in draining and node.state == "DRAINING":
                node.state = "READY"

    def _open(self, name: str) -> None:
        node = self._nodes.get(name)
        if node is not None:
            _log.info("the node %s reads and tracks from now on", name)
            node.open()

    def _lose(self, name: str, reason: str) -> None:
        """A node is gone: what it read is read elsewhere."""
        node = self._nodes.pop(name, None)
        if node is None:
            return
        node.state = "LOST"
        tries = self._lost.get(name, (0, 0.0, ""))[0]
        pause = _AGAIN_SECONDS[min(tries, len(_AGAIN_SECONDS) - 1)]
        self._lost[name] = (tries + 1, time.monotonic() + pause, reason)
        mine = [camera for camera in self._cameras.values() if camera.node == name]
        _log.error("the node %s is gone (%s); %d cameras go elsewhere", name, reason, len(mine))
        for book in node.host.abandon():
            if not book.is_leaving:
                self._homes[book.stream] = self._limbo
            self._limbo.take_over(book)
        for camera in self._cameras.values():
            if camera.target is not None and camera.target.node == name:
                camera.target = None
        for camera in mine:
            camera.node = None
            if camera.target is not None:
                self._switch(camera)
            elif camera.wanted and camera.needs_node:
                camera.fail(f"the node {name} is gone; another takes it up", self._clock.now())
                self._publish(camera)
                self._place(camera)
        self._fail_clips(name)
        self._helpers.submit(node.kill)

    def _hear(self, name: str, message: ToService) -> None:
        self._do(lambda: self._take(name, message))

    def _take(self, name: str, message: ToService) -> None:
        node = self._nodes.get(name)
        if node is None:
            return
        match message:
            case StatusChanged():
                self._take_status(name, message.status, publish=True)
            case Vitals():
                for stream, status in message.statuses.items():
                    self._take_status(name, status, publish=False)
                    camera = self._cameras.get(stream)
                    if camera is not None and camera.node == name:
                        camera.reading = message.reading.get(stream, camera.reading)
            case RingMade():
                node.host.attach(message.stream, message.ring)
            case Rested():
                self._rested(name, self._cameras[message.stream])
            case ClipMade():
                _, future = self._clips.pop(message.number, ("", None))
                if future is not None and message.clip is not None:
                    future.set_result(message.clip)
                elif future is not None:
                    future.set_exception(message.error or StateError("no clip was made"))

    def _take_status(self, name: str, status: StreamStatus, *, publish: bool) -> None:
        camera = self._cameras.get(status.stream)
        if camera is None:
            return
        if camera.target is not None and camera.target.node == name:
            camera.target.status = status
            if status.state == "RUNNING":  # its ring was named before
                self._switch(camera)
        elif camera.node == name:
            camera.take(status)
            self._publish(camera, aloud=publish)

    def _replace(self, stream: Stream, guard: Guard | None) -> None:
        camera = self._cameras[stream.id]
        camera.stream, camera.guard = stream, guard
        for name in {camera.node, camera.target.node if camera.target else None} - {None}:
            self._tell(self._nodes.get(name or ""), ReplaceCamera(stream, guard))

    def _remove(self, stream: str) -> None:
        camera = self._cameras.pop(stream)
        for name in {camera.node, camera.target.node if camera.target else None} - {None}:
            self._tell(self._nodes.get(name or ""), RemoveCamera(stream))

    def _start(self, camera: ClusterCamera) -> None:
        camera.wanted = True
        if camera.node is not None:
            self._tell(self._nodes.get(camera.node), StartCamera(camera.stream.id))
        elif not camera.needs_node:
            status = StreamStatus(camera.stream.id, "CONNECTING", self._clock.now(), attempts=1)
            camera.take(status)
            self._publish(camera)

    def _stop(self, camera: ClusterCamera) -> None:
        camera.wanted = False
        self._cancel_move(camera)
        if camera.node is not None:
            self._tell(self._nodes.get(camera.node), StopCamera(camera.stream.id))
            return
        camera.take(StreamStatus(camera.stream.id, "STOPPED", self._clock.now()))
        self._publish(camera)
        self._notify(self._listeners.on_rest, camera.stream.id)

    def _rested(self, name: str, camera: ClusterCamera) -> None:
        """No frame comes any more: where it is read next is open again."""
        if camera.node != name or camera.wanted:
            self._notify(self._listeners.on_rest, camera.stream.id)
            return
        self._tell(self._nodes.get(name), RemoveCamera(camera.stream.id))
        camera.node = None
        self._notify(self._listeners.on_rest, camera.stream.id)

    def _place(self, camera: ClusterCamera) -> None:
        stream = camera.stream.id
        sites = self._sites(urgent=camera.sequence > 0)
        name = choose(stream, camera.cost, sites, self._config.cluster.places)
        if name is None:
            comes = any(node.state == "STARTING" for node in self._nodes.values())
            if camera.status.state != "BACKOFF" and not comes:
                camera.fail("no node of the cluster can read it now", self._clock.now())
                self._publish(camera)
            return
        first = camera.sequence
        if self._tell(self._nodes[name], self._adding(camera, first)):
            self._hand(stream, self._nodes[name].host, first)
            camera.go_on(name, first)

    def _adding(self, camera: ClusterCamera, first: int) -> AddCamera:
        stream = camera.stream.model_copy(update={"enabled": True})
        return AddCamera(stream, camera.guard, first, camera.status.last_frame_at or 0.0)

    def _hand(self, stream: str, host: EngineHost, first: int) -> None:
        """Have a stream tracked by another host."""
        book = self._home(stream).hand_over(stream)
        self._homes[stream] = host
        if book is not None:
            host.take_over(book, first)

    def _home(self, stream: str) -> EngineHost:
        return self._homes.get(stream, self._limbo)

    def _begin_move(self, camera: ClusterCamera, name: str) -> None:
        """Read a camera on another node as well; it is moved with the first picture there."""
        first = camera.sequence + _NUMBERS_AHEAD
        if self._tell(self._nodes.get(name), self._adding(camera, first)):
            status = StreamStatus(camera.stream.id, "CONNECTING", self._clock.now())
            camera.target = Target(name, time.monotonic(), first, status)

    def _switch(self, camera: ClusterCamera) -> None:
        """What was begun elsewhere is what counts from now on."""
        target, stream = camera.target, camera.stream.id
        assert target is not None
        before = self._nodes.get(camera.node or "")
        self._hand(stream, self._nodes[target.node].host, target.first)
        if before is not None:
            self._tell(before, RemoveCamera(stream))
            _log.info("stream %s moved from %s to %s", stream, before.name, target.node)
        camera.go_on(target.node, target.first)
        camera.take(target.status)
        self._publish(camera)

    def _look_after_moves(self) -> None:
        for camera in self._moving():
            assert camera.target is not None
            if time.monotonic() - camera.target.since > _MOVE_SECONDS:
                reason = camera.target.status.error or "no picture came there"
                _log.warning("stream %s stays: %s", camera.stream.id, reason)
                self._cancel_move(camera)

    def _cancel_move(self, camera: ClusterCamera) -> None:
        if camera.target is not None:
            self._tell(self._nodes.get(camera.target.node), RemoveCamera(camera.stream.id))
            camera.target = None

    def _moving(self) -> list[ClusterCamera]:
        return [camera for camera in self._cameras.values() if camera.target is not None]

    def _drain(self, node: Node) -> None:
        """Move what is read there, some at a time; end the agent when nothing is left."""
        mine = [camera for camera in self._cameras.values() if camera.node == node.name]
        for camera in mine:
            if camera.target is not None or len(self._moving()) >= _MOVES_AT_ONCE:
                continue
            name = choose(camera.stream.id, camera.cost, self._sites(), self._config.cluster.places)
            if camera.status.state == "RUNNING" and name is not None:
                self._begin_move(camera, name)
            elif camera.status.state != "RUNNING":
                self._tell(node, RemoveCamera(camera.stream.id))
                self._hand(camera.stream.id, self._limbo, camera.sequence)
                camera.node = None
        if not mine and not node.host.is_busy:
            del self._nodes[node.name]
            self._drained.add(node.name)
            _log.info("the node %s is empty and may be maintained", node.name)
            self._helpers.submit(node.close)

    def _end_the_leaving(self) -> None:
        """Streams that ended while nobody tracked them are ended by whoever is there."""
        host = next((n.host for n in self._nodes.values() if n.state == "READY"), None)
        if host is None or not self._limbo.is_leaving:
            return
        for book in self._limbo.abandon():
            (host if book.is_leaving else self._limbo).take_over(book)

    def _sites(self, *, urgent: bool = True) -> list[Site]:
        """Nodes that cameras may be placed on; where it is urgent, those whose engine runs."""
        ready = [node for node in self._nodes.values() if node.state == "READY"]
        running = [node for node in ready if node.host.report().state == "RUNNING"]
        chosen = running if running and urgent else ready
        return [node.site(self._costs(node.name)) for node in chosen]

    def _costs(self, name: str) -> dict[str, Cost]:
        cameras = self._cameras.values()
        return {
            camera.stream.id: camera.cost
            for camera in cameras
            if camera.node == name or (camera.target is not None and camera.target.node == name)
        }

    def _views(self) -> Iterator[NodeView]:
        from sightline.cluster.live.placement import load

        for name, node in sorted(self._nodes.items()):
            costs = self._costs(name)
            yield {
                "name": name,
                "state": node.state,
                "cameras": sorted(costs),
                "load": round(load(node.site(costs), costs.values()), 3),
                "reason": "",
            }
        for name in sorted(self._drained - self._nodes.keys()):
            yield {"name": name, "state": "DRAINED", "cameras": [], "load": 0.0, "reason": ""}
        for name, (_, _, reason) in sorted(self._lost.items()):
            if reason and name not in self._nodes and name not in self._drained:
                yield {"name": name, "state": "LOST", "cameras": [], "load": 0.0, "reason": reason}

    def _leave_all(self) -> None:
        for camera in self._cameras.values():
            if camera.node is not None:
                self._tell(self._nodes.get(camera.node), RemoveCamera(camera.stream.id))

    def _tell(self, node: Node | None, order: ToAgent) -> bool:
        """Tell a node something; whether it could be told."""
        if node is None:
            return False
        try:
            node.send(order)
        except OSError:
            return False
        return True

    def _fail_clips(self, name: str) -> None:
        for number, (node, future) in list(self._clips.items()):
            if node == name:
                del self._clips[number]
                future.set_exception(SourceError("the node is gone", "stream_ended"))

    def _publish(self, camera: ClusterCamera, *, aloud: bool = True) -> None:
        with self._status_lock:
            if camera.stream.id not in self._statuses:
                return
            self._statuses[camera.stream.id] = camera.status
        if aloud:
            self._notify(self._listeners.on_status, camera.status)

    def _pass_on(self, message: Message) -> None:
        """What engines tell, one at a time; reports are asked for where they are wanted."""
        if not isinstance(message, EngineReport):
            with self._telling:
                self._listeners.on_message(message)

    def _notify(self, listener: Callable[..., None], *what: object) -> None:
        try:
            listener(*what)
        except (SightlineError, RuntimeError):
            _log.exception("a listener of the fleet failed")

    def _host_without_process(self) -> EngineHost:
        config = self._config
        return EngineHost(
            config.detector, config.tracker, self._clock, self._pass_on, accounts=self.accounts
        )
