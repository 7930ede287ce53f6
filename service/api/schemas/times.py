"""Times as the interface writes them."""

from __future__ import annotations

from typing import Annotated

import pydantic

__all__ = ["Time"]

Time = Annotated[
    str,
    pydantic.Field(
        json_schema_extra={"format": "date-time"}, examples=["2026-05-01T12:00:00.040Z"]
    ),
]
"""RFC 3339, UTC, to the millisecond; made by `sightline.service.steady.rfc3339`."""
