"""What the service knows of a camera that is read on some node."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sightline.cluster.live.placement import Cost
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream

__all__ = ["ClusterCamera", "Target"]

_USUAL = Cost()


@dataclass(slots=True)
class Target:
    """Where a camera is being read already, to be moved there with its first picture.

    Args:
        node: Name of the node.
        since: Seconds of a monotonic clock.
        first: Number before the first frame of the reader there.
        status: What that reader does.
    """

    node: str
    since: float
    first: int
    status: StreamStatus


@dataclass(slots=True)
class ClusterCamera:
    """A camera, wherever it is read; used by one thread.

    Args:
        stream: Its definition.
        guard: How its address is checked, if that came by the interface.
        status: As others see it, over all nodes that it was read on.
        wanted: Whether it is to run.
        node: Name of the node that reads it; None while there is none.
        target: Where it is being moved to.
        sequence: Number of the newest frame.
        first: Number before the first frame of its reader.
        received: Frames of the readers before.
        corrupt: Damaged frames of the readers before.
        reading: Share of a core that reading takes, as far as it was measured.
    """

    stream: Stream
    guard: Guard | None
    status: StreamStatus
    wanted: bool
    node: str | None = None
    target: Target | None = None
    sequence: int = 0
    first: int = 0
    received: int = 0
    corrupt: int = 0
    reading: float | None = None

    @property
    def needs_node(self) -> bool:
        """Whether it should be read and is not; one that needs a person is left alone."""
        return self.wanted and self.node is None and self.status.state not in ("FAILED", "STOPPED")

    @property
    def cost(self) -> Cost:
        """What it takes, measured as far as it could be."""
        limit = self.stream.process_fps
        rate = self.status.fps or _USUAL.rate
        return Cost(
            rate if limit is None else min(rate, limit),
            _USUAL.reading if self.reading is None else self.reading,
        )

    @property
    def nodes(self) -> set[str]:
        """Where it is read, and where it is about to be."""
        target = None if self.target is None else self.target.node
        return {node for node in (self.node, target) if node is not None}

    def take(self, status: StreamStatus) -> None:
        """Note what its reader does, which knows nothing of the readers before."""
        self.sequence = max(self.sequence, status.received)
        self.status = replace(
            status,
            received=self.received + max(status.received - self.first, 0),
            corrupt=self.corrupt + status.corrupt,
            last_frame_at=status.last_frame_at or self.status.last_frame_at,
            width=status.width or self.status.width,
            height=status.height or self.status.height,
        )

    def go_on(self, node: str, first: int) -> None:
        """It is read there from now on, by a reader that numbers frames from `first` + 1."""
        self.node, self.target, self.first = node, None, first
        self.sequence = max(self.sequence, first)
        self.received, self.corrupt = self.status.received, self.status.corrupt

    def fail(self, reason: str, now: float) -> None:
        """Nobody reads it for now."""
        self.status = replace(
            self.status,
            state="BACKOFF",
            since=now if self.status.state != "BACKOFF" else self.status.since,
            error_code="reader_failed",
            error=reason,
            retry_at=now,
            fps=0.0,
        )
