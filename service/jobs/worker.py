"""The process that does one job: what it tells the service, and its low priority."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from sightline.errors import ConfigError, InputError, ModelError, SightlineError, SourceError
from sightline.service.disk import is_full
from sightline.service.errors import FullError, ServiceError
from sightline.service.jobs.tracking import JobSpec, Progress, track_job

__all__ = ["Done", "Failed", "work"]

_SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done.

    Args:
        progress: What it did.
    """

    progress: Progress


@dataclass(frozen=True, slots=True)
class Failed:
    """The job cannot be done.

    Args:
        code: Stable reason for programs.
        message: What happened and what to do.
    """

    code: str
    message: str


def work(pipe: Connection, spec: JobSpec) -> None:
    """Do a job and report through the pipe: any number of `Progress`, then `Done` or `Failed`."""
    lower_priority(spec.niceness)
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_REPORTS:
            last = now
            pipe.send(progress)

    try:
        pipe.send(Done(track_job(spec, report)))
    except (SightlineError, OSError) as error:
        pipe.send(failure_of(error, spec))


def lower_priority(niceness: int) -> None:
    """Have this process yield to the cameras, and keep what it writes to the service's user."""
    os.umask(0o077)
    os.nice(niceness)


def failure_of(error: SightlineError | OSError, spec: JobSpec) -> Failed:
    """What is told of an error: the job's name in place of paths of this machine."""
    match error:
        case SourceError() | ServiceError():
            code: str = error.code
        case ModelError():
            code = "unavailable"
        case InputError() | ConfigError():
            code = "invalid_request"
        case OSError() if is_full(error):
            code = FullError.usual_code
        case _:
            code = "internal_error"
    text = str(error).replace(str(spec.folder / "input"), spec.name)
    return Failed(code, text.replace(f"{spec.folder}/", ""))
