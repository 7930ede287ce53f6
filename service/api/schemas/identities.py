"""Identities across cameras as the interface answers them."""

from __future__ import annotations

from collections.abc import Sequence

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.api.schemas.tracks import TrackSummary
from sightline.service.steady import rfc3339
from sightline.service.store.identities import Member

__all__ = ["IdentityAnswer", "JoinedTrack"]


class JoinedTrack(TrackSummary):
    """A track, and what joins it with the one before."""

    previous: str | None = Field(
        description="The track that it goes on from; null for the first, and where that one is "
        "gone or not granted.",
        examples=["lobby:31"],
    )
    passage: str | None = Field(description="Way between both.", examples=["lobby-yard"])
    seconds: float | None = Field(description="Time between both.", examples=[12.4])
    evidence: float | None = Field(
        description="Log odds (natural) that both are of one person: 3 is 20 to 1.", examples=[4.1]
    )


class IdentityAnswer(pydantic.BaseModel):
    """A person or vehicle that several cameras saw, or one camera several times."""

    id: int = Field(description="Number, never used again.", examples=[214])
    class_name: str = Field(examples=["person"])
    started_at: Time = Field(description="When it was first seen.")
    seen_at: Time = Field(description="When it was last seen.")
    streams: list[str] = Field(description="In the order of coming there.", examples=[["lobby"]])
    tracks: list[JoinedTrack] = Field(description="By the time at which they began.")

    @classmethod
    def of(cls, members: Sequence[Member]) -> IdentityAnswer:
        """The answer about the tracks of one identity, at least one, by their beginning."""
        there = {(member.track.stream, member.track.number) for member in members}
        tracks = [member.track for member in members]
        return cls(
            id=members[0].identity,
            class_name=tracks[0].class_name,
            started_at=rfc3339(min(track.started_at for track in tracks)),
            seen_at=rfc3339(max(track.seen_at for track in tracks)),
            streams=list(dict.fromkeys(track.stream for track in tracks)),
            tracks=[_joined(member, known=member.previous in there) for member in members],
        )


def _joined(member: Member, *, known: bool) -> JoinedTrack:
    summary = TrackSummary.of(member.track)
    stream, number = member.previous or ("", 0)
    return JoinedTrack(
        **summary.model_dump(),
        previous=f"{stream}:{number}" if known else None,
        passage=member.passage if known else None,
        seconds=member.seconds if known else None,
        evidence=member.evidence if known else None,
    )
