"""Identities across cameras: which track goes on as which, and whose number both have.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, PrimaryKeyConstraint, String

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "identities",
        Column("stream", String(), nullable=False),
        Column("number", BigInteger(), autoincrement=False, nullable=False),
        Column("identity", BigInteger(), nullable=False),
        Column("joined_at", Double(), nullable=False),
        Column("previous_stream", String(), nullable=True),
        Column("previous_number", BigInteger(), nullable=True),
        Column("passage", String(), nullable=True),
        Column("seconds", Double(), nullable=True),
        Column("evidence", Double(), nullable=True),
        PrimaryKeyConstraint("stream", "number", name="pk_identities"),
    )
    op.create_index("ix_identities_identity", "identities", ["identity"])
    op.create_index("ix_identities_joined_at", "identities", ["joined_at"])
    op.create_table(
        "numbers",
        Column("name", String(), nullable=False),
        Column("last", BigInteger(), nullable=False),
        PrimaryKeyConstraint("name", name="pk_numbers"),
    )
