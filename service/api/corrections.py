"""A job's result as a page plays and corrects it: tracks, boxes, a plain video, corrections."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from sightline.service.api.audit import note
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Operator, Viewer
from sightline.service.api.finding_jobs import JobId, finished_job, job_product
from sightline.service.api.schemas.corrections import (
    BoxesAnswer,
    CorrectionsAnswer,
    CorrectionsRequest,
    JobTracksAnswer,
)
from sightline.service.errors import ConflictError
from sightline.service.jobs.corrections import correct, read_corrections, save_corrections
from sightline.service.jobs.exports import corrected_file
from sightline.service.jobs.tables import job_table, shown_table

router = APIRouter(tags=["jobs"])

_CorrectedQuery = Annotated[
    bool, Query(description="As people have corrected them, not as they were found.")
]
_MEDIA_TYPES = {"gt.txt": "text/plain", "cvat.xml": "application/xml"}
# What the first bytes of a file say of it; a browser that is told nothing does not play it.
_CONTAINERS = {b"\x1aE\xdf\xa3": "video/webm", b"OggS": "video/ogg", b"RIFF": "video/x-msvideo"}


@router.get("/v1/jobs/{job_id}/tracks", summary="Tracks of a job, one by one")
def list_job_tracks(
    job_id: JobId, principal: Viewer, context: CurrentContext, corrected: _CorrectedQuery = False
) -> JobTracksAnswer:
    """From when to when each track is there, and what the video's frames are."""
    finished_job(job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    return JobTracksAnswer.of(shown_table(folder, corrected=corrected))


@router.get("/v1/jobs/{job_id}/boxes", summary="Boxes of a job, frame by frame")
def list_job_boxes(
    job_id: JobId,
    principal: Viewer,
    context: CurrentContext,
    first: Annotated[int, Query(ge=0, le=2**53, description="First frame, from 0.")] = 0,
    limit: Annotated[int, Query(ge=1, le=3000, description="Most frames.")] = 500,
    corrected: _CorrectedQuery = False,
) -> BoxesAnswer:
    """The frames that were looked at, from one on, each with its boxes."""
    finished_job(job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    return BoxesAnswer.of(shown_table(folder, corrected=corrected), first, limit)


@router.get(
    "/v1/jobs/{job_id}/upload",
    summary="Video of a job as it was sent",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def read_job_upload(job_id: JobId, principal: Viewer, context: CurrentContext) -> FileResponse:
    """The video itself, as it came; answers byte ranges.

    Where people are to be blurred it is not handed out: `plain.mp4` is.
    """
    job = finished_job(job_id, principal, context)
    if job.options.get("blur", "off") != "off":
        raise ConflictError("people are blurred in this job's videos; take plain.mp4 or video.mp4")
    path = context.jobs.folder_of(job_id).input
    return FileResponse(path, media_type=_media_type(path), filename=job.name)


@router.get(
    "/v1/jobs/{job_id}/plain.mp4",
    summary="Video of a job without tracks",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}},
)
async def read_job_plain_video(
    job_id: JobId, principal: Viewer, context: CurrentContext
) -> FileResponse:
    """The frames that were looked at, as every browser plays them, people blurred as in video.mp4.

    Made when first asked for, which takes about as long as reading the video; answers byte ranges.
    """
    job = await run_in_threadpool(finished_job, job_id, principal, context)
    path = await job_product(context, job, "plain", context.jobs.folder_of(job_id).plain)
    return FileResponse(path, media_type="video/mp4", filename=f"{PurePath(job.name).stem}.mp4")


@router.get("/v1/jobs/{job_id}/corrections", summary="Corrections of a job")
def read_job_corrections(
    job_id: JobId, principal: Viewer, context: CurrentContext
) -> CorrectionsAnswer:
    """What people have changed in a job's tracks so far."""
    finished_job(job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    corrections = read_corrections(folder)
    return CorrectionsAnswer.of(corrections, correct(job_table(folder), corrections.edits)[1])


@router.put("/v1/jobs/{job_id}/corrections", summary="Correct a job's tracks")
def replace_job_corrections(
    job_id: JobId,
    body: CorrectionsRequest,
    principal: Operator,
    request: Request,
    context: CurrentContext,
) -> CorrectionsAnswer:
    """Replace the whole list of corrections; the tracks as they were found stay as they are.

    The list is applied before it is kept: an edit that does not fit is refused, and named.
    """
    finished_job(job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    saved, effect = save_corrections(
        folder,
        job_table(folder),
        body.revision,
        body.edits,
        now=context.clock.now(),
        by=principal.name,
    )
    note(request, revision=saved.revision, edits=len(saved.edits))
    return CorrectionsAnswer.of(saved, effect)


@router.get(
    "/v1/jobs/{job_id}/corrected.{ending}",
    summary="Corrected tracks of a job as ground truth",
    response_class=FileResponse,
    responses={200: {"content": {kind: {} for kind in _MEDIA_TYPES.values()}}},
)
def read_corrected_tracks(
    job_id: JobId,
    ending: Literal["gt.txt", "cvat.xml"],
    principal: Viewer,
    context: CurrentContext,
) -> FileResponse:
    """The corrected tracks as MOT ground truth (`sightline eval` reads it) or for CVAT."""
    job = finished_job(job_id, principal, context)
    path = corrected_file(context.jobs.folder_of(job_id), ending)
    return _download(path, job.name, ending, _MEDIA_TYPES[ending])


@router.get(
    "/v1/jobs/{job_id}/sequence.zip",
    summary="Corrected tracks of a job to train on",
    response_class=FileResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
async def read_corrected_sequence(
    job_id: JobId, principal: Viewer, context: CurrentContext
) -> FileResponse:
    """A MOTChallenge sequence with at most 1000 pictures; `sightline train` reads its folder.

    Made when first asked for, which takes about as long as reading the video.
    """
    job = await run_in_threadpool(finished_job, job_id, principal, context)
    folder = context.jobs.folder_of(job_id)
    corrections = await run_in_threadpool(read_corrections, folder)
    path = folder.corrected(corrections.revision, "zip")
    path = await job_product(context, job, "sequence", path)
    return _download(path, job.name, "zip", "application/zip")


def _download(path: Path, name: str, ending: str, media_type: str) -> FileResponse:
    return FileResponse(path, media_type=media_type, filename=f"{PurePath(name).stem}.{ending}")


def _media_type(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return _CONTAINERS.get(head[:4], "application/octet-stream")
