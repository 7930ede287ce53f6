"""Evaluations of a job beside its tracks: the ground truth, the scores, the report.

evaluations/ID/truth             what was sent, or the job's own corrections
evaluations/ID/evaluation.json   the scores; there once it is done
evaluations/ID/report.html       the evaluator's report, where it could be made
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import InputError
from sightline.service.disk import private_folder, write_file
from sightline.service.errors import ConflictError, TooManyError, UnknownError
from sightline.service.jobs.evaluating import EvaluationSpec, score
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.tables import job_table
from sightline.service.store.identifiers import new_id

__all__ = ["MOST_EVALUATIONS", "Evaluation", "evaluate", "evaluations_of", "find_report", "forget"]

MOST_EVALUATIONS = 50
"""Evaluations that a job may have."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A job's tracks scored once.

    Args:
        id: UUIDv7.
        created_at: UNIX seconds.
        truth: What the ground truth is called; empty for the job's own corrections.
        protocol: Name of the protocol.
        scores: By name, as TrackEval has them; None where there is none.
        intervals: 95 % intervals of some of them, low and high.
        warnings: What is odd about the two files.
        has_report: Whether there is a report.
    """

    id: str
    created_at: float
    truth: str
    protocol: str
    scores: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]
    warnings: tuple[str, ...]
    has_report: bool


def evaluate(
    folder: JobFolder,
    name: str,
    truth: str,
    protocol: str,
    write_truth: Callable[[Path], object],
    *,
    now: float,
    niceness: int = 10,
) -> Evaluation:
    """Score a job's tracks against a ground truth; blocks.

    Args:
        folder: The job's.
        name: What the video is called, without its suffix.
        truth: What the ground truth is called; empty for the job's own corrections.
        protocol: Name of a protocol.
        write_truth: Writes the ground truth into a file.
        now: UNIX seconds.
        niceness: How far its process steps back behind the cameras (`nice`).

    Raises:
        InputError: The two cannot be scored.
        ConflictError: There are too many evaluations.
        TooManyError: Another evaluation is running.
        UnavailableError: It took too long, or its process died.
        FullError: The disk is full.
        OSError: It cannot be written.
    """
    if len(evaluations_of(folder)) >= MOST_EVALUATIONS:
        raise ConflictError(f"a job has {MOST_EVALUATIONS} evaluations at most; delete some")
    if not _one_at_a_time.acquire(blocking=False):
        raise TooManyError("another evaluation is running; try again when it is done", 5.0)
    identifier = new_id()
    place = private_folder(folder.evaluations / identifier)
    path = place / "truth"
    try:
        write_truth(path)
        table = job_table(folder)
        path = path.replace(path.with_suffix(_suffix_of(path)))
        scored = score(
            EvaluationSpec(
                name=name,
                tracks=folder.result("mot.txt"),
                truth=path,
                truth_name=truth or "the corrections",
                protocol=protocol,
                report=place / "report.html",
                rate=table.info.rate,
                niceness=niceness,
            )
        )
        kinds = {table.info.class_name(kind) for kind in set(table.classes.tolist())} - {"person"}
        odd = (_odd_classes(kinds),) if kinds else ()
        values = dataclasses.asdict(scored) | {"warnings": (*odd, *scored.warnings)}
        found = Evaluation(identifier, now, truth, protocol, **values)
        text = json.dumps(dataclasses.asdict(found))
        write_file(place / "evaluation.json", [text.encode()])
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    finally:
        _one_at_a_time.release()
    return found


def evaluations_of(folder: JobFolder) -> list[Evaluation]:
    """The evaluations of a job, the newest first."""
    found = []
    for path in sorted(folder.evaluations.glob("*/evaluation.json"), reverse=True):
        try:
            values = json.loads(path.read_bytes())
            intervals = {name: tuple(ends) for name, ends in values["intervals"].items()}
            warnings = tuple(values["warnings"])
            found.append(Evaluation(**values | {"intervals": intervals, "warnings": warnings}))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"the evaluation {path.parent.name} is damaged: {error}") from None
    return found


def find_report(folder: JobFolder, identifier: str) -> Path:
    """The report of an evaluation.

    Raises:
        UnknownError: There is no such evaluation, or it has none.
    """
    path = folder.evaluations / identifier / "report.html"
    if not path.is_file():
        raise UnknownError(f"there is no report of an evaluation {identifier!r}")
    return path


def forget(folder: JobFolder, identifier: str) -> None:
    """Remove an evaluation.

    Raises:
        UnknownError: There is none of that name.
    """
    place = folder.evaluations / identifier
    if not (place / "evaluation.json").is_file():
        raise UnknownError(f"there is no evaluation {identifier!r} of this job")
    shutil.rmtree(place)


def _suffix_of(path: Path) -> str:
    """What tells the evaluator which kind of file it is; its name from outside may say anything."""
    if zipfile.is_zipfile(path):
        return ".zip"
    with path.open("rb") as file:
        head = file.read(64)
    return ".xml" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else ".txt"


def _odd_classes(kinds: set[str]) -> str:
    return (
        f"the tracks are also of {', '.join(sorted(kinds))}; MOT text has no classes, so they "
        'count as false: have the video tracked with {"classes": ["person"]} to score people'
    )
