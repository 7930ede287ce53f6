"""What re-ID does for tracking on real video: the pipeline on vtest.avi with it and without.

    python benchmarks/reid_tracking.py ../shared --model FILE [--reid NAME|FILE|colour]...
        [--set NAME=VALUE]... [--seeds 3] [--json]

Scored against mot15/PETS09-S2L1, whose frame k is frame k of the clip. Two kinds of gaps:

- natural: an identity has no track for 1 to 5 s in the run without re-ID and is tracked before and
  after; every run is asked about the same gaps;
- made: every identity is hidden by a virtual occluder for 1 to 5 s again and again (its detections
  are taken away, the same ones for all); the mean over `--seeds` placements.

A gap is bridged if the identity has the same track id before and after it: the last one of the
second before, and the most frequent of the 1.5 s after. An identity has the track that a one-to-one
matching of a frame's boxes at IoU .5 gives it.

PETS numbers people anew when they come back into the picture. What re-ID rightly joins there
counts as an error; `actors` is IDF1 with one identity a person (`ACTORS`, told apart by eye).

The detector runs once and its detections are used again, so that all runs see the same. Costs are
CPU time on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from sightline.detector import Detector
from sightline.eval.counts import combine
from sightline.eval.sequence import evaluate_sequence
from sightline.formats.mot import MotRows, read_mot
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.pipeline import Pipeline
from sightline.protocols import Embedder
from sightline.recording.options import tracker_parameters
from sightline.reid import open_embedder
from sightline.reid.choices import appearance_parameters
from sightline.structures import Detections, Frame
from sightline.tracker import Tracker
from sightline.video import open_source

RATE = 10  # frames a second of the clip's own clock
GAP = (1 * RATE, 5 * RATE)
BEFORE, AFTER = 1 * RATE, 3 * RATE // 2
MATCH = 0.5
HIDDEN = 0.3  # IoU with a hidden identity from which a detection is taken away

ACTORS = {1: 19, 2: 13, 3: 11, 4: 12, 5: 9, 6: 10, 8: 14, 15: 14, 18: 14}
"""Ground-truth identity of a person who is back: the identity under which the person left."""

Gap = tuple[int, int, int]  # identity, first frame without it, first frame with it again
Seen = list[Detections]


def main() -> None:
    """Read the arguments, run, print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", required=True, help="detector")
    parser.add_argument("--reid", action="append", default=[], help="embedder; several times")
    parser.add_argument("--tracker", default="sightline")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    _single_threaded()
    clip = options.shared / "data/clips/vtest.avi"
    truth = read_mot(options.shared / "data/mot15/PETS09-S2L1/gt/gt.txt")
    seen, detect_ms = detect(clip, options.model)
    made = [hide(seen, truth, seed) for seed in range(options.seeds)]
    rows = []
    natural: list[Gap] | None = None
    for choice in ["off", *options.reid]:
        runner = Runner(clip, choice, options.tracker, options.settings)
        result = runner.track(seen)
        natural = natural_gaps(truth, result) if natural is None else natural
        row = {"reid": Path(choice).stem, **score(truth, result)}
        row["natural"] = bridged(truth, result, natural)
        row["crops"] = runner.embedder.crops / len(seen) if runner.embedder else 0.0
        row["reid_ms"] = runner.embedder.seconds * 1000 / len(seen) if runner.embedder else 0.0
        row["made"] = [0, 0]
        parts = []
        for detections, gaps in made:
            part = runner.track(detections)
            parts.append(score(truth, part))
            found = bridged(truth, part, gaps)
            row["made"] = [row["made"][0] + found[0], row["made"][1] + found[1]]
        for name in ("HOTA", "MOTA", "IDF1", "actors"):
            row[f"made_{name}"] = float(np.mean([part[name] for part in parts]))
        rows.append(row)
        if not options.json:
            print(_line(row), flush=True)
    if options.json:
        print(json.dumps({"model": options.model, "detect_ms": detect_ms, "runs": rows}, indent=1))
    else:
        print(f"the detector: {detect_ms:.1f} ms a frame")


def detect(clip: Path, model: str) -> tuple[Seen, float]:
    """The clip's detections, and CPU milliseconds a frame."""
    detector = Detector(model, "cpu", confidence=0.1, classes=["person"], threads=1)
    seen, seconds = [], 0.0
    for frame in open_source(str(clip)):
        begin = time.process_time()
        seen += detector.detect([frame])
        seconds += time.process_time() - begin
    return seen, 1000 * seconds / len(seen)


class Recorded:
    """A detector that gives recorded detections."""

    class_names: tuple[str, ...] = ("person",)

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The detections of these frames."""
        return [self.seen[frame.index] for frame in frames]


@dataclass
class Timed:
    """An embedder that counts crops and CPU seconds."""

    inner: Embedder
    crops: int = 0
    seconds: float = 0.0

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """As the inner one."""
        begin = time.process_time()
        vectors = self.inner.embed(frame, boxes)
        self.seconds += time.process_time() - begin
        self.crops += len(boxes)
        return vectors


class Runner:
    """The pipeline with one choice of re-ID."""

    def __init__(self, clip: Path, choice: str, preset: str, settings: Sequence[str]) -> None:
        self.clip = clip
        inner = open_embedder(choice, "cpu", threads=1)
        self.embedder = Timed(inner) if inner is not None else None
        appearance = appearance_parameters(choice, inner)
        self.tracker = Tracker(preset, **{**appearance, **tracker_parameters(settings)})

    def track(self, seen: Seen) -> MotRows:
        """The tracks of one run, as an evaluator reads them."""
        self.tracker.reset()
        source = open_source(str(self.clip))
        parts = [
            np.column_stack([np.full(len(tracks), frame.index + 1), tracks.ids, tracks.boxes])
            for frame, tracks in Pipeline(source, Recorded(seen), self.tracker, self.embedder)
        ]
        rows = np.concatenate(parts)
        ltwh = np.column_stack([rows[:, 2:4] + 1, rows[:, 4:] - rows[:, 2:4]])
        ones = np.ones(len(rows))
        frames, ids = rows[:, :2].astype(np.int64).T
        return MotRows(frames, ids, ltwh, ones, ones.astype(np.int64), ones)


def score(truth: MotRows, result: MotRows) -> dict[str, Any]:
    """Scores in percent, counts as they are."""
    last = int(truth.frames.max())
    counts = combine([evaluate_sequence(truth, result, protocol="mot15", frames=(1, last))])
    people = np.array([ACTORS.get(int(identity), int(identity)) for identity in truth.ids])
    actors = combine(
        [evaluate_sequence(replace(truth, ids=people), result, protocol="mot15", frames=(1, last))]
    )
    scores: dict[str, Any] = {name: 100 * counts[name] for name in ("HOTA", "MOTA", "IDF1")}
    return scores | {
        "IDSW": int(counts["IDSW"]),
        "actors": 100 * actors["IDF1"],
        "ids": len(np.unique(result.ids)),
    }


def hide(seen: Seen, truth: MotRows, seed: int) -> tuple[Seen, list[Gap]]:
    """Detections without those of people behind a virtual occluder, and the gaps that it makes."""
    random = np.random.default_rng(seed)
    gaps: list[Gap] = []
    for identity in np.unique(truth.ids).tolist():
        frames = np.sort(truth.frames[truth.ids == identity]) - 1
        first = int(frames[0]) + int(random.integers(2 * RATE, 6 * RATE))
        while True:
            length = int(random.integers(GAP[0], GAP[1] + 1))
            if first + length + RATE > frames[-1]:
                break
            if np.isin(np.arange(first - RATE // 2, first + length + RATE // 2), frames).all():
                gaps.append((identity, first, first + length))
            first += length + int(random.integers(6 * RATE, 12 * RATE))
    left = list(seen)
    for identity, first, end in gaps:
        for index in range(first, end):
            left[index] = _without(left[index], truth, index, identity)
    return left, gaps


def _without(left: Detections, truth: MotRows, index: int, identity: int) -> Detections:
    """The detections of a frame that are not of an identity."""
    rows = np.flatnonzero(truth.frames == index + 1)
    overlaps = iou_matrix(left.boxes.astype(np.float64), _boxes(truth, rows))
    if not overlaps.size:
        return left
    is_hers = truth.ids[rows[overlaps.argmax(axis=1)]] == identity
    return left[~(is_hers & (overlaps.max(axis=1) >= HIDDEN))]


def matched(truth: MotRows, result: MotRows) -> dict[tuple[int, int], int]:
    """Track id by frame index and identity."""
    found = {}
    for number in np.unique(truth.frames).tolist():
        own = np.flatnonzero(truth.frames == number)
        other = np.flatnonzero(result.frames == number)
        overlaps = iou_matrix(_boxes(truth, own), _boxes(result, other))
        for row, column in zip(*linear_sum_assignment(overlaps, maximize=True), strict=True):
            if overlaps[row, column] >= MATCH:
                found[number - 1, int(truth.ids[own[row]])] = int(result.ids[other[column]])
    return found


def _boxes(rows: MotRows, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    boxes: npt.NDArray[np.float64] = ltwh_to_xyxy(rows.ltwh[chosen])
    return boxes - 1


def natural_gaps(truth: MotRows, result: MotRows) -> list[Gap]:
    """Times of 1 to 5 s for which an identity has no track, between two at which it has one."""
    gaps: list[Gap] = []
    by_identity: dict[int, list[int]] = {}
    for index, identity in sorted(matched(truth, result)):
        by_identity.setdefault(identity, []).append(index)
    for identity, indices in by_identity.items():
        for last, following in pairwise(indices):
            if GAP[0] <= following - last - 1 <= GAP[1]:
                gaps.append((identity, last + 1, following))
    return gaps


def bridged(truth: MotRows, result: MotRows, gaps: Sequence[Gap]) -> list[int]:
    """How many gaps are bridged, and how many have tracks on both sides."""
    found = matched(truth, result)
    kept, asked = 0, 0
    for identity, first, end in gaps:
        before = list(_around(found, identity, range(first - BEFORE, first)))
        after = list(_around(found, identity, range(end, end + AFTER)))
        if before and after:
            asked += 1
            kept += before[-1] == max(set(after), key=after.count)
    return [kept, asked]


def _around(found: dict[tuple[int, int], int], identity: int, indices: range) -> Iterator[int]:
    for index in indices:
        if (index, identity) in found:
            yield found[index, identity]


def _line(row: dict[str, Any]) -> str:
    natural, made = ("/".join(map(str, row[kind])) for kind in ("natural", "made"))
    return (
        f"{row['reid']:32} HOTA {row['HOTA']:.1f} MOTA {row['MOTA']:.1f} IDF1 {row['IDF1']:.1f} "
        f"IDSW {row['IDSW']} ids {row['ids']} actors {row['actors']:.1f} "
        f"natural {natural} | made {made} "
        f"HOTA {row['made_HOTA']:.1f} MOTA {row['made_MOTA']:.1f} IDF1 {row['made_IDF1']:.1f} "
        f"actors {row['made_actors']:.1f} | "
        f"crops {row['crops']:.2f} {row['reid_ms']:.1f} ms a frame"
    )


def _single_threaded() -> None:
    """Start again with NumPy's thread pools off: a pool that spins is no work done."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    if any(os.environ.get(name) != "1" for name in names):
        os.environ.update(dict.fromkeys(names, "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])


if __name__ == "__main__":
    main()
