"""What watches the cameras: readers, and the engine behind them, on this machine or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.cameras.status import StreamStatus
from sightline.service.cameras.supervisor import CameraSupervisor
from sightline.service.config import Config
from sightline.service.engine.host import EngineHost, Message
from sightline.service.engine.messages import EngineReport, FrameResult
from sightline.service.steady import SteadyClock
from sightline.service.streams import Readers, Trackers

__all__ = ["Cameras", "Engine", "Listeners", "Watch", "Watching", "clip_seconds", "watch_here"]


class Cameras(Readers, Protocol):
    """All readers: `cameras.CameraSupervisor`."""

    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas] = (),
        *,
        moment: float | None = None,
        around: tuple[float, float] | None = None,
    ) -> Future[Clip]:
        """A clip of what a camera saw, later; as `CameraSupervisor.clip`."""

    def close(self) -> None:
        """End all readers."""


class Engine(Trackers, Protocol):
    """All detection and tracking: `engine.EngineHost`."""

    def start(self) -> None:
        """Begin to load networks, beside the caller."""

    def watch(self, stream: str, until: float) -> None:
        """Until then (UNIX seconds) keep the last picture that was looked at."""

    def picture(self, stream: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:
        """The last frame that was looked at while it is watched, and its own result."""

    def report(self) -> EngineReport:
        """What it is and does."""

    def close(self) -> None:
        """Save all streams and end."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told; each takes little time.

    Args:
        on_message: Everything that is found out, in order; one call at a time.
        on_status: A camera's state, error or size changed.
        on_rest: No frame of a stopped stream can come any more.
    """

    on_message: Callable[[Message], None]
    on_status: Callable[[StreamStatus], None]
    on_rest: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Watching:
    """Both parts."""

    cameras: Cameras
    engine: Engine


Watch = Callable[[Config, SteadyClock, Listeners], Watching]
"""Makes the parts; nothing is read before streams are added, nothing detected before a start."""


def watch_here(config: Config, clock: SteadyClock, listeners: Listeners) -> Watching:
    """Readers and engine as processes of this machine."""
    engine = EngineHost(config.detector, config.tracker, clock, listeners.on_message)
    cameras = CameraSupervisor(
        clock,
        listeners.on_status,
        engine.attach,
        listeners.on_rest,
        keep_seconds=clip_seconds(config),
    )
    return Watching(cameras, engine)


def clip_seconds(config: Config) -> float:
    """How far back readers keep packets for clips of events."""
    pictures = config.storage.event_pictures
    return pictures.before + pictures.after + 10 if pictures.clips else 0.0
