"""Which job runs: one at a time, each in a process of its own."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from concurrent.futures import Future
from multiprocessing.connection import wait
from pathlib import Path

from sightline.service.config import Config
from sightline.service.disk import private_folder
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.ledger import JobLedger
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.rendering import Product
from sightline.service.jobs.tracking import JobSpec, Progress
from sightline.service.jobs.videos import VideoMaker
from sightline.service.jobs.worker import Done, Failed, work
from sightline.service.processes import Child, start_child
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.jobs import Job, finished_before, get_job

__all__ = ["JobQueue"]

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0
_TIDY_SECONDS = 3600.0
_DAY = 86_400.0


class JobQueue:
    """The jobs of a service; its methods may be called by any thread.

    Args:
        config: The effective configuration.
        database: The store.
        clock: Time.
        checkpoint_seconds: Seconds of work between two checkpoints of a job.
        niceness: How far jobs step back behind the cameras (`nice`).

    Attributes:
        folder: Where every job has a folder.
        niceness: As given.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        clock: SteadyClock,
        *,
        checkpoint_seconds: float = 5.0,
        niceness: int = 10,
    ) -> None:
        self.folder = Path(config.storage.folder).absolute() / "jobs"
        self._config = config
        self._clock = clock
        self._checkpoint_seconds = checkpoint_seconds
        self.niceness = niceness
        self._ledger = JobLedger(database, clock)
        self._videos = VideoMaker()
        self._closing = False
        self._bell = _Bell()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Take up what was left undone, and work from now on.

        Raises:
            OSError: The folder of jobs cannot be made.
            StoreError: The store failed.
        """
        private_folder(self.folder)
        self._bell.open()
        self._remove_strays()
        self._ledger.take_up()
        self._thread.start()

    def close(self) -> None:
        """Stop working at once; the running job goes on from its checkpoint at the next start."""
        self._closing = True
        self._bell.ring()
        if self._thread.ident is not None:
            self._thread.join()
        self._videos.close()
        self._bell.close()

    def folder_of(self, job_id: str) -> JobFolder:
        """Where the files of a job lie."""
        return JobFolder(self.folder / job_id)

    def submit(self, job: Job) -> None:
        """Have a job done whose video lies in its folder.

        Raises:
            StoreError: The store failed.
        """
        self._ledger.add(job)
        self._bell.ring()

    def cancel(self, job_id: str) -> Job:
        """Stop a job for good.

        Raises:
            UnknownError: There is no such job.
            ConflictError: It has ended already.
            StoreError: The store failed.
        """
        job = self._ledger.cancel(job_id)
        self._bell.ring()
        return job

    def delete(self, job_id: str) -> None:
        """Forget a job with its video and its results; a running one is stopped.

        Raises:
            UnknownError: There is no such job.
            StoreError: The store failed.
        """
        self._ledger.delete(job_id)
        self.folder_of(job_id).remove()
        self._bell.ring()  # a running one removes what it has written since

    def product(self, job: Job, product: Product, path: Path) -> Future[Path]:
        """Something of the video of a job that is done, made when first asked for.

        Args:
            job: The job.
            product: What is wanted.
            path: Its file, in the job's folder.

        Returns:
            Its file, once it is made; raises ConflictError where it cannot be.
        """
        return self._videos.make(self._spec(job), product, path)

    def _run(self) -> None:
        tidied: float | None = None
        while not self._closing:
            try:
                if tidied is None or self._clock.now() - tidied >= _TIDY_SECONDS:
                    self._tidy()
                    tidied = self._clock.now()
                job = self._ledger.begin()
                if job is None:
                    self._sleep(_TIDY_SECONDS)
                else:
                    self._do(job)
            except (StoreError, OSError):
                _log.exception("jobs wait: the store or the folder of jobs cannot be used")
                self._sleep(_RETRY_SECONDS)
                with contextlib.suppress(StoreError):
                    self._ledger.take_up()  # what ran when the store failed

    def _do(self, job: Job) -> None:
        child = start_child(work, self._spec(job), name="job")
        try:
            outcome = self._follow(job, child)
        finally:
            child.kill()
        if isinstance(outcome, Done | Failed):
            self._ledger.end(job.id, outcome)
        elif outcome == "died":
            _log.warning("the process of job %s ended with %s", job.id, child.exit_code)
            self._ledger.put_back(job.id, died=True)
        elif outcome == "closing":
            self._ledger.put_back(job.id, died=False)
        else:
            self._drop(job.id)

    def _follow(self, job: Job, child: Child) -> Done | Failed | str:
        """What became of a process: its own word, or `died`, `closing` or `unwanted`."""
        while True:
            ready = wait([child.pipe, self._bell.fileno()])
            if self._closing:
                return "closing"
            progress: Progress | None = None
            if child.pipe in ready:
                try:
                    message: Progress | Done | Failed = child.pipe.recv()
                except (EOFError, OSError):
                    return "died"
                if isinstance(message, Done | Failed):
                    return message
                progress = message
            self._bell.silence()
            try:
                wanted = self._ledger.report(job.id, progress)
            except StoreError as error:  # the job itself goes on without the store
                _log.warning("progress of job %s not stored: %s", job.id, error)
                continue
            if not wanted:
                return "unwanted"

    def _drop(self, job_id: str) -> None:
        """Remove what a job has written that was cancelled or deleted while it ran."""
        with self._ledger.database.reading() as session:
            job = get_job(session, job_id)
        if job is None:
            self.folder_of(job_id).remove()
        else:
            self.folder_of(job_id).forget()

    def _spec(self, job: Job) -> JobSpec:
        return JobSpec(
            self.folder / job.id,
            job.name,
            JobOptions.model_validate(job.options),
            self._config.detector,
            self._config.tracker,
            self._config.security.max_pixels,
            self._checkpoint_seconds,
            self.niceness,
        )

    def _remove_strays(self) -> None:
        """Remove folders that belong to no job: uploads that a crash ended."""
        with self._ledger.database.reading() as session:
            for path in self.folder.iterdir():
                if get_job(session, path.name) is None:
                    JobFolder(path).remove()

    def _tidy(self) -> None:
        """Remove jobs that are too old, some at a time."""
        oldest = self._clock.now() - _DAY * self._config.storage.retention.jobs_days
        with self._ledger.database.reading() as session:
            old = [job.id for job in finished_before(session, oldest)]
        for job_id in old:
            self.delete(job_id)

    def _sleep(self, seconds: float) -> None:
        wait([self._bell.fileno()], seconds)
        self._bell.silence()


class _Bell:
    """Wakes the thread that waits for a process at the same time."""

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None

    def open(self) -> None:
        self._ends = socket.socketpair()
        for end in self._ends:
            end.setblocking(False)

    def close(self) -> None:
        for end in self._ends or ():
            end.close()

    def ring(self) -> None:
        """Ring, if somebody can hear it; from any thread."""
        if self._ends is not None:
            with contextlib.suppress(BlockingIOError):  # it rings already
                self._ends[1].send(b"!")

    def silence(self) -> None:
        assert self._ends is not None
        with contextlib.suppress(BlockingIOError):
            while self._ends[0].recv(4096):
                pass

    def fileno(self) -> int:
        """What `wait` is given."""
        assert self._ends is not None
        return self._ends[0].fileno()
