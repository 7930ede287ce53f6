"""A job's tracks scored against a ground truth by a process of its own, as `sightline eval` does.

The scores are those of `sightline eval TRUTH TRACKS --protocol P` to the last digit; the report is
its report. Without jinja2 and matplotlib there are scores all the same.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sightline.errors import ConfigError, InputError, SightlineError
from sightline.service.errors import UnavailableError
from sightline.service.jobs.worker import lower_priority
from sightline.service.processes import start_child

__all__ = ["EvaluationSpec", "Scored", "score"]

_SECONDS = 600.0  # on a machine that is busy with cameras
_LARGEST_TEXT = 512 << 20
_RATE = 30.0


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """What is scored against what.

    Args:
        name: What the video is called; sequence and tracker are called so in the report.
        tracks: The tracks, MOT text.
        truth: The ground truth: MOT text, CVAT's XML, or a zip file of a sequence.
        truth_name: What messages call the ground truth.
        protocol: Name of a protocol of the evaluator.
        report: Where the report is written.
        rate: Frames per second of the video, 0 where unknown.
        niceness: How far its process steps back behind the cameras (`nice`).
    """

    name: str
    tracks: Path
    truth: Path
    truth_name: str
    protocol: str
    report: Path
    rate: float = 0.0
    niceness: int = 10


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of one job.

    Args:
        scores: By name, as TrackEval has them; None where there is none.
        intervals: 95 % intervals of some of them, low and high.
        warnings: What is odd about the two files.
        has_report: Whether the report was written.
    """

    scores: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]
    warnings: tuple[str, ...]
    has_report: bool


def score(spec: EvaluationSpec) -> Scored:
    """Score in a process of low priority; blocks.

    Raises:
        InputError: The files cannot be scored; says why and what to do.
        UnavailableError: It took too long, or the process died.
    """
    child = start_child(_work, spec, name="evaluation")
    try:
        if not child.pipe.poll(_SECONDS):
            raise UnavailableError(f"scoring took over {_SECONDS:g} s and was stopped")
        answer: Scored | str = child.pipe.recv()
    except EOFError:
        raise UnavailableError(
            "the process that scores ended without an answer; the ground truth may be too large"
        ) from None
    finally:
        child.kill()
    if isinstance(answer, str):
        raise InputError(answer)
    return answer


def _work(pipe: Connection, spec: EvaluationSpec) -> None:
    """The process: score, write the report, answer."""
    lower_priority(spec.niceness)
    os.environ.setdefault("MPLBACKEND", "svg")
    try:
        pipe.send(_score(spec))
    except (SightlineError, OSError) as error:
        # Paths of this machine mean nothing to who asked.
        text = str(error).replace(str(spec.truth), spec.truth_name)
        pipe.send(text.replace(str(spec.tracks), "the job's tracks"))


def _score(spec: EvaluationSpec) -> Scored:
    from sightline.eval.comparison import comparison_as_json, evaluate_trackers
    from sightline.eval.dataset import TextFile, TrackerResults
    from sightline.eval.protocols import get_protocol

    truth = _truth(spec)
    results = TrackerResults(spec.name, {truth.name: TextFile(spec.tracks)})
    comparison = evaluate_trackers(
        [truth], [results], protocol=get_protocol(spec.protocol),
        parameters={"protocol": spec.protocol, "split": "all"},
    )  # fmt: skip
    found = comparison_as_json(comparison)
    tracker = found["trackers"][spec.name]
    warnings = [
        text.replace(str(spec.truth), spec.truth_name).replace(str(spec.tracks), "the job's tracks")
        for text in found["warnings"]
    ]
    has_report = True
    try:
        from sightline.eval.report import write_report

        write_report(spec.report, comparison)
    except ConfigError as error:
        has_report = False
        warnings.append(str(error))
    return Scored(
        tracker["combined"],
        {name: (low, high) for name, (low, high) in tracker["intervals"].items()},
        tuple(warnings),
        has_report,
    )


def _truth(spec: EvaluationSpec) -> Any:
    """The one sequence of the ground truth, with the video's rate where it has none."""
    from sightline.eval.dataset import TextFile, TruthSequence, find_truth
    from sightline.formats.mot import SequenceInfo, parse_mot

    if spec.truth.suffix != ".zip":
        text = TextFile(spec.truth)
        try:
            rows = [parse_mot(text.read()), parse_mot(spec.tracks.read_bytes())]
        except InputError:
            return TruthSequence(spec.name, text)  # the evaluator's checks name the line
        # What the evaluator would take without it, but for the rate, which figures need.
        length = max(int(one.frames.max(initial=1)) for one in rows)
        rate = spec.rate or _RATE
        return TruthSequence(spec.name, text, SequenceInfo(spec.name, length, rate, 0, 0))
    with zipfile.ZipFile(spec.truth) as archive:
        largest = max((member.file_size for member in archive.infolist()), default=0)
    if largest > _LARGEST_TEXT:
        raise InputError(f"{spec.truth_name}: a file in it has more than {_LARGEST_TEXT} bytes")
    found = find_truth(spec.truth)
    if len(found) > 1:
        named = [one for one in found if one.name == spec.name]
        if not named:
            names = ", ".join(one.name for one in found[:5])
            raise InputError(
                f"{spec.truth_name}: it holds {len(found)} sequences ({names} …) and none is "
                f"called {spec.name}; send the ground truth of this video alone"
            )
        return named[0]
    return found[0]
