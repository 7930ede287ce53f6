"""The tables, as the newest migration leaves them.

Times are UNIX seconds. A track is named by its stream and its number there. Nothing refers to a
row by a foreign key: rows are deleted in slices, by age, each kind at its own pace.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = [
    "alerts",
    "audit",
    "counts",
    "deliveries",
    "erased",
    "events",
    "exemplars",
    "identities",
    "jobs",
    "keys",
    "metadata",
    "numbers",
    "overrides",
    "recordings",
    "sessions",
    "states",
    "streams",
    "tracks",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

streams = Table(
    "streams",
    metadata,
    Column("id", String, primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("password", String),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)
"""Streams made through the interface; the definition is without the password."""

overrides = Table(
    "overrides",
    metadata,
    Column("stream", String, primary_key=True),
    Column("zones", JSON(none_as_null=True)),
    Column("lines", JSON(none_as_null=True)),
    Column("masks", JSON(none_as_null=True)),
    Column("enabled", Boolean),
    Column("updated_at", Double, nullable=False),
)
"""What the interface changed of streams of the configuration; NULL where it changed nothing."""

states = Table(
    "states",
    metadata,
    Column("stream", String, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
    Column("at", Double),
    Column("data", LargeBinary),
)
"""Where tracking goes on; the row outlives its stream, so that no number is given twice."""

tracks = Table(
    "tracks",
    metadata,
    Column("stream", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("class_name", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Index(None, "started_at", "stream", "number"),
    Index(None, "stream", "started_at", "number"),
    Index(None, "seen_at"),
)
"""Summaries of tracks; the path is float32, five numbers a place."""

exemplars = Table(
    "exemplars",
    metadata,
    Column("stream", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("embedder", String, nullable=False),
    Column("count", Integer, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Index(None, "embedder"),
)
"""Appearance vectors of a track, float16, `count` rows."""

identities = Table(
    "identities",
    metadata,
    Column("stream", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("identity", BigInteger, nullable=False, index=True),
    Column("joined_at", Double, nullable=False, index=True),
    Column("previous_stream", String),
    Column("previous_number", BigInteger),
    Column("passage", String),
    Column("seconds", Double),
    Column("evidence", Double),
)
"""Tracks that were joined with others; the first of an identity goes on from none (NULL)."""

numbers = Table(
    "numbers",
    metadata,
    Column("name", String, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
"""Numbers that are never given twice: the last one of each kind."""

recordings = Table(
    "recordings",
    metadata,
    Column("stream", String, primary_key=True),
    Column("begin", Double, primary_key=True, autoincrement=False),
    Column("end", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(None, "end"),
)
"""Pieces of a stream's tracks, packed; `begin` and `end` are the first and last frame's time."""

erased = Table(
    "erased",
    metadata,
    Column("stream", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
)
"""Tracks that were erased, so that what is still on its way to the store is left out."""

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("stream", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("time", Double, nullable=False),
    Column("decided", Double, nullable=False),
    Column("track", BigInteger),
    Column("class_name", String),
    Column("direction", String),
    Column("x", Double),
    Column("y", Double),
    Column("seconds", Double),
    Column("count", Integer),
    Column("state", String),
    Column("error_code", String),
    Index(None, "time", "id"),
    Index(None, "stream", "time", "id"),
    Index(None, "rule", "time", "id"),
    Index(None, "kind", "time", "id"),
    Index(None, "stream", "rule", "time", "id"),
    Index(None, "stream", "track", "time", "id"),
)

counts = Table(
    "counts",
    metadata,
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("direction", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Events a minute; `start` is a multiple of 60, `direction` empty where there is none."""

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("streams", JSON(none_as_null=True)),
    Column("hash", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("used_at", Double),
)
"""API keys; `streams` is NULL where the key is for all."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("key_id", String, nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)
"""Logins of the page; `id` is a hash of the cookie."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("secrets", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)
"""Alerts made through the interface; secrets apart, so that no listing reads them by chance."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("alert", String, nullable=False),
    Column("event", String),
    Column("kind", String, nullable=False),
    Column("stream", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("next_at", Double),
    Column("finished_at", Double),
    Column("error", String),
    UniqueConstraint("alert", "event"),
    Index(None, "alert", "state", "next_at", "id"),
    Index(None, "alert", "created_at", "id"),
    Index(None, "finished_at"),
)
"""One message to one target; `event` is NULL for a test."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("options", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("frames", BigInteger, nullable=False),
    Column("expected", BigInteger),
    Column("tracks", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("error_code", String),
    Column("error", String),
    Column("warnings", JSON, nullable=False),
    Index(None, "state", "created_at", "id"),
    Index(None, "created_at", "id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("key_id", String, nullable=False),
    Column("key_name", String, nullable=False),
    Column("address", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "at", "id"),
)
"""Who changed what, from where."""
