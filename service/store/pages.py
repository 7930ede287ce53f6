"""Lists in pages: a cursor says where the next begins, whatever is added or deleted in between."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, tuple_
from sqlalchemy.orm import Session

from sightline.errors import InputError

__all__ = ["LARGEST_PAGE", "Page", "read_page"]

LARGEST_PAGE = 1000
"""Most items of one page."""

_LONGEST_CURSOR = 2000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list.

    Args:
        items: In the order of the list.
        next_cursor: What to ask for the items behind them with; None at the end.
    """

    items: tuple[Item, ...]
    next_cursor: str | None


def read_page(
    session: Session,
    query: Select[Any],
    order: Sequence[ColumnElement[Any]],
    make: Callable[[Row[Any]], Item],
    *,
    cursor: str | None,
    limit: int,
    descending: bool = True,
) -> Page[Item]:
    """One page of a query.

    Args:
        session: A transaction.
        query: Without an order of its own.
        order: Columns of the query that together name a row; text, whole or floating numbers.
        make: An item of a row.
        cursor: `next_cursor` of the page before, None for the first.
        limit: Most items, 1 to `LARGEST_PAGE`.
        descending: Whether the largest comes first.

    Raises:
        InputError: The cursor is none of this list, or the limit is out of bounds.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise InputError(f"a page has 1 to {LARGEST_PAGE} items; got limit={limit}")
    if cursor is not None:
        place = tuple_(*_read_cursor(cursor, [column.type.python_type for column in order]))
        query = query.where(tuple_(*order) < place if descending else tuple_(*order) > place)
    columns = [column.desc() if descending else column.asc() for column in order]
    rows = session.execute(query.order_by(*columns).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = _write_cursor([rows[-1]._mapping[column] for column in order])
    return Page(tuple(make(row) for row in rows), following)


def _write_cursor(values: Sequence[Any]) -> str:
    text = json.dumps(values, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    values = None
    with suppress(ValueError, RecursionError):
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if (
        len(cursor) > _LONGEST_CURSOR
        or not isinstance(values, list)
        or len(values) != len(kinds)
        or not all(map(_fits, values, kinds))
    ):
        raise InputError("the cursor is none of this list; leave it out to begin anew")
    return [kind(value) for value, kind in zip(values, kinds, strict=True)]


def _fits(value: object, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str) and "\0" not in value and value.isprintable()
    if kind is float:
        return isinstance(value, float) and math.isfinite(value)
    return type(value) is int and abs(value) < 2**63
