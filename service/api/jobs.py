"""Jobs: a recorded video in, tracks out."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal

import pydantic
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from sightline.errors import InputError
from sightline.service.api.audit import note
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Operator, Viewer
from sightline.service.api.finding_jobs import JobId, find_job, finished_job, job_product
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.jobs import JobAnswer, UrlRequest, upload_body
from sightline.service.jobs.receiving import Body, Fetched, parse_options, receive
from sightline.service.settings import describe_problem
from sightline.service.store.identifiers import new_id
from sightline.service.store.jobs import Job, JobState, list_jobs

router = APIRouter(tags=["jobs"])

_LARGEST_JSON = 1 << 20
_MEDIA_TYPES = {
    "mot.txt": "text/plain",
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "coco.json": "application/json",
    "cvat.xml": "application/xml",
    "parquet": "application/vnd.apache.parquet",
}
Ending = Literal["mot.txt", "jsonl", "csv", "coco.json", "cvat.xml", "parquet"]


@router.post(
    "/v1/jobs", status_code=202, summary="Have a video tracked", openapi_extra=upload_body()
)
async def create_job(
    request: Request,
    response: Response,
    principal: Operator,
    context: CurrentContext,
    name: Annotated[str, Query(max_length=200, description="What results call the video.")] = "",
    options: Annotated[
        str,
        Query(
            max_length=65_536,
            description="JSON of the options, where the body is the video itself.",
            examples=['{"classes": ["person"]}'],
        ),
    ] = "",
) -> JobAnswer:
    """Send a video as a form or as it is, or the address of one.

    It is refused at once if it is too large, no video, or its frames have too many pixels.
    """
    job_id = new_id()
    security = context.config.security
    received = await receive(
        await _origin(request, context, name, options),
        context.jobs.folder_of(job_id),
        most_bytes=security.max_upload_mib << 20,
        most_pixels=security.max_pixels,
    )
    job = Job(
        id=job_id,
        name=received.name,
        state="QUEUED",
        owner=principal.id,
        options=received.options.model_dump(mode="json"),
        bytes=received.size,
        created_at=context.clock.now(),
    )
    try:
        await run_in_threadpool(context.jobs.submit, job)
    except BaseException:
        context.jobs.folder_of(job_id).remove()
        raise
    note(request, target=job_id, video=received.name)
    response.headers["Location"] = f"/v1/jobs/{job_id}"
    return JobAnswer.of(job)


@router.get("/v1/jobs", summary="List jobs")
def get_jobs(
    principal: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    state: Annotated[JobState | None, Query(description="In this state; all if left out.")] = None,
) -> Listing[JobAnswer]:
    """Jobs, the newest first; a key that is limited to streams sees its own."""
    owner = None if principal.streams is None else principal.id
    with context.database.reading() as session:
        page = list_jobs(
            session, owner=owner, state=state, cursor=paging.cursor, limit=paging.limit
        )
    items = [JobAnswer.of(job) for job in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


@router.get("/v1/jobs/{job_id}", summary="One job")
def read_job(job_id: JobId, principal: Viewer, context: CurrentContext) -> JobAnswer:
    """How far a job is, and where its results are."""
    return JobAnswer.of(find_job(job_id, principal, context))


@router.post("/v1/jobs/{job_id}/cancel", summary="Stop a job")
def cancel_job(job_id: JobId, principal: Operator, context: CurrentContext) -> JobAnswer:
    """Stop a job that waits or runs, for good; its video is kept until it is deleted."""
    find_job(job_id, principal, context)
    return JobAnswer.of(context.jobs.cancel(job_id))


@router.delete("/v1/jobs/{job_id}", status_code=204, summary="Delete a job")
def remove_job(job_id: JobId, principal: Operator, context: CurrentContext) -> None:
    """Forget a job with its video and results; one that runs is stopped."""
    find_job(job_id, principal, context)
    context.jobs.delete(job_id)


@router.get(
    "/v1/jobs/{job_id}/tracks.{ending}",
    summary="Tracks of a job",
    response_class=FileResponse,
    responses={200: {"content": {kind: {} for kind in _MEDIA_TYPES.values()}}},
)
def read_job_tracks(
    job_id: JobId, ending: Ending, principal: Viewer, context: CurrentContext
) -> FileResponse:
    """The tracks as MOTChallenge text, JSON lines, CSV, COCO, CVAT or Parquet (docs/formats.md)."""
    job = finished_job(job_id, principal, context)
    path = context.jobs.folder_of(job_id).result(ending)
    return FileResponse(
        path, media_type=_MEDIA_TYPES[ending], filename=f"{PurePath(job.name).stem}.{ending}"
    )


@router.get(
    "/v1/jobs/{job_id}/video.mp4",
    summary="Annotated video of a job",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}},
)
async def read_job_video(job_id: JobId, principal: Viewer, context: CurrentContext) -> FileResponse:
    """The video with the tracks drawn, people blurred if the job was told so.

    Made when first asked for, which takes about as long as tracking it; answers byte ranges.
    """
    job = await run_in_threadpool(finished_job, job_id, principal, context)
    path = await job_product(context, job, "annotated", context.jobs.folder_of(job_id).video)
    return FileResponse(path, media_type="video/mp4", filename=f"{PurePath(job.name).stem}.mp4")


async def _origin(request: Request, context: Context, name: str, options: str) -> Body | Fetched:
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        length = request.headers.get("content-length")
        given = parse_options(options)
        return Body(request.stream(), content_type, length, name, given)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_JSON:
            raise InputError("the JSON of a job has less than a MiB")
    try:
        asked = UrlRequest.model_validate_json(bytes(body))
    except pydantic.ValidationError as error:
        raise InputError(f"body: {describe_problem(error, UrlRequest)}") from None
    guard = await run_in_threadpool(context.access.check_source, asked.url)
    return Fetched(asked.url, guard.proxy, asked.name or name, asked.options)
