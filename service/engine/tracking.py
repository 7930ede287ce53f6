"""One stream from detections to identities, events, recordings and the records of its tracks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic, thread_time

import numpy as np
import numpy.typing as npt

from sightline.errors import ModelError, StateError
from sightline.protocols import Embedder
from sightline.reid import ColourEmbedder, embed_detections
from sightline.reid import Embedder as EmbeddingNetwork
from sightline.reid.choices import uses_looks
from sightline.service.config import Tracker as TrackerConfig
from sightline.service.engine.histories import Histories
from sightline.service.engine.messages import Recording, SavedState, TrackRecord
from sightline.service.engine.recorder import Recorder
from sightline.service.engine.saved import pack, unpack
from sightline.service.networks import open_tracker, people_only
from sightline.service.rules import Event, Line, RulesEngine, Scene, Zone
from sightline.structures import Detections, Frame, Tracks
from sightline.tracker import Tracker

__all__ = ["Ending", "Identification", "Outcome", "Seen", "StreamTracking"]


@dataclass(frozen=True, slots=True)
class Identification:
    """How the streams of a service are tracked.

    Args:
        tracker: The configuration's section.
        class_names: Name of each class index of the detections.
        embedder: Describes looks, or None.
        embedder_name: What its vectors are marked with.
    """

    tracker: TrackerConfig
    class_names: tuple[str, ...]
    embedder: EmbeddingNetwork | ColourEmbedder | None = None
    embedder_name: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that tracking takes of one frame: what a stream's state is made of.

    Args:
        captured_at: UNIX seconds of the frame's capture.
        size: Width and height of the picture in pixels.
        detections: What was seen, with the embeddings that were asked for.
    """

    captured_at: float
    size: tuple[int, int]
    detections: Detections


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tracking says of one frame.

    Args:
        seen: What it was given.
        tracks: Confirmed tracks.
        events: What became certain, by time.
        records: Tracks that began, ended, or were due.
        recordings: Pieces that are complete.
        saved: The state after this frame, if it was due.
        seconds: CPU time that it took, by stage: `embed`, `track`, `rules`, `save`.
    """

    seen: Seen
    tracks: Tracks
    events: tuple[Event, ...]
    records: tuple[TrackRecord, ...]
    recordings: tuple[Recording, ...]
    saved: SavedState | None
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ending:
    """What a stream leaves when it is tracked no longer.

    Args:
        at: UNIX seconds of its last frame.
        events: Visits and tracks that end.
        records: Those tracks.
        recordings: The last piece.
    """

    at: float
    events: tuple[Event, ...]
    records: tuple[TrackRecord, ...]
    recordings: tuple[Recording, ...]


class StreamTracking:
    """Tracks one stream; nothing in it knows of any other.

    The state is a function of what was given to `update`, frame by frame: a state of `save` and
    the `Seen` of the frames since bring back exactly what there was (`resume`).

    Args:
        stream: Identifier of the stream.
        scene: Zones, lines and rules.
        how: Tracker and embedder.
        first_number: The smallest number that a track may get.
        save_seconds: Seconds between two states; each event of a rule is a reason, too.

    Attributes:
        problems: A sentence about each zone or line that cannot be used, and about looks that
            could not be had.
        last_number: Largest number that a track has got, confirmed or not.

    Raises:
        ConfigError: Preset and parameters of the tracker do not go together.
    """

    def __init__(
        self,
        stream: str,
        scene: Scene,
        how: Identification,
        *,
        first_number: int = 1,
        save_seconds: float = 1.0,
    ) -> None:
        self.stream = stream
        self.problems: list[str] = []
        self._how = how
        self._save_seconds = save_seconds
        self._selection = people_only(how.class_names)
        self._rules = self._make_rules(scene)
        self._recorder = Recorder(stream, how.class_names)
        self._tracker = open_tracker(how.tracker, how.embedder)
        self._tracker.reserve(first_number - 1)
        self._embedder: Embedder | None = (
            how.embedder if uses_looks(self._tracker.parameters) else None
        )
        self._histories = self._make_histories()
        self.last_number = first_number - 1
        self._time = 0.0
        self._saved_at = 0.0

    def resume(self, data: bytes, first_number: int = 1) -> None:
        """Go on from a saved state.

        Args:
            data: From `save`, also of an earlier run of the service.
            first_number: The smallest number that a new track may get.

        Raises:
            StateError: The state is damaged, or of other classes, of a tracker with other
                parameters or of another embedder; nothing has changed then.
        """
        header, arrays = unpack(data)
        how = self._how
        dimension = getattr(self._embedder, "dimension", None)
        tracker = Tracker.load(arrays.pop("tracker", _NO_BYTES).tobytes(), embedding_size=dimension)
        if tracker.parameters != self._tracker.parameters:
            raise StateError("the saved state is of a tracker with other parameters")
        if header.get("classes") != list(how.class_names):
            raise StateError("the saved state is of a detector with other classes")
        if header.get("embedder") != how.embedder_name:
            raise StateError("the saved state is of another embedder")
        rules, recorder = (
            self._make_rules(self._rules.scene),
            Recorder(self.stream, how.class_names),
        )
        histories = self._make_histories()
        try:
            rules.restore(header["rules"])
            recorder.restore(arrays)
            histories.restore(header["histories"], arrays["paths"])
            now, last = float(header["time"]), int(header["last_number"])
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"not a saved state of a stream ({type(error).__name__}: {error})"
            ) from error
        self._tracker, self._rules, self._recorder = tracker, rules, recorder
        self._histories = histories
        self._time, self.last_number = now, last
        self.reserve(first_number - 1)

    def reserve(self, last: int) -> None:
        """Never give the numbers up to `last`."""
        self.last_number = max(self.last_number, last)
        self._tracker.reserve(self.last_number)

    def repeat(self, frames: Iterable[Seen]) -> None:
        """Take frames again whose outcome is known already."""
        for seen in frames:
            self._step(seen)

    def change(self, scene: Scene) -> None:
        """Take other zones, lines and rules; those that stayed go on, and so do all tracks."""
        state = self._rules.save()
        self.problems = []
        self._rules = self._make_rules(scene)
        self._rules.restore(state)

    def update(self, frame: Frame, detections: Detections) -> Outcome:
        """Take one frame.

        Args:
            frame: The picture; `captured_at` is set.
            detections: What was seen in it.

        Raises:
            InputError: There are more detections than the tracker takes; nothing has changed then.
        """
        assert frame.captured_at is not None
        began = thread_time()
        seen = self._look(frame, frame.captured_at, detections)
        looked = thread_time()
        outcome = self._step(seen)
        saving = thread_time()
        is_due = monotonic() - self._saved_at >= self._save_seconds
        saved = self.save() if is_due or any(event.rule for event in outcome.events) else None
        ended = thread_time()
        seconds = {**outcome.seconds, "embed": looked - began, "save": ended - saving}
        return Outcome(
            seen, outcome.tracks, outcome.events, outcome.records, outcome.recordings, saved,
            seconds,
        )  # fmt: skip

    def save(self) -> SavedState:
        """Everything that it takes to go on."""
        self._saved_at = monotonic()
        facts, paths = self._histories.save()
        header = {
            "time": self._time,
            "last_number": self.last_number,
            "classes": list(self._how.class_names),
            "embedder": self._how.embedder_name,
            "rules": self._rules.save(),
            "histories": facts,
        }
        tracker = np.frombuffer(self._tracker.save(), np.uint8)
        arrays = {**self._recorder.save(), "paths": paths, "tracker": tracker}
        return SavedState(self.stream, self._time, pack(header, arrays))

    def flush(self) -> tuple[Recording, ...]:
        """The piece of the recording that is not complete."""
        piece = self._recorder.flush()
        return () if piece is None else (piece,)

    def finish(self) -> Ending:
        """End all visits and tracks."""
        events, records = self._histories.finish(self._time)
        return Ending(
            self._time,
            _by_time([*self._rules.finish(), *events]),
            tuple(records),
            self.flush(),
        )

    def _look(self, frame: Frame, captured_at: float, detections: Detections) -> Seen:
        size = (frame.width, frame.height)
        if self._embedder is not None and captured_at >= self._time:
            wanted = self._tracker.wanted_embeddings(detections, time=captured_at)
            rows = self._selection.rows(frame, detections, wanted)
            try:
                detections = embed_detections(self._embedder, frame, detections, rows)
            except ModelError as error:
                self._note(str(error))  # who is where is known without looks, too
        return Seen(captured_at, size, detections)

    def _step(self, seen: Seen) -> Outcome:
        began = thread_time()
        ending = self._begin_again() if seen.captured_at < self._time else None
        tracks = self._tracker.update(seen.detections, time=seen.captured_at)
        self._time = seen.captured_at
        tracked = thread_time()
        events = self._rules.update(tracks, size=seen.size)
        remembered = set(self._tracker.ids.tolist())
        self.last_number = max(self.last_number, *remembered, 0)
        told, records = self._histories.update(tracks, seen.size, remembered)
        piece = self._recorder.add(tracks, seen.size)
        pieces = () if piece is None else (piece,)
        if ending is not None:
            events, records = [*ending.events, *events], [*ending.records, *records]
            pieces = (*ending.recordings, *pieces)
        seconds = {"track": tracked - began, "rules": thread_time() - tracked}
        everything = _by_time([*events, *told])
        return Outcome(seen, tracks, everything, tuple(records), pieces, None, seconds)

    def _begin_again(self) -> Ending:
        """Time went back, as where a clock was set back while the service was down."""
        ending = self.finish()
        self._tracker.reset()
        self._tracker.reserve(self.last_number)
        return ending

    def _make_rules(self, scene: Scene) -> RulesEngine:
        """The rules of all places that the detector's classes allow."""
        names = self._how.class_names
        kept: dict[str, tuple[Line | Zone, ...]] = {"lines": (), "zones": ()}
        for kind, places in (("lines", scene.lines), ("zones", scene.zones)):
            for place in places:
                unknown = sorted(set(place.classes) - set(names))
                if unknown:
                    self._note(
                        f"{place.id} is left out: it asks for {', '.join(unknown)}, and the "
                        f"network knows {', '.join(names)}"
                    )
                else:
                    kept[kind] = (*kept[kind], place)
        usable = scene.model_copy(update=kept)
        return RulesEngine(usable, stream=self.stream, class_names=names)

    def _make_histories(self) -> Histories:
        # The tracker is looked up when it is asked: it is another one after a restart.
        return Histories(
            self.stream,
            self._how.class_names,
            lambda numbers: self._tracker.exemplars(numbers),
            self._how.embedder_name if self._embedder is not None else "",
        )

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems = [*self.problems[-9:], problem]


_NO_BYTES: npt.NDArray[np.uint8] = np.empty(0, np.uint8)


def _by_time(events: list[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda event: event.time))
