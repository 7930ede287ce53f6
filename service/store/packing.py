"""A recording as bytes and back, bit for bit.

The same byte of all values stands together (high bytes of boxes hardly differ from row to row),
then zlib; arrays are little-endian on every machine.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.service.engine.messages import Recording

__all__ = ["pack_recording", "unpack_recording"]

_HEADER: Final = struct.Struct("<I")
_VERSION: Final = 1
_LEVEL: Final = 6
# Name, type, and values a row; `frame_times` has a row a frame, the others a row a box.
_ARRAYS: Final = (
    ("frame_times", "<f8", 1),
    ("frames", "<i4", 1),
    ("numbers", "<i8", 1),
    ("boxes", "<f4", 4),
    ("scores", "<f4", 1),
    ("classes", "<i4", 1),
    ("seen", "|u1", 1),
)


def pack_recording(recording: Recording) -> bytes:
    """The recording as bytes; its stream is not among them."""
    header = json.dumps(
        {
            "version": _VERSION,
            "size": recording.size,
            "class_names": recording.class_names,
            "frames": len(recording.frame_times),
            "rows": len(recording.frames),
        }
    ).encode()
    parts = [_HEADER.pack(len(header)), header]
    for name, kind, width in _ARRAYS:
        array = np.ascontiguousarray(getattr(recording, name)).astype(kind, copy=False)
        parts.append(_planes(array, width).tobytes())
    return zlib.compress(b"".join(parts), _LEVEL)


def unpack_recording(stream: str, data: bytes) -> Recording:
    """The recording of a stream that `pack_recording` made bytes of.

    Raises:
        StateError: The bytes are none of a recording.
    """
    try:
        content = zlib.decompress(data)
        begin = _HEADER.size
        (length,) = _HEADER.unpack(content[:begin])
        header = json.loads(content[begin : begin + length])
        arrays = _read_arrays(content, begin + length, header)
        width, height = header["size"]
        return Recording(stream, (width, height), tuple(header["class_names"]), **arrays)
    except (ValueError, TypeError, KeyError, struct.error, zlib.error) as error:
        raise StateError(
            f"a stored recording of stream {stream} is damaged ({error}); restore a backup"
        ) from error


def _planes(array: npt.NDArray[Any], width: int) -> npt.NDArray[np.uint8]:
    """(bytes a row, rows) uint8: the same byte of every row side by side."""
    item = array.itemsize * width
    return np.ascontiguousarray(array.reshape(-1).view(np.uint8).reshape(-1, item).T)


def _read_arrays(content: bytes, begin: int, header: dict[str, Any]) -> dict[str, Any]:
    if header["version"] != _VERSION:
        raise ValueError(f"form {header['version']}, expected {_VERSION}")
    arrays: dict[str, Any] = {}
    for name, kind, width in _ARRAYS:
        rows = int(header["frames"] if name == "frame_times" else header["rows"])
        item = np.dtype(kind).itemsize * width
        planes = np.frombuffer(content, np.uint8, rows * item, begin).reshape(item, rows)
        array = np.ascontiguousarray(planes.T).view(kind).reshape(rows, width)
        begin += rows * item
        arrays[name] = array if width > 1 else array[:, 0]
    if begin != len(content):
        raise ValueError(f"{len(content) - begin} bytes too many")
    arrays["seen"] = arrays["seen"].astype(np.bool_)
    return arrays
