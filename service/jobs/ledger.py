"""How every job stands, in the store: the changes of state, each a transaction.

    QUEUED -> RUNNING -> DONE | FAILED      and both -> CANCELLED

A job whose process died, or whose service did, is QUEUED again and goes on from its checkpoint. One
that dies three times without getting further is FAILED.
"""

from __future__ import annotations

import threading

from sqlalchemy.orm import Session

from sightline.service.errors import ConflictError, UnknownError
from sightline.service.jobs.tracking import Progress
from sightline.service.jobs.worker import Done, Failed
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.jobs import (
    Job,
    add_job,
    delete_job,
    get_job,
    next_job,
    running_jobs,
    update_job,
)

__all__ = ["JobLedger", "unknown_job"]

_ATTEMPTS = 3


class JobLedger:
    """The states of jobs; its methods may be called by any thread.

    Args:
        database: The store.
        clock: Time.
    """

    def __init__(self, database: Database, clock: SteadyClock) -> None:
        self.database = database
        self.clock = clock
        self._lock = threading.Lock()  # what is read and then changed is not changed in between

    def add(self, job: Job) -> None:
        """Store a new job.

        Raises:
            StoreError: The store failed; as for all that follow.
        """
        with self.database.session() as session:
            add_job(session, job)

    def take_up(self) -> None:
        """Have jobs that ran when the service ended wait again."""
        with self._lock, self.database.session() as session:
            for job in running_jobs(session):
                update_job(session, job.id, state="QUEUED")

    def begin(self) -> Job | None:
        """Take the job that has been waiting longest; None where none waits."""
        with self._lock, self.database.session() as session:
            while (job := next_job(session)) is not None:
                if job.attempts < _ATTEMPTS:
                    started = job.started_at or self.clock.now()
                    attempts = job.attempts + 1
                    update_job(
                        session, job.id, state="RUNNING", attempts=attempts, started_at=started
                    )
                    return get_job(session, job.id)
                self._fail(session, job, _died(job))
            return None

    def report(self, job_id: str, progress: Progress | None) -> bool:
        """Note how far a running job is, if that is news; False if it is not wanted any more."""
        with self._lock, self.database.session() as session:
            job = get_job(session, job_id)
            if job is None or job.state != "RUNNING":
                return False
            if progress is not None and progress.frames > job.frames:
                # It got further than ever: earlier deaths no longer count.
                update_job(session, job_id, attempts=1, **_fields(progress))
            return True

    def end(self, job_id: str, outcome: Done | Failed) -> None:
        """Note how a job ended, unless it is not wanted any more."""
        with self._lock, self.database.session() as session:
            job = get_job(session, job_id)
            if job is None or job.state != "RUNNING":
                return
            if isinstance(outcome, Failed):
                self._fail(session, job, outcome)
                return
            now = self.clock.now()
            fields = _fields(outcome.progress)
            update_job(session, job_id, state="DONE", finished_at=now, **fields)

    def put_back(self, job_id: str, *, died: bool) -> None:
        """Have a job wait again whose process has ended before it.

        Args:
            job_id: The job.
            died: Whether it ended by itself, which counts, or because the service ended it.
        """
        with self._lock, self.database.session() as session:
            job = get_job(session, job_id)
            if job is None or job.state != "RUNNING":
                return
            attempts = job.attempts if died else job.attempts - 1
            update_job(session, job_id, state="QUEUED", attempts=attempts)

    def cancel(self, job_id: str) -> Job:
        """Stop a job for good.

        Raises:
            UnknownError: There is no such job.
            ConflictError: It has ended already.
        """
        with self._lock, self.database.session() as session:
            job = get_job(session, job_id)
            if job is None:
                raise unknown_job(job_id)
            if job.state not in ("QUEUED", "RUNNING"):
                raise ConflictError(f"the job is {job.state}; only one that waits or runs can stop")
            update_job(session, job_id, state="CANCELLED", finished_at=self.clock.now())
            cancelled = get_job(session, job_id)
            assert cancelled is not None
            return cancelled

    def delete(self, job_id: str) -> None:
        """Forget a job.

        Raises:
            UnknownError: There is no such job.
        """
        with self._lock, self.database.session() as session:
            if not delete_job(session, job_id):
                raise unknown_job(job_id)

    def _fail(self, session: Session, job: Job, failure: Failed) -> None:
        update_job(
            session,
            job.id,
            state="FAILED",
            finished_at=self.clock.now(),
            error_code=failure.code,
            error=failure.message,
        )


def unknown_job(job_id: str) -> UnknownError:
    """The one answer about a job that is not there, and about one of somebody else."""
    return UnknownError(f"there is no job {job_id!r}; GET /v1/jobs lists those there are")


def _fields(progress: Progress) -> dict[str, object]:
    return {
        "frames": progress.frames,
        "expected": progress.expected,
        "tracks": progress.tracks,
        "warnings": progress.warnings,
    }


def _died(job: Job) -> Failed:
    return Failed(
        "job_died",
        f"its process died {job.attempts} times near frame {job.frames}; the video may be damaged "
        "in a way that breaks its decoder, or the machine lacks memory",
    )
