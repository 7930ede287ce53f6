"""One suite for every format: what a sink wrote, its reader gives back."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import InputError, StateError
from sightline.formats import (
    FORMATS,
    FileSink,
    TrackTable,
    VideoInfo,
    format_of,
    open_sink,
    read_tracks,
    write_tracks,
)
from sightline.structures import Frame, Tracks

INFO = VideoInfo("street", 640, 360, 25.0, ("person", "car & <van>", 'bi"cycle'))
EXACT = {"jsonl", "csv", "parquet"}
"""Formats that keep float32 as it is; the others write hundredths of a pixel."""
KEEP_EMPTY_FRAMES = {"jsonl", "coco", "cvat"}
KEEP_CLASSES = {"jsonl", "csv", "coco", "cvat", "parquet"}
KEEP_FACTS = {"jsonl", "coco", "cvat", "parquet"}
# float32 beside numbers of two decimals: half a hundredth and the rounding of the sum.
PIXELS = 0.0105


def make_tracks(
    ids: list[int],
    boxes: list[list[float]],
    scores: list[float],
    classes: list[int],
    predicted: list[bool],
    time: float = 0.0,
) -> Tracks:
    rows = len(ids)
    return Tracks(
        np.array(ids, np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.int32),
        np.where(predicted, -1, np.arange(rows)).astype(np.int32),
        np.zeros(rows, np.float32),
        np.ones(rows, np.int32),
        time,
    )


@st.composite
def tables(draw: st.DrawFn) -> TrackTable:
    """Tracks of a clip, with gaps and frames that nobody is in; a class a track."""
    frame_count = draw(st.integers(1, 12))
    step = draw(st.sampled_from([1, 1, 5]))
    start = draw(st.integers(0, 40))
    indices = start + step * np.arange(frame_count)
    classes = draw(st.lists(st.integers(0, 2), max_size=5))
    side = st.floats(-50, 4000, width=32)
    size = st.floats(1, 900, width=32)
    columns: dict[str, list[Any]] = {name: [] for name in ("f", "i", "b", "s", "c", "p")}
    for index in indices.tolist():
        for identity in draw(st.sets(st.integers(1, len(classes)))) if classes else ():
            x, y, width, height = draw(st.tuples(side, side, size, size))
            columns["f"].append(index)
            columns["i"].append(identity)
            columns["b"].append([x, y, x + width, y + height])
            columns["s"].append(draw(st.floats(0, 1, width=32)))
            columns["c"].append(classes[identity - 1])
            columns["p"].append(draw(st.booleans()))
    return TrackTable.from_columns(
        INFO,
        frame_indices=indices,
        frame_times=indices / INFO.rate,
        frames=columns["f"],
        ids=columns["i"],
        boxes=columns["b"],
        scores=columns["s"],
        classes=columns["c"],
        predicted=columns["p"],
    )


def by_row(table: TrackTable) -> dict[tuple[int, int], int]:
    return {
        key: row
        for row, key in enumerate(zip(table.frames.tolist(), table.ids.tolist(), strict=True))
    }


def require_same(name: str, read: TrackTable, wrote: TrackTable) -> None:
    """Equal, but for what docs/formats.md says that a format does not hold."""
    theirs = by_row(read)
    assert theirs.keys() == by_row(wrote).keys()
    order = np.array([theirs[key] for key in by_row(wrote)], dtype=int)
    tolerance = 0.0 if name in EXACT else PIXELS
    np.testing.assert_allclose(read.boxes[order], wrote.boxes, rtol=0, atol=tolerance)
    tolerance = 0.0 if name in EXACT else 5.1e-5
    np.testing.assert_allclose(read.scores[order], wrote.scores, rtol=0, atol=tolerance)
    np.testing.assert_allclose(read.times, wrote.times)
    if name in KEEP_CLASSES:
        assert read.classes[order].tolist() == wrote.classes.tolist()
        assert read.predicted[order].tolist() == wrote.predicted.tolist()
    if name in KEEP_FACTS:
        assert read.info == wrote.info
    if name in KEEP_EMPTY_FRAMES:
        assert read.frame_indices.tolist() == wrote.frame_indices.tolist()
        np.testing.assert_allclose(read.frame_times, wrote.frame_times)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30, deadline=None)
@given(table=tables())
def test_a_written_table_is_read_back(name: str, table: TrackTable) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"street{FORMATS[name]}"
        write_tracks(table, path)
        assert format_of(path) == name
        require_same(name, read_tracks(path, info=VideoInfo(rate=INFO.rate)), table)
        assert [entry.name for entry in Path(folder).iterdir()] == [path.name]


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10, deadline=None)
@given(text=st.text(max_size=8))
def test_any_name_of_source_and_class_is_written(name: str, text: str) -> None:
    readable = text.encode("utf-8", "replace").decode()
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{FORMATS[name]}"
        with open_sink(name, path, source=readable, class_names=(readable,), rate=25) as sink:
            sink.write_tracks(0, 0.0, make_tracks([1], [[0, 0, 5, 5]], [1], [0], [False]))
        assert len(read_tracks(path)) == 1


@pytest.fixture(params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(name: str, tmp_path: Path) -> Path:
    return tmp_path / f"clip{FORMATS[name]}"


def opened(name: str, path: Path) -> FileSink:
    return open_sink(name, path, source="clip", rate=10.0, class_names=("person",))


def picture(index: int) -> Frame:
    return Frame(np.zeros((36, 64, 3), np.uint8), index, index / 10, source="clip")


def one_track(index: int) -> Tracks:
    return make_tracks([3], [[index, 2, index + 8, 30]], [0.5], [0], [False], index / 10)


def test_the_size_is_taken_from_the_first_frame(name: str, path: Path) -> None:
    with opened(name, path) as sink:
        sink.write(picture(0), one_track(0))
    assert (sink.info.width, sink.info.height) == (64, 36)
    if name in KEEP_FACTS:
        assert read_tracks(path).info == VideoInfo("clip", 64, 36, 10.0, ("person",))


def test_an_interrupted_file_holds_the_frames_before(name: str, path: Path) -> None:
    def interrupted_run() -> None:
        with opened(name, path) as sink:
            for index in range(7):
                sink.write(picture(index), one_track(index))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_run()
    table = read_tracks(path)
    assert table.frames.tolist() == list(range(7))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_run_that_fails_before_its_first_frame_leaves_the_earlier_file(
    name: str, path: Path
) -> None:
    path.write_text("of an earlier run")
    with pytest.raises(InputError), opened(name, path):
        raise InputError("the source cannot be read")
    assert path.read_text() == "of an earlier run"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_nothing_stands_under_the_name_before_the_end(name: str, path: Path) -> None:
    sink = opened(name, path)
    sink.write(picture(0), one_track(0))
    assert not path.exists()
    sink.close()
    sink.close()
    assert len(read_tracks(path)) == 1
    with pytest.raises(StateError, match="closed"):
        sink.write(picture(1), one_track(1))


def test_a_clip_without_frames_leaves_a_readable_file(name: str, path: Path) -> None:
    with opened(name, path):
        pass
    assert len(read_tracks(path)) == 0


def test_numbers_that_are_not_finite_are_refused(name: str, path: Path) -> None:
    tracks = make_tracks([1, 9], [[0, 0, 5, 5], [0, 0, math.nan, 5]], [1, 1], [0, 0], [False] * 2)
    with opened(name, path) as sink, pytest.raises(InputError, match="frame 4: track 9"):
        sink.write(picture(4), tracks)


def test_classes_beyond_the_known_names_are_written(name: str, path: Path) -> None:
    with opened(name, path) as sink:
        sink.write(picture(0), make_tracks([1], [[0, 0, 5, 5]], [1], [4], [False]))
    read = read_tracks(path)
    if name in KEEP_CLASSES:
        assert read.classes.tolist() == [4]


def test_detections_have_the_id_minus_one(name: str, path: Path) -> None:
    seen = make_tracks([-1, -1], [[0, 0, 5, 5], [9, 9, 12, 15]], [0.5, 0.25], [0, 0], [False] * 2)
    if name == "cvat":
        with opened(name, path) as sink, pytest.raises(InputError, match="holds tracks"):
            sink.write(picture(0), seen)
        return
    with opened(name, path) as sink:
        sink.write(picture(0), seen)
    assert read_tracks(path).ids.tolist() == [-1, -1]


def test_a_missing_file_and_one_of_another_kind_are_named(name: str, path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tracks(path)
    path.write_text('{"half": [1, 2')
    with pytest.raises(InputError, match=path.name):
        read_tracks(path)


def test_an_unknown_time_stays_unknown(name: str, path: Path) -> None:
    with open_sink(name, path, class_names=("person",)) as sink:
        sink.write_tracks(3, math.nan, one_track(3))
    table = read_tracks(path)
    assert table.frames.tolist() == [3]
    assert np.isnan(table.times).all()


def test_unknown_formats_and_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose from mot, jsonl, csv, coco, cvat, parquet"):
        open_sink("yaml", tmp_path / "x.yaml")
    with pytest.raises(InputError, match="the suffix names no format"):
        read_tracks(tmp_path / "x.yaml")


def test_a_csv_row_that_is_no_track_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    path.write_text("frame,id,x1,y1,x2,y2\n0,1,0,0,5,5\n1,1,0,zero,5,5\n")
    with pytest.raises(InputError, match=r"clip\.csv:3"):
        read_tracks(path)


def test_mot_rows_called_csv_are_not_taken_for_a_table(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    path.write_text("1,1,10,20,30,40,1,-1,-1,-1\n")
    with pytest.raises(InputError, match="name the format mot"):
        read_tracks(path)
    assert len(read_tracks(path, "mot")) == 1


def test_no_class_name_is_a_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    with open_sink("csv", path, class_names=("=HYPERLINK(1)",)) as sink:
        sink.write_tracks(0, 0.0, make_tracks([1], [[0, 0, 5, 5]], [1], [0], [False]))
    assert "'=HYPERLINK(1)" in path.read_text()
