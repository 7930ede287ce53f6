"""A stream's state as bytes: a JSON header and arrays, compressed; no pickles."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError

__all__ = ["pack", "unpack"]

_VERSION = 1
_HEADER = "header"
_LEVEL = 1  # most of it are rows of zeros: more than the fastest gains nothing
_MOST_BYTES = 1 << 30


def pack(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """A header that JSON takes, and arrays, as bytes."""
    buffer = io.BytesIO()
    text = json.dumps({"version": _VERSION, **header})
    np.savez(buffer, allow_pickle=False, **{_HEADER: np.array(text), **arrays})
    return zlib.compress(buffer.getbuffer(), _LEVEL)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Header and arrays of `pack`.

    Raises:
        StateError: The bytes are damaged, or were packed by another version.
    """
    try:
        plain = zlib.decompressobj().decompress(data, _MOST_BYTES)
        with np.load(io.BytesIO(plain), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop(_HEADER)))
        version = header["version"]
    except (zlib.error, zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError) as error:
        raise StateError(f"a stream's saved state cannot be read: {error}") from error
    if version != _VERSION:
        raise StateError(
            f"a stream's state was saved in format {version}; this version reads {_VERSION}"
        )
    return header, arrays
