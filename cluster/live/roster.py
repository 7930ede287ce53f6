"""All cameras of a fleet, and what others are told of them."""

from __future__ import annotations

import logging
import threading

from sightline.cluster.live.cameras import ClusterCamera
from sightline.cluster.live.placement import Cost
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream
from sightline.service.errors import unknown_stream
from sightline.service.watching import Listeners

__all__ = ["Roster"]

_log = logging.getLogger(__name__)


class Roster:
    """Used by the fleet's thread, but for `enter`, `strike` and `status`.

    Args:
        listeners: Who is told.

    Attributes:
        cameras: By stream; the fleet's thread adds and removes.
    """

    def __init__(self, listeners: Listeners) -> None:
        self.cameras: dict[str, ClusterCamera] = {}
        self._listeners = listeners
        self._statuses: dict[str, StreamStatus] = {}
        self._lock = threading.Lock()

    def enter(self, stream: Stream, guard: Guard | None, now: float) -> ClusterCamera:
        """A camera that is to be taken on; it has a status from now on."""
        status = StreamStatus(stream.id, "CONNECTING" if stream.enabled else "STOPPED", now)
        with self._lock:
            self._statuses[stream.id] = status
        return ClusterCamera(stream, guard, status, stream.enabled)

    def strike(self, stream: str) -> None:
        """Nobody is told of a camera any more.

        Raises:
            UnknownError: There is none of that name.
        """
        self.status(stream)
        with self._lock:
            self._statuses.pop(stream, None)

    def status(self, stream: str) -> StreamStatus:
        """What is known of a camera now.

        Raises:
            UnknownError: There is none of that name.
        """
        with self._lock:
            if stream not in self._statuses:
                raise unknown_stream(stream)
            return self._statuses[stream]

    def publish(self, camera: ClusterCamera, *, aloud: bool = True) -> None:
        """Show a camera's status; aloud where a state, an error or a size has changed."""
        with self._lock:
            if camera.stream.id not in self._statuses:
                return
            self._statuses[camera.stream.id] = camera.status
        if aloud:
            self._notify(camera.status)

    def rest(self, camera: ClusterCamera) -> None:
        """Say that no frame of a camera can come any more."""
        try:
            self._listeners.on_rest(camera.stream.id)
        except Exception:  # a listener's defect must not end the fleet
            _log.exception("a listener of the fleet failed")

    def read_on(self, node: str) -> list[ClusterCamera]:
        """The cameras that a node reads."""
        return [camera for camera in self.cameras.values() if camera.node == node]

    def moving(self) -> list[ClusterCamera]:
        """The cameras that are being moved."""
        return [camera for camera in self.cameras.values() if camera.target is not None]

    def costs(self, node: str) -> dict[str, Cost]:
        """What a node reads, or is about to, and what that takes."""
        return {
            camera.stream.id: camera.cost
            for camera in self.cameras.values()
            if node in camera.nodes
        }

    def _notify(self, status: StreamStatus) -> None:
        try:
            self._listeners.on_status(status)
        except Exception:  # a listener's defect must not end the fleet
            _log.exception("a listener of the fleet failed")
