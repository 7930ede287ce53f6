"""Rules tried on recorded tracks: what they would have reported, had they been drawn then.

The recordings hold every frame bit for bit, and the rules run from some time before the stretch
that is asked for, so that who already stood in a zone is known. The result is thus what the live
rules reported, except for visits and loitering that go back further than `LONGEST_LEAD`.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np

from sightline.errors import SightlineError
from sightline.service.engine.messages import Recording
from sightline.service.errors import TooManyError, UnavailableError
from sightline.service.processes import start_child
from sightline.service.rules.engine import RulesEngine
from sightline.service.rules.events import Event
from sightline.service.rules.scene import Scene
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.recordings import list_recordings
from sightline.structures import Tracks

__all__ = ["LONGEST_LEAD", "MOST_EVENTS", "Replayed", "lead", "replay_recordings", "replay_stored"]

LONGEST_LEAD = 3600.0
"""Seconds before the stretch that are looked at, at most."""
MOST_EVENTS = 1000
"""Events that a result holds; all are counted."""

_NICENESS = 10
_SECONDS = 60.0
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What rules would have reported.

    Args:
        events: The first `MOST_EVENTS`, by time.
        totals: How often, by rule, kind and direction; of all events.
        frames: Recorded frames in the stretch.
        recorded: UNIX seconds of the first and the last of them, None without any.
        warnings: A sentence about each zone or line that can never fire.
    """

    events: tuple[Event, ...]
    totals: dict[tuple[str, str, str], int]
    frames: int
    recorded: tuple[float, float] | None
    warnings: tuple[str, ...]


def replay_stored(
    url: str, stream: str, scene: Scene, begin: float, end: float, now: float
) -> Replayed:
    """Replay rules on the store's recordings, in a process of low priority; blocks.

    Args:
        url: Address of the store.
        stream: Identifier of the stream.
        scene: Zones, lines and rules.
        begin: UNIX seconds of the first moment of the stretch.
        end: UNIX seconds of the moment behind it.
        now: UNIX seconds.

    Raises:
        ConfigError: A zone or line asks for a class that there is not.
        StateError: A recording is damaged.
        TooManyError: Another replay is running.
        UnavailableError: The store failed, or it took too long.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise TooManyError("another replay is running; try again when it is done", 5.0)
    try:
        child = start_child(_work, url, stream, scene, begin, end, now, name="replay")
        try:
            if not child.pipe.poll(_SECONDS):
                raise UnavailableError(
                    f"the replay took over {_SECONDS:g} s and was stopped; choose a shorter time"
                )
            answer = child.pipe.recv()
        except EOFError:
            raise UnavailableError(
                "the replay's process ended without an answer; the service's log may say more"
            ) from None
        finally:
            child.kill()
    finally:
        _one_at_a_time.release()
    if isinstance(answer, SightlineError):
        raise answer
    assert isinstance(answer, Replayed)
    return answer


def replay_recordings(
    recordings: Iterable[Recording],
    stream: str,
    scene: Scene,
    begin: float,
    end: float,
    now: float,
) -> Replayed:
    """Replay rules on recordings.

    Args:
        recordings: From `lead` seconds before the stretch to `tail` seconds behind it, by time.
        stream: Identifier that events carry.
        scene: Zones, lines and rules.
        begin: UNIX seconds of the first moment of the stretch.
        end: UNIX seconds of the moment behind it.
        now: UNIX seconds; a stream that has been silent for long enough has ended.

    Raises:
        ConfigError: A zone or line asks for a class that there is not.
    """
    engine = RulesEngine(scene, stream=stream)
    events: list[Event] = []
    frames = 0
    recorded: tuple[float, float] | None = None
    last = -np.inf
    for recording in recordings:
        engine = _knowing(engine, recording.class_names)
        for tracks in _frames(recording):
            # Recordings of a service that was killed may overlap.
            if tracks.time <= last:
                continue
            last = tracks.time
            events += engine.update(tracks, size=recording.size)
        times = recording.frame_times
        inside = times[(times >= begin) & (times < end)]
        if len(inside):
            frames += len(inside)
            recorded = (recorded or inside.tolist())[0], float(inside[-1])
    if last < min(end, now - _tail(scene)):
        events += engine.finish()
    events = sorted((one for one in events if begin <= one.time < end), key=lambda one: one.time)
    return Replayed(
        tuple(events[:MOST_EVENTS]),
        dict(Counter((one.rule, one.kind, one.direction or "") for one in events)),
        frames,
        recorded,
        tuple(engine.warnings),
    )


def lead(scene: Scene) -> float:
    """Seconds before the stretch that rules have to see."""
    longest = max((max(zone.dwell or 0, zone.loitering or 0) for zone in scene.zones), default=0)
    return min(longest + scene.rules.memory + scene.rules.patience, LONGEST_LEAD)


def _tail(scene: Scene) -> float:
    """Seconds behind the stretch in which what happened in it becomes certain."""
    return scene.rules.memory + scene.rules.patience + scene.rules.settle_seconds + 1.0


def _work(
    pipe: Connection, url: str, stream: str, scene: Scene, begin: float, end: float, now: float
) -> None:
    """The process: read, replay, answer."""
    os.nice(_NICENESS)
    database = Database(url)
    answer: Replayed | SightlineError
    try:
        with database.reading() as session:
            first, behind = begin - lead(scene), end + _tail(scene)
            recordings = list_recordings(session, stream, first, behind)
            answer = replay_recordings(recordings, stream, scene, begin, end, now)
    except StoreError as error:
        # Its own kind takes more than a message, and does not travel.
        answer = UnavailableError(str(error))
    except SightlineError as error:
        answer = error
    finally:
        database.close()
    pipe.send(answer)


def _knowing(engine: RulesEngine, class_names: tuple[str, ...]) -> RulesEngine:
    """The engine, or one that goes on from it, for other classes than so far."""
    if engine.class_names == class_names:
        return engine
    other = RulesEngine(engine.scene, stream=engine.stream, class_names=class_names)
    other.restore(engine.save())
    return other


def _frames(recording: Recording) -> Iterator[Tracks]:
    """The tracks of each frame, as far as rules look at them."""
    edges = np.searchsorted(recording.frames, np.arange(len(recording.frame_times) + 1))
    for time, (first, behind) in zip(
        recording.frame_times.tolist(), itertools.pairwise(edges.tolist()), strict=True
    ):
        rows = slice(first, behind)
        count = behind - first
        yield Tracks(
            ids=recording.numbers[rows],
            boxes=recording.boxes[rows],
            scores=recording.scores[rows],
            classes=recording.classes[rows],
            detections=np.where(recording.seen[rows], 0, -1).astype(np.int32),
            ages=np.zeros(count, np.float32),
            hits=np.ones(count, np.int32),
            time=time,
        )
