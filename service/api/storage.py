"""What is kept, since when, for how long, and how much room it takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Literal

import pydantic
from fastapi import APIRouter
from pydantic import Field

from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Admin
from sightline.service.api.schemas.times import Time
from sightline.service.disk import RESERVE_BYTES, folder_bytes
from sightline.service.steady import rfc3339
from sightline.service.store.usage import read_usage

__all__ = ["StorageAnswer", "router"]

router = APIRouter(tags=["service"])


class DatabaseUse(pydantic.BaseModel):
    """The store."""

    kind: Literal["sqlite", "postgresql"] = Field(examples=["sqlite"])
    bytes: int = Field(description="Size of everything in it.", examples=[41_943_040])


class DiskUse(pydantic.BaseModel):
    """The disk of `storage.folder`."""

    bytes: int = Field(description="Its size.", examples=[500_000_000_000])
    free: int = Field(description="What is free of it.", examples=[320_000_000_000])
    reserve: int = Field(
        description="Below so much free space no more files are written.", examples=[RESERVE_BYTES]
    )


class KindUse(pydantic.BaseModel):
    """What is kept of one kind."""

    kind: Literal["events", "tracks", "recordings", "counts", "audit", "jobs", "pictures"]
    rows: int | None = Field(
        description="How many there are; null for pictures, which are files.", examples=[18_210]
    )
    bytes: int | None = Field(
        description="Size of its files; null for what is in the database.", examples=[None]
    )
    oldest: Time | None = Field(description="The first that is kept; null where there is none.")
    days: float = Field(description="Days that it is kept (`storage.retention`).", examples=[90])
    most_bytes: int | None = Field(
        default=None, description="Bytes that its files may have; the oldest go first."
    )


class StorageAnswer(pydantic.BaseModel):
    """What is used."""

    database: DatabaseUse
    disk: DiskUse
    kinds: list[KindUse]


@router.get("/v1/storage", summary="What is kept, and what that takes")
def read_storage(_: Admin, context: CurrentContext) -> StorageAnswer:
    """Rows and bytes of everything that grows, with how long it is kept."""
    database = context.database
    folder = context.jobs.folder
    # One that somebody removed will be made again where it was.
    disk = shutil.disk_usage(next(path for path in folder.parents if path.exists()))
    return StorageAnswer(
        database=DatabaseUse(
            kind="sqlite" if database.is_sqlite else "postgresql", bytes=database.size()
        ),
        disk=DiskUse(bytes=disk.total, free=disk.free, reserve=RESERVE_BYTES),
        kinds=list(_kinds(context)),
    )


def _kinds(context: Context) -> Iterator[KindUse]:
    retention = context.config.storage.retention
    days = {
        "events": retention.events_days,
        "tracks": retention.tracks_days,
        "recordings": retention.tracks_days,
        "counts": retention.counts_days,
        "audit": retention.audit_days,
        "jobs": retention.jobs_days,
    }
    with context.database.reading() as session:
        usages = read_usage(session)
    for usage in usages:
        yield KindUse.model_validate(
            {
                "kind": usage.kind,
                "rows": usage.rows,
                "bytes": folder_bytes(context.jobs.folder) if usage.kind == "jobs" else None,
                "oldest": None if usage.oldest is None else rfc3339(usage.oldest),
                "days": days[usage.kind],
            }
        )
    files = context.event_pictures.files
    oldest = files.oldest()
    yield KindUse(
        kind="pictures",
        rows=None,
        bytes=files.total_bytes,
        oldest=None if oldest is None else rfc3339(oldest),
        days=retention.pictures_days,
        most_bytes=int(retention.pictures_gib * 2**30),
    )
