"""Trackers run over a dataset's cached detections, then scored.

A sequence is tracked from its split's first frame by a fresh tracker, one update a frame at
time = index / rate. What is scored is the MOT text that was written, so that `sightline eval` on
the same files gives the same figures.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.eval.comparison import Comparison, Progress, evaluate_trackers
from sightline.eval.dataset import (
    TextFile,
    TrackerResults,
    TruthSequence,
    find_truth,
    sequence_key,
    split_frames,
)
from sightline.eval.protocols import Protocol
from sightline.formats.mot import (
    format_tracks,
    read_affines,
    read_mot,
    read_sequence_info,
    rows_to_detections,
)
from sightline.protocols import Tracker
from sightline.structures import Detections, Tracks
from sightline.tracker.offline import Timeline, TrackTable, parse_steps, postprocess

__all__ = [
    "BenchSequence",
    "TrackerChoice",
    "find_bench_sequences",
    "run_benchmark",
    "track_rows",
    "track_sequence",
]

_STILL = np.eye(2, 3)

MakeTracker = Callable[["TrackerChoice"], Tracker]


@dataclass(frozen=True, slots=True)
class BenchSequence:
    """Everything that tracking one sequence needs, as paths.

    Args:
        name: Name of the sequence.
        truth: Its ground truth.
        detections: Text of its detections.
        camera_motion: Text of its camera motion, or None.
        first: First frame that is tracked, from 1.
        last: Last frame.
        rate: Frames per second.
    """

    name: str
    truth: TruthSequence
    detections: Path
    camera_motion: Path | None
    first: int
    last: int
    rate: float


@dataclass(frozen=True, slots=True)
class TrackerChoice:
    """A preset, or a YAML file of one, and what is set differently.

    Args:
        preset: Name of a preset or path of a YAML file.
        overrides: Parameters by name.
        offline: Steps of post-processing (`sightline.tracker.offline`), none if empty.
    """

    preset: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    offline: str = ""

    @classmethod
    def parse(cls, text: str) -> TrackerChoice:
        """Read `PRESET`, `FILE.yaml` or either followed by `+` and offline steps.

        Raises:
            ConfigError: A step is unknown.

        Example:
            >>> TrackerChoice.parse("sightline+link,linear").offline
            'link,linear'
        """
        preset, _, offline = text.partition("+")
        parse_steps(offline)
        return cls(preset, offline=offline)

    @property
    def name(self) -> str:
        """What its folder is called."""
        is_file = self.preset.endswith((".yaml", ".yml"))
        preset = Path(self.preset).stem if is_file else self.preset
        return f"{preset}+{self.offline}" if self.offline else preset


def find_bench_sequences(
    dataset: Path,
    *,
    detections: Path | None = None,
    camera_motion: Path | None = None,
    split: str = "all",
) -> list[BenchSequence]:
    """The sequences of a dataset that have detections, by name.

    Args:
        dataset: Folder of SEQ/ with gt/gt.txt and seqinfo.ini.
        detections: Folder of SEQ.txt; each video is then taken once, whatever detectors its
            folders name. None takes each sequence's own det/det.txt.
        camera_motion: Folder of SEQ.txt; a sequence without one is tracked without.
        split: Name of the split.

    Raises:
        InputError: There is no sequence, or one has no seqinfo.ini or no detections.
    """
    truths = find_truth(dataset)
    if detections is None:
        chosen = list(_own_detections(dataset, truths))
    else:
        videos: dict[str, TruthSequence] = {}
        for truth in truths:
            videos.setdefault(sequence_key(truth.name), truth)
        chosen = []
        for key, truth in videos.items():
            text = _by_name(detections, truth.name)
            if text is None:
                raise InputError(f"{detections}: no detections {key}.txt for {truth.name}")
            chosen.append((text.stem, truth, text))
    if not chosen:
        raise InputError(f"{dataset}: no sequence with detections; give --detections DIR")
    found = []
    for name, truth, text in chosen:
        if truth.info is None or truth.info.length < 1 or truth.info.rate <= 0:
            raise InputError(
                f"{truth.truth}: needs a seqinfo.ini with seqLength and frameRate two folders up"
            )
        first, last = split_frames(split, truth.info.length)
        motion = None if camera_motion is None else _by_name(camera_motion, name)
        found.append(BenchSequence(name, truth, text, motion, first, last, truth.info.rate))
    return sorted(found, key=lambda sequence: sequence.name)


def track_sequence(tracker: Tracker, sequence: BenchSequence, offline: str = "") -> str:
    """Track one sequence.

    Args:
        tracker: A fresh tracker.
        sequence: What is tracked.
        offline: Steps of post-processing, none if empty.

    Returns:
        The MOT text.
    """
    return track_rows(
        tracker,
        rows_to_detections(read_mot(sequence.detections)),
        {} if sequence.camera_motion is None else read_affines(sequence.camera_motion),
        (sequence.first, sequence.last),
        sequence.rate,
        offline,
    )


def track_rows(
    tracker: Tracker,
    detections: Mapping[int, Detections],
    motions: Mapping[int, npt.NDArray[np.float64]],
    frames: tuple[int, int],
    rate: float,
    offline: str = "",
) -> str:
    """Track what is in memory.

    Args:
        tracker: A fresh tracker.
        detections: By frame index from 0.
        motions: By frame index from 0, (2, 3) from the previous frame to this one.
        frames: First and last frame, from 1.
        rate: Frames per second.
        offline: Steps of post-processing, none if empty.

    Returns:
        The MOT text.
    """
    first = frames[0] - 1
    indices = range(first, frames[1])
    results: Iterable[tuple[int, Tracks]] = [
        (
            index,
            tracker.update(
                detections.get(index, Detections.empty()),
                time=index / rate,
                # The first frame has no predecessor that the tracker has seen.
                camera_motion=motions.get(index) if index > first else None,
            ),
        )
        for index in indices
    ]
    if offline:
        affines = [motions.get(index, _STILL) for index in indices]
        timeline = Timeline(indices, [index / rate for index in indices], affines)
        table = postprocess(TrackTable.collect(results), offline, timeline)
        results = table.results(timeline)
    return "".join(format_tracks(index, tracks) for index, tracks in results)


def run_benchmark(
    sequences: Sequence[BenchSequence],
    trackers: Sequence[TrackerChoice],
    out: Path,
    *,
    protocol: str | Protocol = "mot17",
    split: str = "all",
    jobs: int = 1,
    progress: Progress | None = None,
    make_tracker: MakeTracker | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Comparison:
    """Track every sequence with every tracker into OUT/TRACKER/SEQ.txt and score the texts.

    Args:
        sequences: What is tracked.
        trackers: By what.
        out: Folder of the outputs.
        protocol: What is scored.
        split: Name of the split, as given to `find_bench_sequences`.
        jobs: Processes; the outputs do not depend on it.
        progress: Called with `TRACKER SEQ` when one is tracked.
        make_tracker: Makes a fresh tracker of a choice; the presets' engine if None. With
            several jobs it must be a function that can be pickled.
        parameters: What was asked for, for the manifest.
    """
    make = make_tracker or make_preset
    for choice in trackers:
        (out / choice.name).mkdir(parents=True, exist_ok=True)
    tasks = [
        (make, choice, sequence, out / choice.name / f"{sequence.name}.txt")
        for choice in trackers
        for sequence in sorted(sequences, key=lambda item: item.first - item.last)
    ]

    def done(choice: TrackerChoice, sequence: BenchSequence) -> None:
        if progress is not None:
            progress(f"{choice.name} {sequence.name}")

    if jobs == 1:
        for task in tasks:
            _track_to_file(*task)
            done(task[1], task[2])
    else:
        # A fork would copy threads' locks; the children start afresh.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
            running = {pool.submit(_track_to_file, *task): task for task in tasks}
            for future in as_completed(running):
                future.result()
                done(running[future][1], running[future][2])
    results = [
        TrackerResults(
            choice.name,
            {s.name: TextFile(out / choice.name / f"{s.name}.txt") for s in sequences},
        )
        for choice in trackers
    ]
    truths = {s.name: TruthSequence(s.name, s.truth.truth, s.truth.info) for s in sequences}
    return evaluate_trackers(
        list(truths.values()), results,
        protocol=protocol, split=split, jobs=jobs, parameters=parameters or {},
    )  # fmt: skip


def make_preset(choice: TrackerChoice) -> Tracker:
    """A fresh tracker of a preset."""
    import sightline.tracker

    return sightline.tracker.Tracker(choice.preset, **choice.overrides)


def _track_to_file(
    make: MakeTracker, choice: TrackerChoice, sequence: BenchSequence, path: Path
) -> None:
    path.write_text(track_sequence(make(choice), sequence, choice.offline), encoding="ascii")


def _own_detections(
    dataset: Path, truths: Sequence[TruthSequence]
) -> Iterator[tuple[str, TruthSequence, Path]]:
    """Folders with det/det.txt; one without ground truth shares that of the same video."""
    by_name = {truth.name: truth for truth in truths}
    by_key: dict[str, TruthSequence] = {}
    for truth in truths:
        by_key.setdefault(sequence_key(truth.name), truth)
    folders = [dataset] if (dataset / "det" / "det.txt").is_file() else sorted(dataset.iterdir())
    for folder in folders:
        text = folder / "det" / "det.txt"
        truth_of = by_name.get(folder.name) or by_key.get(sequence_key(folder.name))
        if not text.is_file() or truth_of is None:
            continue
        if truth_of.info is None and (folder / "seqinfo.ini").is_file():
            info = read_sequence_info(folder / "seqinfo.ini")
            truth_of = TruthSequence(truth_of.name, truth_of.truth, info)
        yield folder.name, truth_of, text


def _by_name(folder: Path, name: str) -> Path | None:
    for stem in (name, sequence_key(name)):
        if (folder / f"{stem}.txt").is_file():
            return folder / f"{stem}.txt"
    return None
