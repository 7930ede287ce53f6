"""What people say of a job's tracks: two are one, one is two, one is false, one is called N.

Corrections are a list of edits over the tracks as they were found, in `corrections.json` beside
them. The whole list is checked and applied whenever it is saved; every saving counts up a revision,
and who saves names the one that he changed, so that two people never undo each other unseen.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pydantic
from pydantic import Field

from sightline.errors import InputError
from sightline.formats import TrackTable
from sightline.service.disk import write_file
from sightline.service.errors import ConflictError
from sightline.service.jobs.folder import JobFolder

__all__ = [
    "MOST_EDITS",
    "Corrections",
    "Delete",
    "Edit",
    "Effect",
    "Merge",
    "Rename",
    "Split",
    "correct",
    "read_corrections",
    "save_corrections",
]

MOST_EDITS = 10_000
"""Edits that a job may have."""

_LARGEST_ID = 2**53 - 1
TrackId = Annotated[int, Field(ge=1, le=_LARGEST_ID, examples=[7])]


class _Edit(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Merge(_Edit):
    """Two tracks are one person.

    Where both have a box in one frame, that of `id` stays.
    """

    do: Literal["merge"]
    id: TrackId = Field(description="Number that stays.")
    other: TrackId = Field(description="Number that becomes `id`.")


class Split(_Edit):
    """One track is two people, one after another."""

    do: Literal["split"]
    id: TrackId = Field(description="Number of the one before.")
    frame: Annotated[int, Field(ge=1)] = Field(
        description="First frame of the one after, counted from 0.", examples=[120]
    )
    to: TrackId = Field(description="Number of the one after; no track has it.")


class Delete(_Edit):
    """A track is nobody."""

    do: Literal["delete"]
    id: TrackId


class Rename(_Edit):
    """A track gets another number."""

    do: Literal["rename"]
    id: TrackId
    to: TrackId = Field(description="The new number; no track has it.")


Edit = Annotated[Merge | Split | Delete | Rename, Field(discriminator="do")]


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections of a job as they stand.

    Args:
        revision: How often they were saved; 0 before the first.
        edits: What is changed, in order.
        saved_at: UNIX seconds, None before the first.
        saved_by: Name of the key that saved them last.
    """

    revision: int = 0
    edits: tuple[Edit, ...] = ()
    saved_at: float | None = None
    saved_by: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What edits make of a table.

    Args:
        tracks: Tracks that are left.
        boxes: Boxes that are left.
        dropped: Boxes of merged tracks that stood in one frame with a box of the other.
    """

    tracks: int
    boxes: int
    dropped: int


_EDITS: pydantic.TypeAdapter[tuple[Edit, ...]] = pydantic.TypeAdapter(tuple[Edit, ...])
_saving = threading.Lock()


def correct(table: TrackTable, edits: Sequence[Edit]) -> tuple[TrackTable, Effect]:
    """The table with edits applied one after another.

    Raises:
        InputError: An edit names a track that is not there (any more), or a number that is taken;
            it is named by its place, from 0.
    """
    rows = _Rows(table)
    for place, edit in enumerate(edits):
        try:
            match edit:
                case Merge():
                    rows.merge(edit)
                case Split():
                    rows.split(edit)
                case Delete():
                    rows.delete(edit)
                case Rename():
                    rows.rename(edit)
        except InputError as error:
            raise InputError(f"edits.{place}: {error}") from None
    kept = rows.kept
    corrected = dataclasses.replace(
        table,
        frames=table.frames[kept],
        ids=rows.ids[kept],
        boxes=table.boxes[kept],
        scores=table.scores[kept],
        classes=table.classes[kept],
        predicted=table.predicted[kept],
    )
    count = len(np.unique(corrected.ids))
    return corrected, Effect(count, len(corrected), rows.dropped)


def read_corrections(folder: JobFolder) -> Corrections:
    """What was saved last; nothing yet where there is no file.

    Raises:
        InputError: The file is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(folder.corrections.read_bytes())
        edits = _EDITS.validate_python(values["edits"])
        saved_at, saved_by = values["saved_at"], values["saved_by"]
        return Corrections(int(values["revision"]), edits, float(saved_at), str(saved_by))
    except FileNotFoundError:
        return Corrections()
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the corrections of the job cannot be read ({type(error).__name__}); restore "
            "corrections.json from a backup, or remove it"
        ) from None


def save_corrections(
    folder: JobFolder,
    table: TrackTable,
    revision: int,
    edits: Sequence[Edit],
    *,
    now: float,
    by: str,
) -> tuple[Corrections, Effect]:
    """Check and keep a list of edits; what it replaces is gone.

    Args:
        folder: The job's.
        table: Its tracks as they were found.
        revision: The one that the list was made from.
        edits: The whole list.
        now: UNIX seconds.
        by: Name of the key that saves.

    Raises:
        InputError: An edit does not fit the tracks.
        ConflictError: Somebody has saved another list since that revision.
        FullError: The disk is full.
        OSError: It cannot be written.
    """
    effect = correct(table, edits)[1]
    with _saving:
        there = read_corrections(folder).revision
        if there != revision:
            raise ConflictError(
                f"the corrections are at revision {there}, and these were made from {revision}: "
                "somebody else has saved; load them anew"
            )
        saved = Corrections(revision + 1, tuple(edits), now, by)
        values = dataclasses.asdict(saved) | {"edits": _EDITS.dump_python(saved.edits)}
        write_file(folder.corrections, [json.dumps(values).encode()])
        folder.forget_corrected()
    return saved, effect


class _Rows:
    """Whose each row of a table is, and which are left."""

    def __init__(self, table: TrackTable) -> None:
        self.ids = table.ids.copy()
        self.kept = np.ones(len(table), np.bool_)
        self.dropped = 0
        self._frames = table.frames

    def merge(self, edit: Merge) -> None:
        if edit.id == edit.other:
            raise InputError(f"track {edit.id} cannot be merged with itself")
        mine, other = self._of(edit.id), self._of(edit.other)
        twice = other & np.isin(self._frames, self._frames[mine])
        self.kept &= ~twice
        self.dropped += int(np.count_nonzero(twice))
        self.ids[other] = edit.id

    def split(self, edit: Split) -> None:
        mine = self._of(edit.id)
        self._require_free(edit.to)
        after = mine & (self._frames >= edit.frame)
        if not after.any() or after.sum() == mine.sum():
            first, last = self._frames[mine][[0, -1]].tolist()
            raise InputError(
                f"track {edit.id} is there in frames {first} to {last}; split it between two of "
                f"them, not before frame {edit.frame}"
            )
        self.ids[after] = edit.to

    def delete(self, edit: Delete) -> None:
        self.kept &= ~self._of(edit.id)

    def rename(self, edit: Rename) -> None:
        mine = self._of(edit.id)
        self._require_free(edit.to)
        self.ids[mine] = edit.to

    def _of(self, identity: int) -> npt.NDArray[np.bool_]:
        rows: npt.NDArray[np.bool_] = self.kept & (self.ids == identity)
        if not rows.any():
            raise InputError(f"there is no track {identity} (any more)")
        return rows

    def _require_free(self, identity: int) -> None:
        if (self.kept & (self.ids == identity)).any():
            raise InputError(f"there is a track {identity} already; merge the two, or take another")
