"""What the service and the agents of its nodes tell each other, inside this room only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream

__all__ = [
    "AddCamera",
    "AskClip",
    "ClipMade",
    "DropRing",
    "EngineCommand",
    "EngineEnded",
    "EngineTold",
    "KillEngine",
    "MakeRing",
    "RemoveCamera",
    "ReplaceCamera",
    "Rested",
    "RingMade",
    "StartCamera",
    "StartEngine",
    "StatusChanged",
    "StopCamera",
    "ToAgent",
    "ToService",
    "Vitals",
]


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start the process that detects and tracks; `life` tells it from those before."""

    life: int


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """A command for the engine, pickled: the agent only passes it on."""

    life: int
    command: bytes


@dataclass(frozen=True, slots=True)
class KillEngine:
    """End the engine now; `EngineEnded` answers."""

    life: int


@dataclass(frozen=True, slots=True)
class MakeRing:
    """Make shared memory for pictures that were looked at, before the engine looks for it."""

    name: str
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class DropRing:
    """Give that memory back."""

    name: str


@dataclass(frozen=True, slots=True)
class AddCamera:
    """Read a camera.

    Args:
        stream: Its definition.
        guard: How its address is checked, if that came by the interface.
        sequence: Of the last frame that was read elsewhere.
        captured_at: UNIX seconds of that frame.
    """

    stream: Stream
    guard: Guard | None
    sequence: int
    captured_at: float


@dataclass(frozen=True, slots=True)
class ReplaceCamera:
    """Take another definition of a camera."""

    stream: Stream
    guard: Guard | None


@dataclass(frozen=True, slots=True)
class StartCamera:
    """Let a camera run, at once where it waits or has failed."""

    stream: str


@dataclass(frozen=True, slots=True)
class StopCamera:
    """Let a camera rest; `Rested` answers."""

    stream: str


@dataclass(frozen=True, slots=True)
class RemoveCamera:
    """Read a camera no longer."""

    stream: str


@dataclass(frozen=True, slots=True)
class AskClip:
    """Cut a clip; `ClipMade` answers. The fields are those of `CameraSupervisor.clip`."""

    number: int
    stream: str
    begin: float
    end: float
    hidden: tuple[HiddenAreas, ...]
    moment: float | None
    around: tuple[float, float] | None


ToAgent = (
    StartEngine
    | EngineCommand
    | KillEngine
    | MakeRing
    | DropRing
    | AddCamera
    | ReplaceCamera
    | StartCamera
    | StopCamera
    | RemoveCamera
    | AskClip
)


@dataclass(frozen=True, slots=True)
class EngineTold:
    """A report of the engine, pickled."""

    life: int
    report: bytes


@dataclass(frozen=True, slots=True)
class EngineEnded:
    """The engine has ended, with this exit code as far as it is known, or could not be started.

    Args:
        life: As of its `StartEngine`.
        code: Minus the signal's number if one ended it.
        error: Why it could not be started; empty if it could.
    """

    life: int
    code: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RingMade:
    """A camera's frames lie in this ring from now on: its first picture has come."""

    stream: str
    ring: str


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A camera's state, error or size changed."""

    status: StreamStatus


@dataclass(frozen=True, slots=True)
class Rested:
    """No frame of a camera that was stopped can come any more."""

    stream: str


@dataclass(frozen=True, slots=True)
class ClipMade:
    """A clip, or why there is none."""

    number: int
    clip: Clip | None
    error: SightlineError | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a node does, twice a second.

    Args:
        statuses: Of its cameras.
        reading: Share of a core that reading each camera took lately.
        cores: That the agent's processes may use.
    """

    statuses: Mapping[str, StreamStatus]
    reading: Mapping[str, float]
    cores: int


ToService = EngineTold | EngineEnded | RingMade | StatusChanged | Rested | ClipMade | Vitals
