"""A job's tracks scored against a ground truth, with the evaluator that `sightline eval` is."""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePath
from typing import Annotated, Literal

import fastapi
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from sightline.errors import InputError
from sightline.service.api.audit import note
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Operator, Viewer
from sightline.service.api.finding_jobs import JobId, finished_job
from sightline.service.api.schemas.evaluations import (
    EvaluationAnswer,
    EvaluationsAnswer,
    truth_body,
)
from sightline.service.disk import write_file
from sightline.service.jobs.evaluations import evaluate, evaluations_of, find_report, forget
from sightline.service.jobs.exports import corrected_file
from sightline.service.jobs.uploads import clean_name

router = APIRouter(tags=["jobs"])

Protocol = Literal["mot15", "mot16", "mot17", "mot20", "dancetrack", "plain"]
EvaluationId = Annotated[
    str, fastapi.Path(pattern=r"^[0-9a-f-]{36}$", description="Identifier of the evaluation.")
]
# The report's own style and figures, nothing else, and no origin: it runs nothing.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
)


@router.post(
    "/v1/jobs/{job_id}/evaluations",
    status_code=201,
    summary="Score a job",
    openapi_extra=truth_body(),
)
async def evaluate_job(
    job_id: JobId,
    request: Request,
    principal: Operator,
    context: CurrentContext,
    protocol: Annotated[
        Protocol, Query(description="What is scored and what is forgiven (docs/evaluation.md).")
    ] = "mot17",
    name: Annotated[
        str, Query(max_length=200, description="What the ground truth is called.")
    ] = "",
) -> EvaluationAnswer:
    """Send a ground truth: HOTA, MOTA, IDF1 of the job's tracks, as `sightline eval` has them.

    Without a body the job's own corrections are the ground truth. One evaluation runs at a time, in
    a process of its own that yields to the cameras, for at most ten minutes.
    """
    job = await run_in_threadpool(finished_job, job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    body = await request.body()
    if not body and name:
        raise InputError(f"{clean_name(name) or 'the ground truth'}: the file is empty")
    truth = (clean_name(name) or "ground truth") if body else ""

    def write_truth(path: Path) -> None:
        write_file(path, [body or corrected_file(folder, "gt.txt").read_bytes()])

    found = await run_in_threadpool(
        partial(
            evaluate,
            folder,
            PurePath(job.name).stem or job.name,
            truth,
            protocol,
            write_truth,
            now=context.clock.now(),
            niceness=context.jobs.niceness,
        )
    )
    note(request, evaluation=found.id, truth=truth or "corrections", protocol=protocol)
    return EvaluationAnswer.of(job_id, found)


@router.get("/v1/jobs/{job_id}/evaluations", summary="Scores of a job")
def list_job_evaluations(
    job_id: JobId, principal: Viewer, context: CurrentContext
) -> EvaluationsAnswer:
    """What a job was scored against so far, the newest first."""
    finished_job(job_id, principal, context)
    found = evaluations_of(context.jobs.folder_of(job_id))
    return EvaluationsAnswer(items=[EvaluationAnswer.of(job_id, one) for one in found])


@router.get(
    "/v1/jobs/{job_id}/evaluations/{evaluation_id}/report.html",
    summary="Report of an evaluation",
    response_class=FileResponse,
    responses={200: {"content": {"text/html": {}}}},
)
def read_evaluation_report(
    job_id: JobId, evaluation_id: EvaluationId, principal: Viewer, context: CurrentContext
) -> FileResponse:
    """The evaluator's report: one page with figures, complete in itself."""
    finished_job(job_id, principal, context)
    path = find_report(context.jobs.folder_of(job_id), evaluation_id)
    headers = {"Content-Security-Policy": _REPORT_POLICY}
    return FileResponse(path, media_type="text/html", headers=headers)


@router.delete(
    "/v1/jobs/{job_id}/evaluations/{evaluation_id}", status_code=204, summary="Forget scores"
)
def remove_job_evaluation(
    job_id: JobId, evaluation_id: EvaluationId, principal: Operator, context: CurrentContext
) -> None:
    """Remove an evaluation with its ground truth and its report."""
    finished_job(job_id, principal, context)
    forget(context.jobs.folder_of(job_id), evaluation_id)
