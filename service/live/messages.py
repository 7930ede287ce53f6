"""The messages of the live topics, each serialised once for everybody who listens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sightline.service.cameras.status import StreamStatus
from sightline.service.descriptions import describe_event
from sightline.service.engine.messages import FrameResult
from sightline.service.rules.events import class_name
from sightline.service.steady import rfc3339

if TYPE_CHECKING:
    from sightline.service.store.events import StoredEvent

__all__ = [
    "Kind",
    "Message",
    "describe_frame",
    "describe_state",
    "event_message",
    "frame_message",
    "removed_message",
    "state_message",
]

Kind = Literal["tracks", "event", "state", "removed"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a topic.

    Args:
        topic: `tracks:ID`, `events` or `states`.
        kind: Its `type` field.
        stream: Identifier of the stream that it is about.
        text: JSON, ASCII only.
        event_id: Identifier of the event, by which a listener goes on later; None for the rest.
    """

    topic: str
    kind: Kind
    stream: str
    text: str
    event_id: str | None = None


def frame_message(result: FrameResult) -> Message:
    """Who is where in a frame."""
    topic = f"tracks:{result.stream}"
    return Message(topic, "tracks", result.stream, _json("tracks", describe_frame(result)))


def event_message(stored: StoredEvent) -> Message:
    """Something that happened."""
    text = _json("event", describe_event(stored.id, stored.event))
    return Message("events", "event", stored.event.stream, text, stored.id)


def state_message(status: StreamStatus, now: float) -> Message:
    """A camera's state; `now` is UNIX seconds."""
    return Message("states", "state", status.stream, _json("state", describe_state(status, now)))


def removed_message(stream: str) -> Message:
    """A camera that is no longer there."""
    return Message("states", "removed", stream, _json("removed", {"stream": stream}))


def describe_frame(result: FrameResult) -> dict[str, Any]:
    """Tracks of a frame as the interface gives them; boxes in 0…1 of the picture.

    `sequence` and `time` name the frame: a picture with the same `sequence` is the one in which
    these boxes were found. `seen` is false where a box is predicted.
    """
    width, height = result.size
    tracks = result.tracks
    boxes = np.clip(tracks.boxes / np.array([width, height, width, height], np.float32), 0, 1)
    return {
        "stream": result.stream,
        "sequence": result.sequence,
        "time": rfc3339(result.captured_at),
        "finished": rfc3339(result.finished_at),
        "width": width,
        "height": height,
        "tracks": [
            {
                "id": f"{result.stream}:{number}",
                "class_name": class_name(result.class_names, label),
                "box": [round(value, 4) for value in box],
                "score": round(score, 3),
                "seen": row >= 0,
                "seconds": round(age, 2),
            }
            for number, label, box, score, row, age in zip(
                tracks.ids.tolist(),
                tracks.classes.tolist(),
                boxes.tolist(),
                tracks.scores.tolist(),
                tracks.detections.tolist(),
                tracks.ages.tolist(),
                strict=True,
            )
        ],
    }


def describe_state(status: StreamStatus, now: float) -> dict[str, Any]:
    """A camera's state as the live topic gives it; FFmpeg's log is for the stream's own page.

    Args:
        status: The state.
        now: UNIX seconds; sent along so that a listener with another clock can count down.
    """
    return {
        "stream": status.stream,
        "state": status.state,
        "now": rfc3339(now),
        "since": rfc3339(status.since),
        "error_code": status.error_code,
        "error": status.error,
        "retry_at": None if status.retry_at is None else rfc3339(status.retry_at),
        "attempts": status.attempts,
        "fps": round(status.fps, 2),
        "width": status.width,
        "height": status.height,
        "last_frame_at": None if status.last_frame_at is None else rfc3339(status.last_frame_at),
    }


def _json(kind: Kind, fields: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))
