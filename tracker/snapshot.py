"""A tracker's state as bytes: a NumPy archive with a JSON header, no pickles."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.tracker.parameters import PARAMETERS
from sightline.tracker.state import STREAM, TRACK, Records

__all__ = ["FORMAT_VERSION", "Snapshot", "read_snapshot", "write_snapshot"]

FORMAT_VERSION = 2
"""Counts up when a saved state can no longer be read by the code before it."""

_ARRAYS = ("stream", "tracks", "appearance", "gallery", "owners")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that a tracker needs to continue; the arrays are those of its state."""

    preset: str
    class_groups: tuple[tuple[int, ...], ...]
    parameters: Mapping[str, float | str]
    time: float
    stream: Records
    tracks: Records
    appearance: npt.NDArray[np.float32]
    gallery: npt.NDArray[np.float32]
    owners: npt.NDArray[np.int64]


def write_snapshot(snapshot: Snapshot) -> bytes:
    """A snapshot as bytes."""
    header = {
        "version": FORMAT_VERSION,
        "preset": snapshot.preset,
        "class_groups": snapshot.class_groups,
        "parameters": dict(snapshot.parameters),
        "time": snapshot.time,
    }
    buffer = io.BytesIO()
    arrays = {name: getattr(snapshot, name) for name in _ARRAYS}
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
    return buffer.getvalue()


def read_snapshot(data: bytes) -> Snapshot:
    """A snapshot from `write_snapshot`.

    Raises:
        StateError: The bytes are damaged, or were saved by another version of the format.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header: dict[str, Any] = json.loads(str(archive["header"]))
            arrays = {name: archive[name] for name in _ARRAYS}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise StateError(f"the saved tracker state cannot be read: {error}") from error
    if header.get("version") != FORMAT_VERSION:
        raise StateError(
            f"the tracker state was saved in format {header.get('version')}; this version reads "
            f"format {FORMAT_VERSION}: start the tracker afresh"
        )
    fits = (
        arrays["tracks"].dtype == TRACK
        and arrays["stream"].dtype == STREAM
        and set(header["parameters"]) == set(PARAMETERS)
        and 0 <= arrays["stream"]["count"][0] <= len(arrays["tracks"])
    )
    if not fits:
        raise StateError(
            "the tracker state was saved by a version with other fields: start the tracker afresh"
        )
    _check_appearance(header["parameters"], **arrays)
    return Snapshot(
        preset=header["preset"],
        class_groups=tuple(tuple(group) for group in header["class_groups"]),
        parameters=header["parameters"],
        time=float(header["time"]),
        **arrays,
    )


def _check_appearance(
    parameters: Mapping[str, float | str],
    stream: Records,
    tracks: Records,
    appearance: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    owners: npt.NDArray[Any],
) -> None:
    """Check that what is remembered of looks fits together.

    Raises:
        StateError: It does not.
    """
    slots, length = len(owners), appearance.shape[-1]
    room = int(float(parameters["gallery_size"])) if slots else 0
    slot, exemplars = (tracks[name][: int(stream["count"][0])] for name in ("slot", "exemplars"))
    fits = (
        appearance.dtype == gallery.dtype == np.dtype(np.float32)
        and owners.dtype == np.dtype(np.int64)
        and appearance.shape == (slots, 3, length)
        and gallery.shape == (slots, room, length)
        and (not slots or bool(np.all((slot >= -1) & (slot < slots))))
        and (not slots or bool(np.all((exemplars >= 0) & (exemplars <= room))))
        and bool(np.isfinite(appearance).all() and np.isfinite(gallery).all())
    )
    if not fits:
        raise StateError(
            f"the saved tracker state holds embeddings that do not fit together: means "
            f"{appearance.shape}, galleries {gallery.shape}, {slots} slots; start the tracker "
            "afresh"
        )
