"""Lists in pages: what every list asks for and answers with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import pydantic
from fastapi import Depends, Query

from sightline.errors import InputError

__all__ = ["Listing", "PageQuery", "Paging", "slice_page"]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is wanted.

    Args:
        limit: Most items.
        cursor: `next_cursor` of the page before; None for the first.
    """

    limit: int
    cursor: str | None


def _paging(
    limit: Annotated[int, Query(ge=1, le=500, description="Most items of the answer.")] = 50,
    cursor: Annotated[
        str | None,
        Query(max_length=1000, description="`next_cursor` of the page before."),
    ] = None,
) -> Paging:
    return Paging(limit, cursor)


PageQuery = Annotated[Paging, Depends(_paging)]
"""An argument of a handler that answers with a `Listing`."""


class Listing(pydantic.BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next_cursor: str | None = pydantic.Field(
        default=None,
        description="What `cursor` has to be for the items behind these; null at the end.",
        examples=["WyJlbnRyYW5jZSJd"],
    )


def slice_page(
    items: Sequence[Item], key: Callable[[Item], str], paging: Paging
) -> tuple[list[Item], str | None]:
    """A page of a list that is in memory, by ascending key; items may come and go in between.

    Args:
        items: In any order.
        key: What names an item.
        paging: Which part.

    Returns:
        The items, and the cursor of the next page.

    Raises:
        InputError: The cursor is none of this list.
    """
    after = "" if paging.cursor is None else _read(paging.cursor)
    rest = sorted((item for item in items if key(item) > after), key=key)
    page = rest[: paging.limit]
    following = _write(key(page[-1])) if len(rest) > paging.limit else None
    return page, following


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InputError("the cursor is none of this list; leave it out to begin anew") from None
