"""Evaluations of jobs as the interface shows them."""

from __future__ import annotations

from typing import Any

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.jobs.evaluations import Evaluation
from sightline.service.steady import rfc3339

__all__ = ["EvaluationAnswer", "EvaluationsAnswer", "truth_body"]

_EXAMPLE = "0198c5a1-7c1e-7a51-9d0e-5f3f0a6d2b11"


class EvaluationAnswer(pydantic.BaseModel):
    """A job's tracks scored against a ground truth."""

    id: str = Field(examples=[_EXAMPLE])
    created_at: Time
    truth: str | None = Field(
        description="What the ground truth is called; null for the job's own corrections.",
        examples=["gt.txt"],
    )
    protocol: str = Field(examples=["mot17"])
    scores: dict[str, float | None] = Field(
        description="By TrackEval's names: shares in 0…1, and counts; null where there is none.",
        examples=[{"HOTA": 0.521, "MOTA": 0.702, "IDF1": 0.664, "IDSW": 12}],
    )
    intervals: dict[str, tuple[float, float]] = Field(
        description="95 % intervals of some of them.", examples=[{"HOTA": [0.497, 0.544]}]
    )
    warnings: list[str] = Field(description="What is odd about the two.")
    report: str | None = Field(
        description="Address of the report; null where jinja2 or matplotlib is missing.",
        examples=[f"/v1/jobs/{_EXAMPLE}/evaluations/{_EXAMPLE}/report.html"],
    )

    @classmethod
    def of(cls, job_id: str, evaluation: Evaluation) -> EvaluationAnswer:
        """An evaluation as it is shown."""
        where = f"/v1/jobs/{job_id}/evaluations/{evaluation.id}/report.html"
        return cls(
            id=evaluation.id,
            created_at=rfc3339(evaluation.created_at),
            truth=evaluation.truth or None,
            protocol=evaluation.protocol,
            scores=dict(evaluation.scores),
            intervals=dict(evaluation.intervals),
            warnings=list(evaluation.warnings),
            report=where if evaluation.has_report else None,
        )


class EvaluationsAnswer(pydantic.BaseModel):
    """The evaluations of a job, the newest first; there are 50 at most."""

    items: list[EvaluationAnswer]


def truth_body() -> dict[str, Any]:
    """The OpenAPI of the body of an evaluation: a file, or nothing."""
    binary = {
        "type": "string",
        "format": "binary",
        "description": "MOT text, CVAT for video 1.1, or a zip file of a MOTChallenge sequence.",
    }
    return {
        "requestBody": {
            "required": False,
            "content": {"application/octet-stream": {"schema": binary}},
        }
    }
