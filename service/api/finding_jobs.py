"""Which job a request is about, and whether its key may know of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import fastapi

from sightline.service.access.principals import Principal
from sightline.service.api.context import Context
from sightline.service.errors import ConflictError
from sightline.service.jobs.ledger import unknown_job
from sightline.service.jobs.rendering import Product
from sightline.service.store.jobs import Job, get_job

__all__ = ["JobId", "find_job", "finished_job", "job_product"]

JobId = Annotated[
    str, fastapi.Path(pattern=r"^[0-9a-f-]{36}$", description="Identifier of the job.")
]


def find_job(job_id: str, principal: Principal, context: Context) -> Job:
    """A job that the key may know of: all, or its own if it is limited to streams.

    Raises:
        UnknownError: There is none.
    """
    with context.database.reading() as session:
        job = get_job(session, job_id)
    if job is None or (principal.streams is not None and job.owner != principal.id):
        raise unknown_job(job_id)
    return job


def finished_job(job_id: str, principal: Principal, context: Context) -> Job:
    """A job of `find_job` that has results.

    Raises:
        UnknownError: There is none.
        ConflictError: It is not done.
    """
    job = find_job(job_id, principal, context)
    if job.state != "DONE":
        raise ConflictError(f"the job is {job.state}; results are there once it is DONE")
    return job


async def job_product(context: Context, job: Job, product: Product, path: Path) -> Path:
    """Something of a job's video, made when first asked for.

    Raises:
        ConflictError: It cannot be made.
    """
    # Who asks may go; others may be waiting for the same.
    return await asyncio.shield(asyncio.wrap_future(context.jobs.product(job, product, path)))
