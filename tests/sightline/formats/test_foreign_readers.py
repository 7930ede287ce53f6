"""The tools that people open our files with read what we wrote."""

from __future__ import annotations

import contextlib
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sightline.errors import InputError
from sightline.formats import FORMATS, TrackTable, VideoInfo, read_tracks, write_tracks
from sightline.formats.parquet import ParquetSink
from sightline.structures import Tracks


@pytest.fixture(scope="session")
def result(shared: Path) -> TrackTable:
    """Real boxes (the ground truth of MOT17-09) as a tracker's result with scores."""
    rows = read_tracks(shared / "data" / "mot17" / "train" / "MOT17-09-SDP" / "gt" / "gt.txt")
    return TrackTable.from_columns(
        VideoInfo("MOT17-09", rows.info.width, rows.info.height, rows.info.rate, ("person",)),
        frame_indices=rows.frame_indices,
        frame_times=rows.frame_times,
        frames=rows.frames,
        ids=rows.ids,
        boxes=rows.boxes,
        scores=np.linspace(0, 1, len(rows)),
        classes=np.zeros(len(rows)),
    )


@pytest.fixture(scope="session")
def files(result: TrackTable, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The result in every format."""
    folder = tmp_path_factory.mktemp("formats")
    paths = {name: folder / f"MOT17-09{suffix}" for name, suffix in FORMATS.items()}
    for path in paths.values():
        write_tracks(result, path)
    return paths


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_of_the_same_tracks(
    name: str, result: TrackTable, files: dict[str, Path]
) -> None:
    read = read_tracks(files[name], info=VideoInfo(rate=result.info.rate))
    order = np.lexsort((read.ids, read.frames))
    wanted = np.lexsort((result.ids, result.frames))
    assert len(read) == len(result) > 5000
    assert (read.frames[order] == result.frames[wanted]).all()
    assert (read.ids[order] == result.ids[wanted]).all()
    np.testing.assert_allclose(read.boxes[order], result.boxes[wanted], rtol=0, atol=0.0105)
    np.testing.assert_allclose(read.scores[order], result.scores[wanted], rtol=0, atol=5.1e-5)
    np.testing.assert_allclose(read.times, result.times, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Operation with tuple is deprecated")  # in motmetrics
def test_motmetrics_loads_the_text(result: TrackTable, files: dict[str, Path]) -> None:
    motmetrics = pytest.importorskip("motmetrics")
    loaded = motmetrics.io.loadtxt(files["mot"])
    assert len(loaded) == len(result)
    # motmetrics takes 1 off left and top, as the format counts from 1.
    np.testing.assert_allclose(
        loaded.sort_index()[["X", "Y"]].to_numpy(),
        result.boxes[np.lexsort((result.ids, result.frames)), :2],
        atol=0.0105,
    )


def test_pycocotools_loads_the_json(result: TrackTable, files: dict[str, Path]) -> None:
    coco_module = pytest.importorskip("pycocotools.coco")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO(str(files["coco"]))
    assert len(coco.getImgIds()) == len(result.frame_indices)
    people = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(catNms=["person"])))
    assert len(people) == len(result)
    assert {person["track_id"] for person in people} == set(result.ids.tolist())
    assert all(person["id"] > 0 for person in people)
    assert coco.dataset["videos"][0]["name"] == "MOT17-09"


def test_pyarrow_reads_typed_columns(result: TrackTable, files: dict[str, Path]) -> None:
    table = pq.read_table(files["parquet"])
    assert table.column_names[:7] == ["frame", "time", "id", "x1", "y1", "x2", "y2"]
    assert str(table.schema.field("x1").type) == "float"
    assert set(table.column("class_name").to_pylist()) == {"person"}
    assert (table.column("x1").to_numpy() == result.boxes[:, 0]).all()


def test_parquet_is_written_in_groups_of_rows(tmp_path: Path) -> None:
    rows = 15_000
    tracks = Tracks(
        np.arange(1, rows + 1),
        np.zeros((rows, 4), np.float32),
        np.ones(rows, np.float32),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.float32),
        np.ones(rows, np.int32),
    )
    path = tmp_path / "many.parquet"
    with ParquetSink(path, VideoInfo("many")) as sink:
        for index in range(5):
            sink.write_tracks(index, float(index), tracks)
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert len(read_tracks(path)) == 5 * rows


def gap_table(indices: list[int], seen: list[int]) -> TrackTable:
    return TrackTable.from_columns(
        VideoInfo("clip", 64, 36, 10.0, ("person", "car")),
        frame_indices=indices,
        frame_times=np.array(indices) / 10,
        frames=seen,
        ids=np.ones(len(seen)),
        boxes=[[index, 0, index + 5, 9] for index in seen],
        scores=np.ones(len(seen)),
        classes=[0, *[1] * (len(seen) - 1)],
        predicted=[False] * (len(seen) - 1) + [True],
    )


def cvat_boxes(path: Path) -> list[tuple[int, int, int]]:
    return [
        (int(box.get("frame", "")), int(box.get("outside", "")), int(box.get("occluded", "")))
        for box in ET.parse(path).getroot().iter("box")
    ]


def test_cvat_tracks_end_visibly_at_gaps(tmp_path: Path) -> None:
    path = tmp_path / "clip.cvat.xml"
    write_tracks(gap_table([0, 1, 2, 3, 4, 5, 6], [0, 1, 4]), path)
    assert cvat_boxes(path) == [(0, 0, 0), (1, 0, 0), (2, 1, 0), (4, 0, 1), (5, 1, 0)]


def test_cvat_tracks_that_reach_the_last_frame_do_not_end(tmp_path: Path) -> None:
    path = tmp_path / "clip.cvat.xml"
    write_tracks(gap_table([0, 5, 10], [5, 10]), path)
    assert cvat_boxes(path) == [(5, 0, 0), (10, 0, 1)]
    root = ET.parse(path).getroot()
    assert root.findtext("meta/task/frame_filter") == "step=5"
    assert root.findtext("meta/task/size") == "3"
    assert root.findtext("version") == "1.1"
    assert [label.findtext("name") for label in root.iter("label")] == ["person", "car"]


def test_cvat_labels_a_track_by_its_most_frequent_class(tmp_path: Path) -> None:
    path = tmp_path / "clip.cvat.xml"
    write_tracks(gap_table([0, 1, 2], [0, 1, 2]), path)
    assert read_tracks(path).classes.tolist() == [1, 1, 1]


def test_coco_files_of_others_need_no_field_for_video(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_text(
        '{"images": [{"id": 70, "width": 8, "height": 6, "file_name": "b.jpg"}, '
        '{"id": 30, "width": 8, "height": 6, "file_name": "a.jpg"}], '
        '"annotations": [{"id": 1, "image_id": 70, "category_id": 3, "bbox": [1, 2, 3, 4]}], '
        '"categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}'
    )
    table = read_tracks(path)
    assert (table.frames.tolist(), table.ids.tolist()) == ([1], [-1])
    assert table.boxes.tolist() == [[1, 2, 4, 6]]
    assert table.classes.tolist() == [1]
    assert table.frame_indices.tolist() == [0, 1]


def test_a_coco_file_of_several_videos_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.coco.json"
    path.write_text(
        '{"videos": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "images": [], '
        '"annotations": [], "categories": []}'
    )
    with pytest.raises(InputError, match=r"2 videos \(a, b\)"):
        read_tracks(path)


def test_mot_ground_truth_takes_its_facts_from_the_sequence(shared: Path) -> None:
    folder = shared / "data" / "mot17" / "train" / "MOT17-04-SDP"
    info = read_tracks(folder / "gt" / "gt.txt").info
    assert (info.source, info.width, info.height, info.rate) == ("MOT17-04-SDP", 1920, 1080, 30)
    assert info.class_name(1) == "pedestrian"
