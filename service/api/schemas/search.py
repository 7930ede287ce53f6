"""Searches as the interface takes and answers them."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.search.search import Answer
from sightline.service.steady import rfc3339

__all__ = ["SearchAnswer", "SearchRequest", "SimilarTrack", "search_body"]


class SearchRequest(pydantic.BaseModel):
    """A search for the person of a track."""

    model_config = pydantic.ConfigDict(extra="forbid")

    track: Annotated[str, Field(min_length=3, max_length=100)] = Field(examples=["entrance:17"])


class SimilarTrack(pydantic.BaseModel):
    """A track and how alike it is."""

    track: str = Field(examples=["yard:4"])
    stream: str = Field(examples=["yard"])
    class_name: str = Field(examples=["person"])
    started_at: Time
    seen_at: Time
    ended: bool
    identity: int | None = Field(
        description="Number across cameras; null where the track was joined with no other."
    )
    score: float = Field(description="Likeness, at most 1.", examples=[0.83])
    likely: bool | None = Field(
        description="Whether the score reaches the threshold; null where there is none."
    )


class SearchAnswer(pydantic.BaseModel):
    """The tracks that are most alike, best first."""

    results: list[SimilarTrack]
    searched: int = Field(description="Tracks that were compared.", examples=[1830])
    complete: bool = Field(description="False where there are more than are compared (100,000).")
    embedder: str = Field(
        description="Network that described the tracks.", examples=["sightline-reid@6e1f0a2b3c4d"]
    )
    threshold: float | None = Field(
        description="Score from which two tracks are likely of one person; null for pictures and "
        "for networks that were not calibrated.",
        examples=[0.61],
    )
    box: tuple[float, float, float, float] | None = Field(
        description="Where the person of the picture is: x1 y1 x2 y2 in 0…1."
    )

    @classmethod
    def of(cls, answer: Answer) -> SearchAnswer:
        """An answer as it is shown."""
        limit = answer.threshold
        return cls(
            results=[
                SimilarTrack(
                    track=one.track.id,
                    stream=one.track.stream,
                    class_name=one.track.class_name,
                    started_at=rfc3339(one.track.started_at),
                    seen_at=rfc3339(one.track.seen_at),
                    ended=one.track.ended,
                    identity=one.track.identity,
                    score=one.score,
                    likely=None if limit is None else one.score >= limit,
                )
                for one in answer.found
            ],
            searched=answer.searched,
            complete=answer.complete,
            embedder=answer.embedder,
            threshold=limit,
            box=answer.box,
        )


def search_body() -> dict[str, Any]:
    """The OpenAPI of the body of `POST /v1/search`: a picture, or a track."""
    picture = {"schema": {"type": "string", "format": "binary"}}
    kinds = ("image/jpeg", "image/png", "image/webp")
    return {
        "requestBody": {
            "required": True,
            "content": {
                **dict.fromkeys(kinds, picture),
                "application/json": {"schema": SearchRequest.model_json_schema()},
            },
        }
    }
