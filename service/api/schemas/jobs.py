"""Jobs as the interface takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.results import RESULTS
from sightline.service.steady import rfc3339
from sightline.service.store.jobs import Job, JobState

__all__ = ["JobAnswer", "JobFailure", "UrlRequest", "upload_body"]

_EXAMPLE = "0198c5a1-7c1e-7a51-9d0e-5f3f0a6d2b11"


class UrlRequest(pydantic.BaseModel):
    """A video that the service fetches."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=8, max_length=4096, pattern=r"^https?://")] = Field(
        description="http:// or https:// address of a video file; its network has to be allowed.",
        examples=["https://files.example.org/yard.mp4"],
    )
    name: Annotated[str, Field(max_length=200)] = Field(
        default="", description="What results call it; taken from the address if left out."
    )
    options: JobOptions = JobOptions()


class JobFailure(pydantic.BaseModel):
    """Why a job failed."""

    code: str = Field(description="Stable, for programs.", examples=["stream_corrupt"])
    message: str = Field(examples=["yard.mp4: cannot be read: End of file"])


class JobAnswer(pydantic.BaseModel):
    """A job."""

    id: str = Field(examples=[_EXAMPLE])
    name: str = Field(examples=["yard.mp4"])
    state: JobState
    progress: float | None = Field(
        description="Share that is done, 0…1; null where the video does not say how long it is.",
        examples=[0.4],
    )
    frames: int = Field(description="Frames tracked so far.", examples=[318])
    expected_frames: int | None = Field(examples=[795])
    tracks: int | None = Field(description="Tracks found so far.", examples=[12])
    bytes: int = Field(description="Size of the video.", examples=[8131690])
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    options: JobOptions
    error: JobFailure | None
    warnings: list[str] = Field(description="What went wrong without ending it.")
    results: dict[str, str] = Field(
        description="Addresses of the results, once it is DONE.",
        examples=[{"mot.txt": f"/v1/jobs/{_EXAMPLE}/tracks.mot.txt"}],
    )

    @classmethod
    def of(cls, job: Job) -> JobAnswer:
        """A job as it is shown."""
        where = f"/v1/jobs/{job.id}"
        addresses = {ending: f"{where}/tracks.{ending}" for ending in RESULTS}
        failure = (
            None if job.error is None else JobFailure(code=job.error_code or "", message=job.error)
        )
        return cls(
            id=job.id,
            name=job.name,
            state=job.state,
            progress=_progress(job),
            frames=job.frames,
            expected_frames=job.expected,
            tracks=job.tracks,
            bytes=job.bytes,
            created_at=rfc3339(job.created_at),
            started_at=_time(job.started_at),
            finished_at=_time(job.finished_at),
            options=JobOptions.model_validate(job.options),
            error=failure,
            warnings=list(job.warnings),
            results={**addresses, "video.mp4": f"{where}/video.mp4"} if job.state == "DONE" else {},
        )


def upload_body() -> dict[str, Any]:
    """The OpenAPI of the body of `POST /v1/jobs`, which is read while it comes."""
    binary = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {**binary, "description": "The video."},
            "options": {
                "type": "string",
                "description": "JSON of the options.",
                "examples": ['{"classes": ["person"]}'],
            },
        },
    }
    # What it refers to stands in the document because of the answers.
    asked = UrlRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    asked.pop("$defs")
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/octet-stream": {"schema": binary},
                "application/json": {"schema": asked},
            },
        }
    }


def _progress(job: Job) -> float | None:
    if job.state == "DONE":
        return 1.0
    return min(job.frames / job.expected, 1.0) if job.expected else None


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)
