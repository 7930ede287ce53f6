"""What the service and its detector's process say to each other, inside this room only.

Everything that one frame leads to travels as one value: a process that is killed has either told
all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightline.service.engine.messages import (
    FrameCounts,
    FrameResult,
    Recording,
    SavedState,
    StreamEnd,
    TrackRecord,
)
from sightline.service.engine.tracking import Seen
from sightline.service.rules import Scene

__all__ = [
    "Attach",
    "Beat",
    "Begin",
    "Change",
    "Command",
    "End",
    "Failed",
    "Flushed",
    "HandOver",
    "Left",
    "Processed",
    "Ready",
    "Report",
    "Stop",
    "Stopped",
    "Watch",
]


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin to track a stream, or go on with it in a new process.

    Args:
        stream: Identifier of the stream.
        epoch: Number of this adding of a stream; tells it from an earlier one of that name.
        scene: Zones, lines and rules.
        process_fps: Most frames a second that are looked at; None for all.
        waits: Whether the reader waits until a frame is worked on, as it does for files.
        ring: Name of the ring of its frames, if there is one already.
        first_number: Smallest number that a track may get, as when the stream was added.
        last_number: Largest number that was reported since.
        state: Saved state to go on from.
        since: Frames that were tracked since then, whose outcome is known.
        sequence: Newest frame that is accounted for.
        counts: Where the frames until then went.
        after: UNIX seconds; frames that were captured no later were looked at by another process,
            for which another reader laid them out.
    """

    stream: str
    epoch: int
    scene: Scene
    process_fps: float | None
    waits: bool
    ring: str | None
    first_number: int
    last_number: int
    state: bytes | None
    since: tuple[Seen, ...]
    sequence: int
    counts: FrameCounts
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """Track a stream no longer; `Left` answers."""

    stream: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Track a stream no longer and say nothing: another process goes on with it."""

    stream: str


@dataclass(frozen=True, slots=True)
class Change:
    """Take other zones, lines, rules and another rate."""

    stream: str
    scene: Scene
    process_fps: float | None


@dataclass(frozen=True, slots=True)
class Attach:
    """The stream's frames are in another ring from now on."""

    stream: str
    ring: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Until then (UNIX seconds) copy every frame that was looked at into a ring."""

    stream: str
    until: float
    ring: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Save everything and end; `Stopped` answers."""


Command = Begin | End | HandOver | Change | Attach | Watch | Stop


@dataclass(frozen=True, slots=True)
class Ready:
    """The networks are loaded: what they say of themselves."""

    detector: Mapping[str, Any]
    embedder: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The process cannot go on, for a reason that is not a crash."""

    reason: str


@dataclass(frozen=True, slots=True)
class Processed:
    """One frame that was looked at.

    Args:
        epoch: As of the stream's `Begin`.
        result: What is told to others.
        newest: Newest frame that its counts account for.
        last_number: Largest number of a track that was given so far.
        seen: What tracking was given.
        records: Tracks that began, ended, or were due.
        recordings: Pieces that are complete.
        saved: The state after this frame, if it was due.
    """

    epoch: int
    result: FrameResult
    newest: int
    last_number: int
    seen: Seen
    records: tuple[TrackRecord, ...]
    recordings: tuple[Recording, ...]
    saved: SavedState | None


@dataclass(frozen=True, slots=True)
class Left:
    """A stream that is tracked no longer.

    Args:
        epoch: As of the stream's `Begin`.
        end: What is told to others.
        newest: Newest frame that its counts account for.
        records: Tracks that ended.
        recordings: The last piece.
    """

    epoch: int
    end: StreamEnd
    newest: int
    records: tuple[TrackRecord, ...]
    recordings: tuple[Recording, ...]


@dataclass(frozen=True, slots=True)
class Flushed:
    """A stream when the process stops: the last of its recording, and its state."""

    epoch: int
    recordings: tuple[Recording, ...]
    saved: SavedState


@dataclass(frozen=True, slots=True)
class Stopped:
    """All streams are saved; nothing comes after it."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life, twice a second.

    Args:
        quiet: Seconds since the less active of the two threads gave a sign.
        is_preparing: Whether a network meets a size of pictures for the first time, which may take
            a GPU minutes.
        utilisation: Share of the last seconds in which detection ran.
        frames: Frames that were processed.
        stage_seconds: CPU seconds that stages took; `detect` and `wait for tracking` by the clock.
        batches: How many batches there were of each size.
        batch_limit: Most frames of a batch.
        last_error: What went wrong last.
        problems: By stream, what cannot be used.
        counts: By stream, where its frames went so far.
    """

    quiet: float
    is_preparing: bool
    utilisation: float
    frames: int
    stage_seconds: Mapping[str, float]
    batches: Mapping[int, int]
    batch_limit: int
    last_error: str
    problems: Mapping[str, str]
    counts: Mapping[str, FrameCounts]


Report = Ready | Failed | Processed | Left | Flushed | Stopped | Beat
