"""Scores on real detections: what the presets are expected to reach on MOT17's second halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sightline.eval.counts import SequenceCounts, combine
from sightline.eval.sequence import evaluate_sequence
from sightline.formats.mot import (
    MotRows,
    read_affines,
    read_mot,
    read_sequence_info,
    rows_to_detections,
)
from sightline.structures import Detections
from sightline.tracker import Tracker


@dataclass(frozen=True)
class Half:
    """The second half of a sequence; frames count from 0, times are seconds."""

    truth: MotRows
    frames: range
    rate: float
    detections: dict[int, Detections]
    affines: dict[int, npt.NDArray[np.float64]]


@pytest.fixture(scope="module")
def halves(shared: Path) -> list[Half]:
    return list(_read_halves(shared / "data" / "mot17"))


def _read_halves(root: Path) -> Iterator[Half]:
    for folder in sorted((root / "train").glob("*-SDP")):
        name = folder.name.removesuffix("-SDP")
        info = read_sequence_info(folder / "seqinfo.ini")
        yield Half(
            read_mot(folder / "gt" / "gt.txt"),
            range(info.length // 2 + 1, info.length),
            info.rate,
            rows_to_detections(read_mot(root / "detections/yolox-x-ablation" / f"{name}.txt")),
            dict(read_affines(root / "camera-motion" / f"{name}.txt")),
        )


def _track(tracker: Tracker, half: Half, frames: Sequence[int]) -> MotRows:
    """Track the given frames only; camera motion of the others is chained."""
    tracker.reset()
    parts = []
    motion = np.eye(3)
    for frame in half.frames:
        motion = np.vstack([half.affines.get(frame, np.eye(2, 3)), [0, 0, 1]]) @ motion
        if frame not in frames:
            continue
        tracks = tracker.update(
            half.detections.get(frame, Detections.empty()),
            time=frame / half.rate,
            camera_motion=motion[:2],
        )
        motion = np.eye(3)
        parts.append(np.column_stack([np.full(len(tracks), frame + 1), tracks.ids, tracks.boxes]))
    rows = np.concatenate(parts)
    ltwh = np.column_stack([rows[:, 2:4] + 1, rows[:, 4:] - rows[:, 2:4]])
    ones = np.ones(len(rows))
    return MotRows(
        rows[:, 0].astype(int), rows[:, 1].astype(int), ltwh, ones, ones.astype(int), ones
    )


def _scores(preset: str, halves: list[Half]) -> dict[str, float | int]:
    tracker = Tracker(preset)
    return combine(
        evaluate_sequence(
            half.truth,
            _track(tracker, half, half.frames),
            frames=(half.frames.start + 1, half.frames.stop),
        )
        for half in halves
    )


def test_default_preset_reaches_its_scores(halves: list[Half]) -> None:
    scores = _scores("sightline", halves)
    assert scores["HOTA"] >= 0.698
    assert scores["MOTA"] >= 0.784
    assert scores["IDF1"] >= 0.825
    assert scores["IDSW"] <= 110


@pytest.mark.parametrize(
    ("preset", "published", "tolerance"),
    [("bytetrack", 0.6780, 0.003), ("ocsort", 0.6645, 0.005), ("botsort", 0.6863, 0.005)],
)
def test_preset_scores_what_the_published_tracker_scores(
    preset: str, published: float, tolerance: float, halves: list[Half]
) -> None:
    assert _scores(preset, halves)["HOTA"] == pytest.approx(published, abs=tolerance)


def test_dropping_half_of_the_frames_costs_at_most_three_points(halves: list[Half]) -> None:
    generator = np.random.default_rng(0)
    tracker = Tracker()
    counts: dict[str, list[SequenceCounts]] = {"all": [], "half": []}
    totals = {}
    for half in halves:
        kept = [frame for frame in half.frames if generator.random() < 0.5]
        for name, frames in (("all", list(half.frames)), ("half", kept)):
            result = _track(tracker, half, frames)
            counts[name].append(evaluate_sequence(_only(half.truth, kept), _only(result, kept)))
    for name, parts in counts.items():
        totals[name] = combine(parts)["HOTA"]
    assert totals["half"] > totals["all"] - 0.03


def _only(rows: MotRows, frames: list[int]) -> MotRows:
    """The rows of some frames, numbered from 1 without gaps."""
    number = {frame + 1: place + 1 for place, frame in enumerate(frames)}
    part = rows[np.isin(rows.frames, list(number))]
    frame_numbers = np.array([number[int(frame)] for frame in part.frames], dtype=np.int64)
    return MotRows(
        frame_numbers, part.ids, part.ltwh, part.confidences, part.classes, part.visibilities
    )
