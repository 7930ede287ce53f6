"""Search over a preset's parameters on cached detections, with a held-out part.

The search sees only the training part (first halves, or some sequences). What it found is scored
once on the part that was held out, beside the preset it started from, so that a gain that does
not carry over is shown as such.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import yaml

from sightline.errors import ConfigError
from sightline.eval.benchmark import (
    BenchSequence,
    MakeTracker,
    TrackerChoice,
    make_preset,
    track_rows,
)
from sightline.eval.counts import plain_scores, scores_from_counts
from sightline.eval.dataset import sequence_key, split_frames
from sightline.eval.search_space import Range, inside, suggest, typed
from sightline.eval.sequence import evaluate_sequence
from sightline.formats.mot import MotRows, parse_mot, read_affines, read_mot, rows_to_detections
from sightline.structures import Detections

if TYPE_CHECKING:
    import optuna

__all__ = ["Budget", "Objective", "TuningResult", "format_preset", "split_parts", "tune"]

Scores = dict[str, float | int]
Report = Callable[[int, float, float], None]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is made as large as possible: a weighted mean of HOTA and IDF1.

    Args:
        hota: Weight of HOTA.
        idf1: Weight of IDF1.
        protocol: Name of the evaluation protocol.
    """

    hota: float = 0.5
    idf1: float = 0.5
    protocol: str = "mot17"

    def value(self, scores: Mapping[str, float | int]) -> float:
        """The weighted mean, as a fraction."""
        weighted = self.hota * scores["HOTA"] + self.idf1 * scores["IDF1"]
        return float(weighted / (self.hota + self.idf1))


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: at this many trials in the storage, or after this many minutes.

    Args:
        trials: Trials, those of earlier runs included; None for no limit.
        minutes: Minutes of this run; None for no limit.
    """

    trials: int | None = 50
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What came of a search.

    Args:
        parameters: The tuned preset.
        train: Scores of the preset and the tuned one on the training part.
        held_out: The same on the part that was held out.
        trials: Trials in the storage.
        interrupted: Whether somebody stopped the search.
    """

    parameters: dict[str, Any]
    train: tuple[Scores, Scores]
    held_out: tuple[Scores, Scores]
    trials: int
    interrupted: bool

    def gains(self, objective: Objective) -> tuple[float, float]:
        """Gain of the objective on the training part and on the held-out part."""
        train, held_out = (
            objective.value(after) - objective.value(before)
            for before, after in (self.train, self.held_out)
        )
        return train, held_out

    def verdict(self, objective: Objective) -> str:
        """Whether the gain carries over, in words."""
        train, held_out = self.gains(objective)
        if train <= 0:
            return "no better values were found"
        if held_out <= 0:
            return "the gain does not carry over to the held-out part"
        if held_out < train / 2:
            return "less than half of the gain carries over to the held-out part"
        return "the gain carries over to the held-out part"


def split_parts(
    sequences: Sequence[BenchSequence], held_out: str
) -> tuple[list[BenchSequence], list[BenchSequence]]:
    """Training part and held-out part.

    Args:
        sequences: Whole sequences.
        held_out: `half` keeps the second half of each; else names of sequences, with commas.

    Raises:
        ConfigError: A name is no sequence, or nothing is left to train on.
    """
    if held_out == "half":
        cut = [(split_frames(part, s.last), s) for s in sequences for part in _HALVES]
        parts = [replace(s, first=frames[0], last=frames[1]) for frames, s in cut]
        return parts[::2], parts[1::2]
    names = {sequence_key(name.strip()) for name in held_out.split(",")}
    unknown = names - {sequence_key(sequence.name) for sequence in sequences}
    if unknown:
        known = ", ".join(sequence.name for sequence in sequences)
        raise ConfigError(f"no sequence {', '.join(sorted(unknown))}; there are {known}")
    train = [s for s in sequences if sequence_key(s.name) not in names]
    if not train:
        raise ConfigError("every sequence is held out; leave one to train on")
    return train, [s for s in sequences if sequence_key(s.name) in names]


def tune(
    choice: TrackerChoice,
    values: Mapping[str, Any],
    space: Mapping[str, Range],
    parts: tuple[Sequence[BenchSequence], Sequence[BenchSequence]],
    storage: Path,
    *,
    objective: Objective | None = None,
    budget: Budget | None = None,
    jobs: int = 1,
    report: Report | None = None,
    make_tracker: MakeTracker = make_preset,
) -> TuningResult:
    """Search, then score the best values on the held-out part.

    Args:
        choice: The preset that is tuned.
        values: The preset's own values.
        space: What is searched, and where.
        parts: Training part and held-out part.
        storage: File in which trials are kept; a search that finds one there goes on.
        objective: What is made large.
        budget: When to stop.
        jobs: Processes; the result does not depend on it.
        report: Called with (trial, its value, best value) after each trial.
        make_tracker: Makes a fresh tracker of a choice.

    Raises:
        ConfigError: optuna is not installed.
    """
    goal = objective or Objective()
    limits = budget or Budget()
    train, held_out = parts
    study = _open_study(storage, choice.name, train)
    if not study.trials:
        # The first trial is the preset itself (moved into the ranges), the mark to beat.
        study.enqueue_trial({name: inside(values.get(name), r) for name, r in space.items()})
    interrupted = False
    with _executor(jobs) as pool:
        score = partial(_score, pool, make_tracker, choice.preset, goal.protocol)
        try:
            deadline = None if limits.minutes is None else time.monotonic() + 60 * limits.minutes
            while _within(study, limits.trials, deadline):
                trial = study.ask()
                found = suggest(trial, space)
                value = goal.value(score({**choice.overrides, **found}, train))
                study.tell(trial, value)
                if report is not None:
                    report(trial.number, value, study.best_value)
        except KeyboardInterrupt:
            interrupted = True
        found = typed(study.best_params, space) if _finished(study) else {}
        best = {**choice.overrides, **found}
        before = dict(choice.overrides)
        return TuningResult(
            parameters={**values, **best},
            train=(score(before, train), score(best, train)),
            held_out=(score(before, held_out), score(best, held_out)),
            trials=_finished(study),
            interrupted=interrupted,
        )


def format_preset(name: str, result: TuningResult, objective: Objective) -> str:
    """The tuned preset as YAML, its scores in the comment above."""
    lines = [f"# {name}, tuned in {result.trials} trials; {result.verdict(objective)}."]
    for part, (before, after) in (("train", result.train), ("held-out", result.held_out)):
        figures = ", ".join(
            f"{field} {100 * before[field]:.2f} -> {100 * after[field]:.2f}"
            for field in ("HOTA", "IDF1", "MOTA", "AssA")
        )
        lines.append(f"# {part}: {figures}")
    body: str = yaml.safe_dump(result.parameters, sort_keys=False)
    return "\n".join(lines) + "\n" + body


_HALVES = ("train-half", "val-half")


def _open_study(path: Path, name: str, train: Sequence[BenchSequence]) -> optuna.Study:
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise ConfigError("tuning needs: pip install 'sightline[eval]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(path)))
    part = ",".join(f"{s.name}:{s.first}-{s.last}" for s in train)
    study = optuna.create_study(
        storage=storage, study_name=f"{name} on {part}", direction="maximize", load_if_exists=True
    )
    # A search that goes on must not draw again what it has drawn.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    return study


def _finished(study: optuna.Study) -> int:
    return sum(trial.value is not None for trial in study.trials)


def _within(study: optuna.Study, trials: int | None, deadline: float | None) -> bool:
    if trials is not None and _finished(study) >= trials:
        return False
    return deadline is None or time.monotonic() < deadline


def _score(
    pool: Executor | None,
    make: MakeTracker,
    preset: str,
    protocol: str,
    overrides: Mapping[str, Any],
    sequences: Sequence[BenchSequence],
) -> Scores:
    work = partial(_count, make, TrackerChoice(preset, dict(overrides)), protocol)
    rows = list(map(work, sequences) if pool is None else pool.map(work, sequences))
    return plain_scores(scores_from_counts(np.sum(rows, axis=0)))


def _count(
    make: MakeTracker, choice: TrackerChoice, protocol: str, sequence: BenchSequence
) -> npt.NDArray[np.float64]:
    truth, detections, motions = _inputs(sequence)
    frames = (sequence.first, sequence.last)
    text = track_rows(make(choice), detections, motions, frames, sequence.rate)
    result = parse_mot(text.encode("ascii"))
    return evaluate_sequence(truth, result, protocol=protocol, frames=frames).total


@lru_cache(maxsize=64)
def _inputs(
    sequence: BenchSequence,
) -> tuple[MotRows, Mapping[int, Detections], Mapping[int, npt.NDArray[np.float64]]]:
    """What trials read again and again; kept in memory, a process its own."""
    truth = parse_mot(sequence.truth.truth.read(), str(sequence.truth.truth))
    motions = {} if sequence.camera_motion is None else read_affines(sequence.camera_motion)
    return truth, rows_to_detections(read_mot(sequence.detections)), motions


@contextmanager
def _executor(jobs: int) -> Iterator[Executor | None]:
    if jobs == 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
        yield pool
