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
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sightline.cluster.live.board import NodeView
from sightline.cluster.live.cameras import ClusterCamera, Target
from sightline.cluster.live.clips import ClipRequests
from sightline.cluster.live.node import Node
from sightline.cluster.live.nodes import Nodes
from sightline.cluster.live.placement import choose, rebalance
from sightline.cluster.live.reports import merged
from sightline.cluster.live.roster import Roster
from sightline.cluster.live.wire import (
    AddCamera,
    ClipMade,
    RemoveCamera,
    ReplaceCamera,
    Rested,
    RingMade,
    StartCamera,
    StatusChanged,
    StopCamera,
    ToService,
    Vitals,
)
from sightline.errors import SourceError
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.accounts import Accounts
from sightline.service.engine.host import EngineHost, Message
from sightline.service.engine.messages import EngineReport
from sightline.service.steady import SteadyClock
from sightline.service.watching import Listeners

__all__ = ["Fleet", "MakeNode"]

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
_BALANCE_SECONDS = 15.0
_MOVE_SECONDS = 20.0
"""A camera that shows no picture on its new node by then stays where it is."""
_MOVES_AT_ONCE = 4
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


class Fleet:
    """Places cameras on nodes and keeps them running; no call waits for a node, but `close`.

    Args:
        config: The effective configuration.
        clock: The service's time.
        listeners: Who is told.

    Attributes:
        accounts: What is used up of the streams' numbers, wherever they are tracked.
    """

    def __init__(self, config: Config, clock: SteadyClock, listeners: Listeners) -> None:
        self.accounts = Accounts()
        self._places = config.cluster.places
        self._clock = clock
        self._on_message = listeners.on_message
        self._telling = threading.Lock()
        self._roster = Roster(listeners)
        self._nodes = Nodes()
        self._clips = ClipRequests()
        # Has the streams that no node tracks; it is never started.
        self._limbo = EngineHost(
            config.detector, config.tracker, clock, self._pass_on, accounts=self.accounts
        )
        self._homes: dict[str, EngineHost] = {}
        self._balanced_at = time.monotonic()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._helpers = ThreadPoolExecutor(16, "fleet-helpers")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._thread.start()

    def add_camera(self, stream: Stream, guard: Guard | None) -> None:
        """Take on a camera, and read it if it is enabled."""
        camera = self._roster.enter(stream, guard, self._clock.now())
        self._do(lambda: self._roster.cameras.__setitem__(stream.id, camera))

    def replace_camera(self, stream: Stream, guard: Guard | None) -> None:
        """Take another definition of a camera."""
        self.status(stream.id)
        self._do(lambda: self._replace(self._roster.cameras[stream.id], stream, guard))

    def remove_camera(self, stream: str) -> None:
        """Let go of a camera."""
        self._roster.strike(stream)
        self._do(lambda: self._remove(self._roster.cameras.pop(stream)))

    def start_camera(self, stream: str) -> None:
        """Run a camera; one that has failed or waits is tried at once."""
        self.status(stream)
        self._do(lambda: self._start(self._roster.cameras[stream]))

    def stop_camera(self, stream: str) -> None:
        """Let a camera rest."""
        self.status(stream)
        self._do(lambda: self._stop(self._roster.cameras[stream]))

    def status(self, stream: str) -> StreamStatus:
        """What is known of a camera now."""
        return self._roster.status(stream)

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
            camera = self._roster.cameras.get(stream)
            node = self._nodes.get(None if camera is None else camera.node)
            if node is None:
                future.set_exception(SourceError(f"{stream}: nothing is read", "stream_ended"))
                return
            strip = (moment, around)
            order = self._clips.ask(node.name, future, stream, begin, end, hidden, strip)
            self._nodes.tell(node.name, order)

        self._do(ask)
        return future

    def track(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        """Begin to track a stream, wherever it is read."""

        def begin() -> None:
            camera = self._roster.cameras.get(stream.id)
            node = self._nodes.get(None if camera is None else camera.node)
            home = self._homes[stream.id] = self._limbo if node is None else node.host
            home.add(stream, first_number, state)

        self._do(begin)

    def retrack(self, stream: Stream) -> None:
        """Take other zones, lines and rates."""
        self._do(lambda: self.home(stream.id).update(stream))

    def untrack(self, stream: str) -> None:
        """Track a stream no longer; its `StreamEnd` follows."""
        self._do(lambda: self._homes.pop(stream, self._limbo).remove(stream))

    def home(self, stream: str) -> EngineHost:
        """Whose process tracks a stream; may be asked for its pictures by any thread."""
        return self._homes.get(stream, self._limbo)

    def report(self) -> EngineReport:
        """What all engines are and do."""
        return merged(self._nodes.reports(), self._limbo.report())

    def note_nodes(self, alive: Mapping[str, MakeNode], draining: Collection[str]) -> None:
        """Take which nodes there are, and which are to be empty."""
        self._do(lambda: self._meet(alive, draining))

    def views(self) -> list[NodeView]:
        """What people see of the nodes; waits for a moment."""
        found: Future[list[NodeView]] = Future()
        self._do(lambda: found.set_result(list(self._nodes.views(self._roster.costs))))
        try:
            return found.result(timeout=5.0)
        except TimeoutError:
            return []

    def stop_reading(self) -> None:
        """End all readers; nothing is placed any more."""
        if self._closing.is_set():
            return

        def end() -> None:
            self._closing.set()
            for camera in self._roster.cameras.values():
                for name in camera.nodes:
                    self._nodes.tell(name, RemoveCamera(camera.stream.id))

        self._do(end)
        self._thread.join()

    def close(self) -> None:
        """Save what the engines know, and end all agents."""
        self.stop_reading()
        for node in self._nodes.there():
            self._helpers.submit(node.close)
        self._helpers.shutdown(wait=True)
        self._limbo.close()

    # All below runs in the thread.

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.put(command)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            now = time.monotonic()
            if now >= due:
                due, command = now + _TICK_SECONDS, self._tick
            else:
                try:
                    command = self._commands.get(timeout=due - now)
                except queue.Empty:
                    continue
            try:
                command()
            except KeyError:  # the camera was removed in the meantime
                continue
            except Exception:
                _log.exception("the fleet failed at something, and goes on")

    def _tick(self) -> None:
        for camera in self._roster.cameras.values():
            if camera.needs_node and not self._nodes.are_gathering:
                self._place(camera)
        self._end_the_leaving()
        for camera in self._roster.moving():
            self._look_after(camera)
        for node in self._nodes.of("DRAINING"):
            self._drain(node)
        if time.monotonic() - self._balanced_at >= _BALANCE_SECONDS:
            self._balanced_at = time.monotonic()
            self._balance()

    def _meet(self, alive: Mapping[str, MakeNode], draining: Collection[str]) -> None:
        for name in self._nodes.missing(alive, draining):
            node = alive[name](
                functools.partial(self._hear, name),
                self._pass_on,
                functools.partial(self._do, functools.partial(self._open, name)),
                functools.partial(self._note_loss, name),
            )
            self._nodes.enter(name, node)
        self._nodes.mark(draining)

    def _note_loss(self, name: str, reason: str) -> None:
        self._do(lambda: self._lose(name, reason))

    def _open(self, name: str) -> None:
        node = self._nodes.get(name)
        if node is not None:
            _log.info("the node %s reads and tracks from now on", name)
            node.open()

    def _lose(self, name: str, reason: str) -> None:
        """A node is gone: what it read is read elsewhere."""
        node = self._nodes.lose(name, reason)
        if node is None:
            return
        mine = self._roster.read_on(name)
        _log.error("the node %s is gone (%s); %d cameras go elsewhere", name, reason, len(mine))
        for book in node.host.abandon():
            if not book.is_leaving:
                self._homes[book.stream] = self._limbo
            self._limbo.take_over(book)
        for camera in self._roster.moving():
            if camera.target is not None and camera.target.node == name:
                camera.target = None
        for camera in mine:
            camera.node = None
            if camera.target is not None:
                self._switch(camera)
            elif camera.needs_node:
                camera.fail(f"the node {name} is gone; another takes it up", self._clock.now())
                self._roster.publish(camera)
                self._place(camera)
        self._clips.fail(name)
        self._helpers.submit(node.kill)

    def _hear(self, name: str, message: ToService) -> None:
        self._do(lambda: self._take(name, message))

    def _take(self, name: str, message: ToService) -> None:
        node = self._nodes.get(name)
        if node is None:
            return
        match message:
            case StatusChanged():
                self._take_status(name, message.status, aloud=True)
            case Vitals():
                for stream, status in message.statuses.items():
                    self._take_status(name, status, aloud=False)
                    camera = self._roster.cameras.get(stream)
                    if camera is not None and camera.node == name:
                        camera.reading = message.reading.get(stream, camera.reading)
            case RingMade():
                node.host.attach(message.stream, message.ring)
            case Rested():
                self._rested(name, self._roster.cameras[message.stream])
            case ClipMade():
                self._clips.answer(message)

    def _take_status(self, name: str, status: StreamStatus, *, aloud: bool) -> None:
        camera = self._roster.cameras.get(status.stream)
        if camera is None:
            return
        if camera.target is not None and camera.target.node == name:
            camera.target.status = status
            if status.state == "RUNNING":  # its ring was named before
                self._switch(camera)
        elif camera.node == name:
            camera.take(status)
            self._roster.publish(camera, aloud=aloud)

    def _replace(self, camera: ClusterCamera, stream: Stream, guard: Guard | None) -> None:
        camera.stream, camera.guard = stream, guard
        for name in camera.nodes:
            self._nodes.tell(name, ReplaceCamera(stream, guard))

    def _remove(self, camera: ClusterCamera) -> None:
        for name in camera.nodes:
            self._nodes.tell(name, RemoveCamera(camera.stream.id))

    def _start(self, camera: ClusterCamera) -> None:
        camera.wanted = True
        stream = camera.stream.id
        if camera.node is not None:
            self._nodes.tell(camera.node, StartCamera(stream))
        elif not camera.needs_node:
            camera.take(StreamStatus(stream, "CONNECTING", self._clock.now(), attempts=1))
            self._roster.publish(camera)

    def _stop(self, camera: ClusterCamera) -> None:
        camera.wanted = False
        self._cancel_move(camera)
        if camera.node is not None:
            self._nodes.tell(camera.node, StopCamera(camera.stream.id))
            return
        camera.take(StreamStatus(camera.stream.id, "STOPPED", self._clock.now()))
        self._roster.publish(camera)
        self._roster.rest(camera)

    def _rested(self, name: str, camera: ClusterCamera) -> None:
        """No frame comes any more: where it is read next is open again."""
        if camera.node == name and not camera.wanted:
            self._nodes.tell(name, RemoveCamera(camera.stream.id))
            camera.node = None
        self._roster.rest(camera)

    def _place(self, camera: ClusterCamera) -> None:
        name = self._best(camera, urgent=camera.sequence > 0)
        if name is None:
            if camera.status.state != "BACKOFF" and not self._nodes.are_coming:
                camera.fail("no node of the cluster can read it now", self._clock.now())
                self._roster.publish(camera)
            return
        first = camera.sequence
        if self._nodes.tell(name, self._adding(camera, first)):
            self._hand(camera, name, first)
            camera.go_on(name, first)

    def _best(self, camera: ClusterCamera, *, urgent: bool = True) -> str | None:
        sites = self._nodes.sites(self._roster.costs, urgent=urgent)
        return choose(camera.stream.id, camera.cost, sites, self._places)

    def _adding(self, camera: ClusterCamera, first: int) -> AddCamera:
        stream = camera.stream.model_copy(update={"enabled": True})
        return AddCamera(stream, camera.guard, first, camera.status.last_frame_at or 0.0)

    def _hand(self, camera: ClusterCamera, name: str | None, first: int) -> None:
        """Have a stream tracked by another node, or by none for now."""
        stream, node = camera.stream.id, self._nodes.get(name)
        book = self.home(stream).hand_over(stream)
        host = self._homes[stream] = self._limbo if node is None else node.host
        if book is not None:
            host.take_over(book, first)

    def _begin_move(self, camera: ClusterCamera, name: str) -> None:
        """Read a camera on another node as well; it is moved with the first picture there."""
        first = camera.sequence + _NUMBERS_AHEAD
        if self._nodes.tell(name, self._adding(camera, first)):
            status = StreamStatus(camera.stream.id, "CONNECTING", self._clock.now())
            camera.target = Target(name, time.monotonic(), first, status)

    def _switch(self, camera: ClusterCamera) -> None:
        """What was begun elsewhere is what counts from now on."""
        target, before = camera.target, camera.node
        assert target is not None
        self._hand(camera, target.node, target.first)
        if self._nodes.tell(before, RemoveCamera(camera.stream.id)):
            _log.info("stream %s moved from %s to %s", camera.stream.id, before, target.node)
        camera.go_on(target.node, target.first)
        camera.take(target.status)
        self._roster.publish(camera)

    def _look_after(self, camera: ClusterCamera) -> None:
        """Give a move up that takes too long."""
        target = camera.target
        if target is not None and time.monotonic() - target.since > _MOVE_SECONDS:
            reason = target.status.error or "no picture came there"
            _log.warning("stream %s stays: %s", camera.stream.id, reason)
            self._cancel_move(camera)

    def _cancel_move(self, camera: ClusterCamera) -> None:
        if camera.target is not None:
            self._nodes.tell(camera.target.node, RemoveCamera(camera.stream.id))
            camera.target = None

    def _balance(self) -> None:
        move = rebalance(self._nodes.sites(self._roster.costs, urgent=True), self._places)
        if move is not None and not self._roster.moving():
            self._begin_move(self._roster.cameras[move.camera], move.target)

    def _drain(self, node: Node) -> None:
        """Move what is read there, some at a time; end the agent when nothing is left."""
        mine = self._roster.read_on(node.name)
        for camera in mine:
            if camera.target is not None or len(self._roster.moving()) >= _MOVES_AT_ONCE:
                continue
            if camera.status.state != "RUNNING":
                self._nodes.tell(node.name, RemoveCamera(camera.stream.id))
                self._hand(camera, None, camera.sequence)
                camera.node = None
            elif (name := self._best(camera)) is not None:
                self._begin_move(camera, name)
        if not mine and not node.host.is_busy:
            self._nodes.retire(node)
            _log.info("the node %s is empty and may be maintained", node.name)
            self._helpers.submit(node.close)

    def _end_the_leaving(self) -> None:
        """Streams that ended while nobody tracked them are ended by whoever is there."""
        ready = self._nodes.of("READY")
        if ready and self._limbo.is_leaving:
            for book in self._limbo.abandon():
                (ready[0].host if book.is_leaving else self._limbo).take_over(book)

    def _pass_on(self, message: Message) -> None:
        """What engines tell, one at a time; reports are asked for where they are wanted."""
        if not isinstance(message, EngineReport):
            with self._telling:
                self._on_message(message)
