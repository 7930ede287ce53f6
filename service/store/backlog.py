"""What waits to be stored: bounded, and what is lost where it overflows is counted.

Events come first. A saved state is handed out only behind all events that came before it, so that
a state in the store never knows of an event that is not there.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sightline.service.engine.messages import Recording, SavedState, TrackRecord
from sightline.service.store.events import StoredEvent

__all__ = ["Backlog", "Batch", "Limits", "Numbers"]

TrackKey = tuple[str, int]


@dataclass(slots=True)
class Numbers:
    """How many of each kind."""

    events: int = 0
    tracks: int = 0
    recordings: int = 0
    states: int = 0

    def add(self, other: Numbers) -> None:
        """Count others in."""
        self.events += other.events
        self.tracks += other.tracks
        self.recordings += other.recordings
        self.states += other.states


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait.

    Args:
        events: Events; then the oldest are lost.
        tracks: Tracks; then the one that changed longest ago is lost.
        recorded_bytes: Bytes of recordings; then the oldest are lost.
        batch_events: Events of one batch.
        batch_bytes: Bytes of recordings of one batch.
    """

    events: int = 100_000
    tracks: int = 20_000
    recorded_bytes: int = 64 * 2**20
    batch_events: int = 2000
    batch_bytes: int = 8 * 2**20


@dataclass(slots=True)
class Batch:
    """What is stored together.

    Args:
        events: In the order in which they became known.
        tracks: One record a track.
        recordings: In the order of time.
        states: By stream; None forgets the state of a stream that ended.
    """

    events: list[StoredEvent] = field(default_factory=list)
    tracks: list[TrackRecord] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    states: dict[str, SavedState | None] = field(default_factory=dict)

    def numbers(self) -> Numbers:
        """How many of each kind it has."""
        return Numbers(len(self.events), len(self.tracks), len(self.recordings), len(self.states))

    def __len__(self) -> int:
        return len(self.events) + len(self.tracks) + len(self.recordings) + len(self.states)

    def single(self) -> Iterator[Batch]:
        """A batch for each item, states last."""
        yield from (Batch(events=[item]) for item in self.events)
        yield from (Batch(tracks=[item]) for item in self.tracks)
        yield from (Batch(recordings=[item]) for item in self.recordings)
        yield from (Batch(states={stream: item}) for stream, item in self.states.items())


class Backlog:
    """What waits; not safe for threads by itself.

    Args:
        limits: How much may wait.

    Attributes:
        lost: What overflowed so far.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._events: deque[StoredEvent] = deque()
        self._tracks: dict[TrackKey, TrackRecord] = {}
        self._recordings: deque[Recording] = deque()
        self._states: dict[str, SavedState | None] = {}
        self._bytes = 0
        self.lost = Numbers()

    def __len__(self) -> int:
        return len(self._events) + len(self._tracks) + len(self._recordings) + len(self._states)

    def numbers(self) -> Numbers:
        """How many of each kind wait."""
        return Numbers(
            len(self._events), len(self._tracks), len(self._recordings), len(self._states)
        )

    @property
    def is_full_batch(self) -> bool:
        """Whether waiting for more makes no larger batch."""
        return (
            len(self._events) >= self._limits.batch_events
            or self._bytes >= self._limits.batch_bytes
        )

    def put(self, item: StoredEvent | Recording | TrackRecord | SavedState) -> None:
        """Take an item; of tracks and states the newest is kept."""
        match item:
            case StoredEvent():
                self._events.append(item)
                if len(self._events) > self._limits.events:
                    self._events.popleft()
                    self.lost.events += 1
            case TrackRecord():
                self._put_track(item)
            case Recording():
                self._put_recording(item)
            case SavedState():
                self._states[item.stream] = item

    def end(self, stream: str) -> None:
        """Forget the saved state of a stream, behind all events that wait."""
        self._states[stream] = None

    def take(self) -> Batch:
        """The next batch, the longest waiting first."""
        events = [
            self._events.popleft() for _ in range(min(len(self._events), self._limits.batch_events))
        ]
        batch = Batch(events)
        if self._events:
            return batch
        batch.tracks, self._tracks = list(self._tracks.values()), {}
        batch.states, self._states = self._states, {}
        size = 0
        while self._recordings and size < self._limits.batch_bytes:
            size += _bytes(self._recordings[0])
            batch.recordings.append(self._recordings.popleft())
        self._bytes -= size
        return batch

    def _put_track(self, record: TrackRecord) -> None:
        key = (record.stream, record.number)
        # What changed last stands last.
        before = self._tracks.pop(key, None)
        if before is not None and record.exemplars is None:
            record = dataclasses.replace(
                record, exemplars=before.exemplars, embedder=before.embedder
            )
        self._tracks[key] = record
        if len(self._tracks) > self._limits.tracks:
            del self._tracks[next(iter(self._tracks))]
            self.lost.tracks += 1

    def _put_recording(self, recording: Recording) -> None:
        self._recordings.append(recording)
        self._bytes += _bytes(recording)
        while self._bytes > self._limits.recorded_bytes:
            self._bytes -= _bytes(self._recordings.popleft())
            self.lost.recordings += 1


def _bytes(recording: Recording) -> int:
    arrays = (recording.frame_times, recording.frames, recording.numbers, recording.boxes)
    return sum(array.nbytes for array in arrays) + 9 * len(recording.frames)
