"""Tracks as a Parquet table: a row a box, in row groups, the video's facts in its metadata.

Columns: frame, time, id, x1, y1, x2, y2, score, class, class_name, predicted. Boxes and scores
are the float32 that the tracker gave. Frames without tracks have no row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo
from sightline.structures import Tracks

__all__ = ["ParquetSink", "read_parquet"]

_ROWS_A_GROUP = 20_000
_KEY = b"sightline"
# Coordinates hardly repeat: a dictionary of them would only cost.
_DICTIONARIES = ["frame", "time", "id", "class", "class_name"]
_SCHEMA = pa.schema(
    [
        pa.field("frame", pa.int64(), nullable=False),
        pa.field("time", pa.float64()),
        pa.field("id", pa.int64(), nullable=False),
        *(pa.field(name, pa.float32(), nullable=False) for name in ("x1", "y1", "x2", "y2")),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("class", pa.int32(), nullable=False),
        pa.field("class_name", pa.dictionary(pa.int32(), pa.string())),
        pa.field("predicted", pa.bool_(), nullable=False),
    ]
)


class ParquetSink(FileSink):
    """Collects rows and writes them in groups."""

    def _begin(self) -> None:
        info = self.info
        facts = {
            "version": 1,
            "source": info.source,
            "width": info.width,
            "height": info.height,
            "rate": info.rate,
            "class_names": info.class_names,
        }
        schema = _SCHEMA.with_metadata({_KEY: json.dumps(facts).encode()})
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", use_dictionary=_DICTIONARIES
        )
        self._pending: list[tuple[int, float, Tracks]] = []
        self._pending_rows = 0

    def _add(self, index: int, time: float, tracks: Tracks) -> None:
        if len(tracks):
            self._pending.append((index, time, tracks))
            self._pending_rows += len(tracks)
        if self._pending_rows >= _ROWS_A_GROUP:
            self._write_group()

    def _finish(self) -> None:
        if self._pending:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        parts = [tracks for _, _, tracks in self._pending]
        lengths = [len(tracks) for tracks in parts]
        boxes = np.concatenate([tracks.boxes for tracks in parts])
        classes = np.concatenate([tracks.classes for tracks in parts])
        times = np.repeat([time for _, time, _ in self._pending], lengths)
        names, codes = np.unique(classes, return_inverse=True)
        columns = [
            _array(np.repeat([index for index, _, _ in self._pending], lengths)),
            _array(times, valid=~np.isnan(times)),
            _array(np.concatenate([tracks.ids for tracks in parts])),
            *(_array(boxes[:, column]) for column in range(4)),
            _array(np.concatenate([tracks.scores for tracks in parts])),
            _array(classes),
            pa.DictionaryArray.from_arrays(
                _array(codes.astype(np.int32)),
                _texts([self.info.class_name(int(number)) for number in names]),
            ),
            _array(np.concatenate([tracks.detections < 0 for tracks in parts])),
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._writer.schema))
        self._pending = []
        self._pending_rows = 0


def read_parquet(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Tracks of a Parquet file.

    Tables of others need the columns frame, id, x1, y1, x2 and y2; time, score, class and
    predicted are taken where they are there.

    Args:
        path: The file.
        info: Facts that the file does not name.

    Raises:
        InputError: The file is missing, is not Parquet, or lacks a column.
    """
    try:
        table = pq.read_table(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file: {error}") from error
    needed = ("frame", "id", "x1", "y1", "x2", "y2")
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)} (it has {', '.join(table.column_names)}); "
            f"a table of tracks has {', '.join(needed)}"
        )
    facts = _facts((table.schema.metadata or {}).get(_KEY), path).completed_by(info)
    frames = _column(table, "frame", 0)
    times = _column(table, "time", np.nan)
    indices, firsts = np.unique(frames, return_index=True)
    return TrackTable.from_columns(
        facts,
        frame_indices=indices,
        frame_times=times[firsts],
        frames=frames,
        ids=_column(table, "id", -1),
        boxes=np.stack([_column(table, name, 0) for name in ("x1", "y1", "x2", "y2")], axis=1),
        scores=_column(table, "score", 1),
        classes=_column(table, "class", 0),
        predicted=_column(table, "predicted", False),
    )


def _column(table: Any, name: str, missing: float) -> Any:
    if name not in table.column_names:
        return np.full(table.num_rows, missing)
    return table.column(name).to_numpy()


def _facts(metadata: bytes | None, path: Path) -> VideoInfo:
    if metadata is None:
        return VideoInfo(source=path.stem)
    facts = json.loads(metadata)
    return VideoInfo(
        facts["source"],
        facts["width"],
        facts["height"],
        facts["rate"],
        tuple(facts["class_names"]),
    )


# `pa.array` imports pandas where it is installed, for 50 MB; arrays made of buffers do not.


def _array(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    contiguous = np.ascontiguousarray(values)
    data = _bits(contiguous) if contiguous.dtype == np.bool_ else pa.py_buffer(contiguous)
    missing = None if valid is None or valid.all() else _bits(valid)
    kind = pa.from_numpy_dtype(contiguous.dtype)
    return pa.Array.from_buffers(kind, len(contiguous), [missing, data])


def _texts(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def _bits(flags: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
