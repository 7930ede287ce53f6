"""Trackers from the package index behind one face, for `association.py`.

Each adapter turns a frame's arrays into what its tracker wants to be given (not timed) and steps
the tracker (timed). This module needs nothing but NumPy and the peer itself, so it also runs in
the peer's own environment, as a child process that speaks pickles:

    python association_peers.py
"""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
"""(N, 5) x1 y1 x2 y2 score."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A tracker that has started.

    Args:
        prepare: Turns a frame's boxes into the tracker's own input.
        step: Takes such an input and returns something that holds the tracks.
        tracks: Reads ids and boxes from that: (T, 5) id x1 y1 x2 y2.
    """

    prepare: Callable[[Boxes], Any]
    step: Callable[[Any], Any]
    tracks: Callable[[Any], npt.NDArray[np.float64]]


class Contender(Protocol):
    """A tracker that can be restarted and timed over a block of frames."""

    name: str

    def start(self) -> None:
        """Forget everything."""
        ...

    def run(self, frames: Sequence[Boxes], *, keep: bool = False) -> tuple[float, list[Any]]:
        """CPU seconds for some frames, and each frame's tracks if they are to be kept."""
        ...


class InProcess:
    """A contender in this process."""

    def __init__(self, name: str, make: Callable[[], Adapter]) -> None:
        self.name = name
        self._make = make
        self.start()

    def start(self) -> None:
        """Make the tracker anew."""
        self._adapter = self._make()

    def run(self, frames: Sequence[Boxes], *, keep: bool = False) -> tuple[float, list[Any]]:
        """CPU seconds of this process for the frames; inputs are made before the clock starts."""
        inputs = [self._adapter.prepare(frame) for frame in frames]
        step, tracks = self._adapter.step, self._adapter.tracks
        results: list[Any] = []
        began = time.process_time()
        if keep:
            results.extend(tracks(step(value)) for value in inputs)
        else:
            for value in inputs:
                step(value)
        return time.process_time() - began, results


class InChild:
    """A contender in a child process with its own interpreter; it times itself."""

    def __init__(self, name: str, interpreter: str) -> None:
        self.name = name
        self._child = subprocess.Popen(
            [interpreter, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._ask("make", name)

    def start(self) -> None:
        """Make the tracker anew."""
        self._ask("make", self.name)

    def run(self, frames: Sequence[Boxes], *, keep: bool = False) -> tuple[float, list[Any]]:
        """CPU seconds of the child for the frames."""
        answer: tuple[float, list[Any]] = self._ask("run", (list(frames), keep))
        return answer

    def close(self) -> None:
        """End the child."""
        if self._child.stdin:
            self._child.stdin.close()
        self._child.wait(timeout=10)

    def _ask(self, what: str, value: Any) -> Any:
        assert self._child.stdin
        assert self._child.stdout
        pickle.dump((what, value), self._child.stdin)
        self._child.stdin.flush()
        answer = pickle.load(self._child.stdout)
        match answer:
            case Exception():
                raise RuntimeError(f"{self.name} failed in its own environment") from answer
            case _:
                return answer


@dataclass(frozen=True, slots=True)
class Peer:
    """A tracker that can be installed.

    Args:
        package: Name on the package index; its version is pinned in `association-peers.txt`.
        module: Module that must be importable.
        make: Starts it.
    """

    package: str
    module: str
    make: Callable[[], Adapter]

    @property
    def installed(self) -> bool:
        """Whether this interpreter has it."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Installed version."""
        return metadata.version(self.package)


def _roboflow(class_name: str, **options: Any) -> Callable[[], Adapter]:
    def make() -> Adapter:
        supervision = importlib.import_module("supervision")
        tracker = getattr(importlib.import_module("trackers"), class_name)(**options)
        return Adapter(_supervised(supervision), tracker.update, _from_supervision)

    return make


def _supervision_bytetrack() -> Adapter:
    supervision = importlib.import_module("supervision")
    tracker = supervision.ByteTrack()
    return Adapter(_supervised(supervision), tracker.update_with_detections, _from_supervision)


def _supervised(supervision: Any) -> Callable[[Boxes], Any]:
    def prepare(boxes: Boxes) -> Any:
        classes = np.zeros(len(boxes), int)
        return supervision.Detections(
            xyxy=boxes[:, :4].copy(), confidence=boxes[:, 4].copy(), class_id=classes
        )

    return prepare


def _from_supervision(detections: Any) -> npt.NDArray[np.float64]:
    ids = detections.tracker_id
    if ids is None:
        return np.empty((0, 5))
    rows = np.column_stack([ids, detections.xyxy])
    return rows[rows[:, 0] >= 0]


def _norfair() -> Adapter:
    norfair = importlib.import_module("norfair")
    tracker = norfair.Tracker(distance_function="iou", distance_threshold=0.7)

    def prepare(boxes: Boxes) -> Any:
        return [
            norfair.Detection(points=row[:4].reshape(2, 2).astype(float), scores=row[[4, 4]])
            for row in boxes
        ]

    def tracks(objects: Any) -> npt.NDArray[np.float64]:
        rows = [[item.id, *item.estimate.reshape(-1)] for item in objects]
        return np.array(rows, float).reshape(-1, 5)

    return Adapter(prepare, tracker.update, tracks)


def _similari() -> Adapter:
    similari = importlib.import_module("similari")
    # Its default metric (Mahalanobis) is the faster one; tracks that ended are thrown away.
    tracker = similari.Sort(max_idle_epochs=30)

    def prepare(boxes: Boxes) -> Any:
        return [
            (
                similari.BoundingBox.new_with_confidence(
                    x1, y1, x2 - x1, y2 - y1, score
                ).as_xyaah(),
                None,
            )
            for x1, y1, x2, y2, score in boxes.tolist()
        ]

    def step(value: Any) -> Any:
        found = tracker.predict(value)
        tracker.clear_wasted()
        return found

    def tracks(found: Any) -> npt.NDArray[np.float64]:
        boxes = [(item.id, item.predicted_bbox.as_ltwh()) for item in found]
        rows = [[i, b.left, b.top, b.left + b.width, b.top + b.height] for i, b in boxes]
        return np.array(rows, float).reshape(-1, 5)

    return Adapter(prepare, step, tracks)


def _motpy() -> Adapter:
    motpy = importlib.import_module("motpy")
    tracker = motpy.MultiObjectTracker(dt=1 / 30)
    numbers: dict[str, int] = {}

    def prepare(boxes: Boxes) -> Any:
        return [motpy.Detection(box=row[:4], score=float(row[4])) for row in boxes]

    def tracks(found: Any) -> npt.NDArray[np.float64]:
        rows = [[numbers.setdefault(item.id, len(numbers) + 1), *item.box] for item in found]
        return np.array(rows, float).reshape(-1, 5)

    return Adapter(prepare, tracker.step, tracks)


PEERS: dict[str, Peer] = {
    "roboflow SORT": Peer("trackers", "trackers", _roboflow("SORTTracker")),
    "roboflow ByteTrack": Peer("trackers", "trackers", _roboflow("ByteTrackTracker")),
    "roboflow OC-SORT": Peer("trackers", "trackers", _roboflow("OCSORTTracker")),
    "roboflow BoT-SORT": Peer(
        "trackers", "trackers", _roboflow("BoTSORTTracker", enable_cmc=False)
    ),
    "supervision ByteTrack": Peer("supervision", "supervision", _supervision_bytetrack),
    "norfair": Peer("norfair", "norfair", _norfair),
    "similari SORT": Peer("similari-trackers-rs", "similari", _similari),
    "motpy": Peer("motpy", "motpy", _motpy),
}
"""Every peer by the name that the tables show."""


def _serve() -> None:
    contender: InProcess | None = None
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a peer prints must not reach the pipe
    while True:
        try:
            what, value = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: Any = None
        try:
            if what == "make":
                contender = InProcess(value, PEERS[value].make)
                answer = PEERS[value].version
            elif contender is not None:
                answer = contender.run(value[0], keep=value[1])
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    _serve()
