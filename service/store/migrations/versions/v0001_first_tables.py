"""The first tables.

Revision ID: 0001
Revises: –
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "alerts",
        Column("id", String(), nullable=False),
        Column("definition", JSON(), nullable=False),
        Column("secrets", JSON(), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("updated_at", Double(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_table(
        "audit",
        Column("id", String(), nullable=False),
        Column("at", Double(), nullable=False),
        Column("key_id", String(), nullable=False),
        Column("key_name", String(), nullable=False),
        Column("address", String(), nullable=False),
        Column("action", String(), nullable=False),
        Column("target", String(), nullable=False),
        Column("detail", JSON(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at_id", "audit", ["at", "id"])
    op.create_table(
        "counts",
        Column("start", BigInteger(), autoincrement=False, nullable=False),
        Column("stream", String(), nullable=False),
        Column("rule", String(), nullable=False),
        Column("kind", String(), nullable=False),
        Column("direction", String(), nullable=False),
        Column("count", BigInteger(), nullable=False),
        PrimaryKeyConstraint("start", "stream", "rule", "kind", "direction", name="pk_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        Column("id", String(), nullable=False),
        Column("alert", String(), nullable=False),
        Column("event", String(), nullable=True),
        Column("kind", String(), nullable=False),
        Column("stream", String(), nullable=False),
        Column("rule", String(), nullable=False),
        Column("state", String(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("next_at", Double(), nullable=True),
        Column("finished_at", Double(), nullable=True),
        Column("error", String(), nullable=True),
        PrimaryKeyConstraint("id", name="pk_deliveries"),
        UniqueConstraint("alert", "event", name="uq_deliveries_alert_event"),
    )
    op.create_index(
        "ix_deliveries_alert_created_at_id", "deliveries", ["alert", "created_at", "id"]
    )
    op.create_index(
        "ix_deliveries_alert_state_next_at_id", "deliveries", ["alert", "state", "next_at", "id"]
    )
    op.create_index("ix_deliveries_finished_at", "deliveries", ["finished_at"])
    op.create_table(
        "erased",
        Column("stream", String(), nullable=False),
        Column("number", BigInteger(), autoincrement=False, nullable=False),
        Column("at", Double(), nullable=False),
        PrimaryKeyConstraint("stream", "number", name="pk_erased"),
    )
    op.create_table(
        "events",
        Column("id", String(), nullable=False),
        Column("stream", String(), nullable=False),
        Column("kind", String(), nullable=False),
        Column("rule", String(), nullable=False),
        Column("time", Double(), nullable=False),
        Column("decided", Double(), nullable=False),
        Column("track", BigInteger(), nullable=True),
        Column("class_name", String(), nullable=True),
        Column("direction", String(), nullable=True),
        Column("x", Double(), nullable=True),
        Column("y", Double(), nullable=True),
        Column("seconds", Double(), nullable=True),
        Column("count", Integer(), nullable=True),
        Column("state", String(), nullable=True),
        Column("error_code", String(), nullable=True),
        PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_kind_time_id", "events", ["kind", "time", "id"])
    op.create_index("ix_events_rule_time_id", "events", ["rule", "time", "id"])
    op.create_index("ix_events_stream_rule_time_id", "events", ["stream", "rule", "time", "id"])
    op.create_index("ix_events_stream_time_id", "events", ["stream", "time", "id"])
    op.create_index("ix_events_stream_track_time_id", "events", ["stream", "track", "time", "id"])
    op.create_index("ix_events_time_id", "events", ["time", "id"])
    op.create_table(
        "exemplars",
        Column("stream", String(), nullable=False),
        Column("number", BigInteger(), autoincrement=False, nullable=False),
        Column("embedder", String(), nullable=False),
        Column("count", Integer(), nullable=False),
        Column("vectors", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("stream", "number", name="pk_exemplars"),
    )
    op.create_index("ix_exemplars_embedder", "exemplars", ["embedder"])
    op.create_table(
        "jobs",
        Column("id", String(), nullable=False),
        Column("name", String(), nullable=False),
        Column("state", String(), nullable=False),
        Column("owner", String(), nullable=False),
        Column("options", JSON(), nullable=False),
        Column("bytes", BigInteger(), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("started_at", Double(), nullable=True),
        Column("finished_at", Double(), nullable=True),
        Column("frames", BigInteger(), nullable=False),
        Column("expected", BigInteger(), nullable=True),
        Column("tracks", BigInteger(), nullable=True),
        Column("attempts", Integer(), nullable=False),
        Column("error_code", String(), nullable=True),
        Column("error", String(), nullable=True),
        Column("warnings", JSON(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_created_at_id", "jobs", ["created_at", "id"])
    op.create_index("ix_jobs_state_created_at_id", "jobs", ["state", "created_at", "id"])
    op.create_table(
        "keys",
        Column("id", String(), nullable=False),
        Column("name", String(), nullable=False),
        Column("role", String(), nullable=False),
        Column("streams", JSON(), nullable=True),
        Column("hash", String(), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("expires_at", Double(), nullable=True),
        Column("used_at", Double(), nullable=True),
        PrimaryKeyConstraint("id", name="pk_keys"),
    )
    op.create_table(
        "overrides",
        Column("stream", String(), nullable=False),
        Column("zones", JSON(), nullable=True),
        Column("lines", JSON(), nullable=True),
        Column("masks", JSON(), nullable=True),
        Column("enabled", Boolean(), nullable=True),
        Column("updated_at", Double(), nullable=False),
        PrimaryKeyConstraint("stream", name="pk_overrides"),
    )
    op.create_table(
        "recordings",
        Column("stream", String(), nullable=False),
        Column("begin", Double(), autoincrement=False, nullable=False),
        Column("end", Double(), nullable=False),
        Column("data", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("stream", "begin", name="pk_recordings"),
    )
    op.create_index("ix_recordings_end", "recordings", ["end"])
    op.create_table(
        "sessions",
        Column("id", String(), nullable=False),
        Column("key_id", String(), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("expires_at", Double(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_key_id", "sessions", ["key_id"])
    op.create_table(
        "states",
        Column("stream", String(), nullable=False),
        Column("last_number", BigInteger(), nullable=False),
        Column("at", Double(), nullable=True),
        Column("data", LargeBinary(), nullable=True),
        PrimaryKeyConstraint("stream", name="pk_states"),
    )
    op.create_table(
        "streams",
        Column("id", String(), nullable=False),
        Column("definition", JSON(), nullable=False),
        Column("password", String(), nullable=True),
        Column("created_at", Double(), nullable=False),
        Column("updated_at", Double(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_streams"),
    )
    op.create_table(
        "tracks",
        Column("stream", String(), nullable=False),
        Column("number", BigInteger(), autoincrement=False, nullable=False),
        Column("class_name", String(), nullable=False),
        Column("started_at", Double(), nullable=False),
        Column("seen_at", Double(), nullable=False),
        Column("ended", Boolean(), nullable=False),
        Column("path", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("stream", "number", name="pk_tracks"),
    )
    op.create_index("ix_tracks_seen_at", "tracks", ["seen_at"])
    op.create_index(
        "ix_tracks_started_at_stream_number", "tracks", ["started_at", "stream", "number"]
    )
    op.create_index(
        "ix_tracks_stream_started_at_number", "tracks", ["stream", "started_at", "number"]
    )
