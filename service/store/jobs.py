"""Offline jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sightline.service.store.pages import Page, read_page
from sightline.service.store.tables import jobs

__all__ = [
    "Job",
    "JobState",
    "add_job",
    "count_jobs",
    "delete_job",
    "finished_before",
    "get_job",
    "list_jobs",
    "next_job",
    "running_jobs",
    "update_job",
]

JobState = Literal["QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class Job:
    """One video to be tracked.

    Args:
        id: UUIDv7.
        name: What the video is called.
        state: How far it is.
        owner: Identifier of the key that made it.
        options: What was asked for, as JSON takes it.
        bytes: Size of the video.
        created_at: UNIX seconds.
        started_at: UNIX seconds of its first attempt.
        finished_at: UNIX seconds at which it was done, given up or cancelled.
        frames: Frames that are tracked.
        expected: Frames of the video, None where that is not known.
        tracks: Tracks that were found.
        attempts: How often it was begun or gone on with.
        error_code: Why it failed, for machines.
        error: Why it failed, in a sentence.
        warnings: What people should know of the result.
    """

    id: str
    name: str
    state: JobState
    owner: str
    options: Mapping[str, Any]
    bytes: int
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    frames: int = 0
    expected: int | None = None
    tracks: int | None = None
    attempts: int = 0
    error_code: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()


def add_job(session: Session, job: Job) -> None:
    """Store a new job."""
    values = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}
    values["options"], values["warnings"] = dict(job.options), list(job.warnings)
    session.execute(insert(jobs).values(values))


def get_job(session: Session, job_id: str) -> Job | None:
    """One job, None where there is none of that name."""
    row = session.execute(select(jobs).where(jobs.c.id == job_id)).first()
    return None if row is None else _from_row(row)


def list_jobs(
    session: Session,
    *,
    owner: str | None = None,
    state: JobState | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Job]:
    """Jobs, the newest first; of all owners and states where not said.

    Raises:
        InputError: As `read_page`.
    """
    query = select(jobs)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    if state is not None:
        query = query.where(jobs.c.state == state)
    order = (jobs.c.created_at, jobs.c.id)
    return read_page(session, query, order, _from_row, cursor=cursor, limit=limit)


def next_job(session: Session) -> Job | None:
    """The job that has been waiting longest, None where none waits."""
    query = select(jobs).where(jobs.c.state == "QUEUED")
    row = session.execute(query.order_by(jobs.c.created_at, jobs.c.id).limit(1)).first()
    return None if row is None else _from_row(row)


def running_jobs(session: Session) -> list[Job]:
    """Jobs that run, or ran when the service ended; the oldest first."""
    query = select(jobs).where(jobs.c.state == "RUNNING")
    rows = session.execute(query.order_by(jobs.c.created_at, jobs.c.id))
    return [_from_row(row) for row in rows]


def count_jobs(session: Session) -> dict[JobState, int]:
    """How many jobs are in each state."""
    query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
    return dict.fromkeys(get_args(JobState), 0) | {
        state: int(number) for state, number in session.execute(query)
    }


def finished_before(session: Session, time: float, limit: int = 100) -> list[Job]:
    """Jobs that ended before these UNIX seconds, the oldest first."""
    query = select(jobs).where(jobs.c.finished_at < time).order_by(jobs.c.finished_at).limit(limit)
    return [_from_row(row) for row in session.execute(query)]


def update_job(session: Session, job_id: str, **fields: Any) -> bool:
    """Change some fields of a job; False where there is none of that name."""
    values = dict(fields)
    if "warnings" in values:
        values["warnings"] = list(values["warnings"])
    changed = session.scalars(
        update(jobs).where(jobs.c.id == job_id).values(values).returning(jobs.c.id)
    )
    return changed.first() is not None


def delete_job(session: Session, job_id: str) -> bool:
    """Forget a job; False where there is none of that name."""
    gone = session.scalars(delete(jobs).where(jobs.c.id == job_id).returning(jobs.c.id))
    return gone.first() is not None


def _from_row(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    values["warnings"] = tuple(values["warnings"])
    return Job(**values)
