"""How jobs stand, whatever happens to their processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.service.errors import ConflictError, UnknownError
from sightline.service.jobs.ledger import JobLedger
from sightline.service.jobs.tracking import Progress
from sightline.service.jobs.worker import Done, Failed
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.identifiers import new_id
from sightline.service.store.jobs import Job, get_job


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[JobLedger]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    yield JobLedger(database, SteadyClock.start())
    database.close()


def add(ledger: JobLedger, name: str = "yard.mp4") -> str:
    job = Job(new_id(), name, "QUEUED", "key", {}, 5, ledger.clock.now())
    ledger.add(job)
    return job.id


def stored(ledger: JobLedger, job_id: str) -> Job:
    with ledger.database.reading() as session:
        job = get_job(session, job_id)
    assert job is not None
    return job


def begin(ledger: JobLedger) -> Job:
    job = ledger.begin()
    assert job is not None
    return job


def test_jobs_are_done_in_the_order_in_which_they_came(ledger: JobLedger) -> None:
    ids = [add(ledger) for _ in range(3)]
    assert [begin(ledger).id for _ in ids] == ids
    assert ledger.begin() is None
    assert ledger.report(ids[0], Progress(3, 10, 1, ("cut",)))
    ledger.end(ids[0], Done(Progress(10, 10, 2)))
    ledger.end(ids[1], Failed("stream_corrupt", "damaged"))
    done, failed, running = (stored(ledger, job) for job in ids)
    assert (done.state, done.frames, done.tracks) == ("DONE", 10, 2)
    assert (failed.state, failed.error_code, failed.error) == (
        "FAILED",
        "stream_corrupt",
        "damaged",
    )
    assert running.state == "RUNNING"
    assert done.finished_at is not None


def test_a_job_that_dies_thrice_at_the_same_frame_is_given_up(ledger: JobLedger) -> None:
    job = add(ledger)
    other = add(ledger)
    for frames in (7, 7, 5):
        assert begin(ledger).id == job
        ledger.report(job, Progress(frames, None, 1))
        ledger.put_back(job, died=True)
    assert begin(ledger).id == other
    given_up = stored(ledger, job)
    assert (given_up.state, given_up.error_code) == ("FAILED", "job_died")
    assert "3 times near frame 7" in (given_up.error or "")


def test_a_job_that_dies_and_gets_further_each_time_goes_on(ledger: JobLedger) -> None:
    job = add(ledger)
    for frames in range(1, 9):
        assert begin(ledger).id == job
        ledger.report(job, Progress(frames, None, 1))
        ledger.put_back(job, died=True)
    assert stored(ledger, job).state == "QUEUED"


def test_services_that_end_do_not_count_against_a_job(ledger: JobLedger) -> None:
    job = add(ledger)
    for _ in range(9):
        assert begin(ledger).id == job
        ledger.put_back(job, died=False)
    begin(ledger)
    ledger.take_up()  # as after a crash of the service
    assert stored(ledger, job).state == "QUEUED"


def test_what_was_cancelled_or_deleted_stays_so(ledger: JobLedger) -> None:
    job, gone = add(ledger), add(ledger)
    begin(ledger), begin(ledger)
    assert ledger.cancel(job).state == "CANCELLED"
    ledger.delete(gone)
    for each in (job, gone):
        assert not ledger.report(each, Progress(1, 2, 1))
        ledger.put_back(each, died=True)
        ledger.end(each, Done(Progress(2, 2, 1)))
    assert stored(ledger, job).state == "CANCELLED"
    with pytest.raises(ConflictError, match="is CANCELLED"):
        ledger.cancel(job)
    for refused in (ledger.cancel, ledger.delete):
        with pytest.raises(UnknownError, match="there is no job"):
            refused(gone)
