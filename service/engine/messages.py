"""What the detector's process tells the service: results of frames, pieces of recordings, tracks.

All times are UNIX seconds of the service's steady clock at which light fell into the camera, as
near as that is known; never the time of processing unless a field says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sightline.service.rules.events import Event
from sightline.structures import Tracks

__all__ = [
    "EngineReport",
    "EngineState",
    "FrameCounts",
    "FrameResult",
    "Recording",
    "SavedState",
    "StreamEnd",
    "TrackRecord",
    "add_counts",
]

EngineState = Literal["STARTING", "RUNNING", "BACKOFF", "STOPPED"]
"""BACKOFF: it ended, hung or could not be started, and is tried again in a moment."""


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Where a stream's frames went since it was added: received = the sum of the others.

    Args:
        received: Frames that the reader offered.
        processed: Frames that were detected and tracked.
        dropped: Frames replaced by newer ones before the detector came to them.
        skipped: Frames left out because of `process_fps`.
        waiting: Frames in flight.
    """

    received: int
    processed: int
    dropped: int
    skipped: int
    waiting: int


def add_counts(first: FrameCounts, second: FrameCounts) -> FrameCounts:
    """Where the frames of both went."""
    return FrameCounts(
        first.received + second.received,
        first.processed + second.processed,
        first.dropped + second.dropped,
        first.skipped + second.skipped,
        first.waiting + second.waiting,
    )


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One frame that was looked at.

    Args:
        stream: Identifier of the stream.
        sequence: Number of the frame among those that the reader offered, from 1.
        captured_at: UNIX seconds; grows with every frame of a stream, also over reconnections.
        finished_at: UNIX seconds at which this result was ready.
        size: Width and height of the picture in pixels.
        tracks: Confirmed tracks; `tracks.time` is `captured_at`.
        class_names: Name of each class index.
        detected: (N, 5) float32 x1 y1 x2 y2 score of all detections of people, confirmed or not,
            for what has to be blurred.
        events: What became certain with this frame.
        counts: Where the stream's frames went so far.
    """

    stream: str
    sequence: int
    captured_at: float
    finished_at: float
    size: tuple[int, int]
    tracks: Tracks
    class_names: tuple[str, ...]
    detected: npt.NDArray[np.float32]
    events: tuple[Event, ...]
    counts: FrameCounts


@dataclass(frozen=True, slots=True)
class Recording:
    """Some seconds of one stream's tracks, all frames, bit for bit: what rules can be replayed on.

    Args:
        stream: Identifier of the stream.
        size: Width and height of the picture in pixels.
        class_names: Name of each class index.
        frame_times: (F,) float64 UNIX seconds of every frame, with or without tracks.
        frames: (R,) int32 index into `frame_times` of each row.
        numbers: (R,) int64 number of the track in its stream.
        boxes: (R, 4) float32 x1 y1 x2 y2 in pixels.
        scores: (R,) float32.
        classes: (R,) int32.
        seen: (R,) bool, False where the box is predicted.
    """

    stream: str
    size: tuple[int, int]
    class_names: tuple[str, ...]
    frame_times: npt.NDArray[np.float64]
    frames: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    seen: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A track as it stands: sent when it began, now and then, and when it ended.

    Args:
        stream: Identifier of the stream.
        number: Number of the track in its stream, never used again. `STREAM:NUMBER` names it.
        class_name: Its class.
        started_at: UNIX seconds of its first confirmed box.
        seen_at: UNIX seconds of its last seen box.
        ended: Whether it is over.
        path: (P, 5) float32: seconds since `started_at`, x1, y1, x2, y2 in 0…1 of the picture;
            at most two places a second, thinned further for long tracks.
        exemplars: (E, D) float16 appearance vectors of length 1, or None without re-ID.
        embedder: Name of the network that made the exemplars; empty without.
    """

    stream: str
    number: int
    class_name: str
    started_at: float
    seen_at: float
    ended: bool
    path: npt.NDArray[np.float32]
    exemplars: npt.NDArray[np.float16] | None = None
    embedder: str = ""


@dataclass(frozen=True, slots=True)
class SavedState:
    """Everything that it takes to go on tracking a stream after a restart.

    Sent every second, and right behind the events of a frame: both are stored together, so that
    a restart neither repeats nor loses an event.

    Args:
        stream: Identifier of the stream.
        at: UNIX seconds of the last frame that it has seen.
        data: What the engine made and alone can read.
    """

    stream: str
    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """A stream that is no longer tracked: what happened to its end.

    Args:
        stream: Identifier of the stream.
        at: UNIX seconds of its last frame.
        events: Visits and tracks that ended with it.
        counts: Where all its frames went; none is waiting.
    """

    stream: str
    at: float
    events: tuple[Event, ...]
    counts: FrameCounts


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What the detector's process is and does.

    Args:
        state: Whether it runs.
        at: UNIX seconds of what follows.
        model: Name of the network.
        device_asked: What the configuration asks for.
        device: Where it runs: `cpu`, `cuda` or `tensorrt`; empty before it first ran.
        providers: ONNX Runtime's providers as the session has them.
        detector: Everything that the detector says of itself.
        embedder: Everything that the re-ID network says of itself; empty without one.
        utilisation: Share of the last seconds in which detection ran.
        frames: Frames that were processed since the service started.
        stage_seconds: CPU seconds that stages took since the service started; `detect` and
            `wait for tracking` by the clock.
        batches: How many batches there were of each size.
        batch_limit: Most frames of a batch now: less than asked for where memory was short.
        restarts: How often the process had to be started again.
        last_error: Why it was, or what else went wrong last; empty if nothing did.
        problems: By stream, what of its zones and lines cannot be used.
    """

    state: EngineState
    at: float
    model: str
    device_asked: str
    device: str = ""
    providers: tuple[str, ...] = ()
    detector: Mapping[str, Any] = field(default_factory=dict)
    embedder: Mapping[str, Any] = field(default_factory=dict)
    utilisation: float = 0.0
    frames: int = 0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    batches: Mapping[int, int] = field(default_factory=dict)
    batch_limit: int = 0
    restarts: int = 0
    last_error: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
