"""`bench` and what stands behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import ConfigError, InputError
from sightline.eval import combine
from sightline.eval.benchmark import (
    TrackerChoice,
    find_bench_sequences,
    run_benchmark,
    track_rows,
)
from sightline.structures import Detections, Tracks
from sightline.tracker import Tracker

Run = Callable[..., tuple[int, str, str]]


class NearestTracker:
    """A stand-in: each box takes the nearest identity of the frame before, else a new one."""

    def __init__(self) -> None:
        self.boxes: npt.NDArray[np.float32] = np.empty((0, 4), np.float32)
        self.ids: list[int] = []
        self.count = 0
        self.calls: list[tuple[float | None, bool]] = []

    def update(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> Tracks:
        self.calls.append((time, camera_motion is not None))
        ids = []
        for box in detections.boxes:
            near = np.abs(self.boxes - box).max(axis=1, initial=0)
            free = [row for row in np.argsort(near) if near[row] < 15 and self.ids[row] not in ids]
            if free:
                ids.append(self.ids[free[0]])
            else:
                self.count += 1
                ids.append(self.count)
        self.boxes, self.ids = detections.boxes, ids
        tracks = Tracks.empty(time or 0)
        count = len(ids)
        return Tracks(
            np.array(ids, np.int64),
            detections.boxes,
            detections.scores,
            np.zeros(count, np.int32),
            np.arange(count, dtype=np.int32),
            np.zeros(count, np.float32),
            np.ones(count, np.int32),
            tracks.time,
        )


def make_nearest(choice: TrackerChoice) -> NearestTracker:
    return NearestTracker()


def test_a_benchmark_writes_texts_that_score_the_same_through_eval(
    small_dataset: Path, tmp_path: Path, run_cli: Run
) -> None:
    sequences = find_bench_sequences(small_dataset / "data")
    comparison = run_benchmark(
        sequences, [TrackerChoice("nearest")], tmp_path, make_tracker=make_nearest
    )
    assert sorted(path.name for path in (tmp_path / "nearest").iterdir()) == [
        "A-01.txt",
        "A-02.txt",
    ]
    scores = combine(comparison.trackers["nearest"].values())
    assert scores["HOTA"] > 0.4
    code, out, _ = run_cli("eval", small_dataset / "data", tmp_path / "nearest", "--json")
    assert code == 0
    assert json.loads(out)["trackers"]["nearest"]["combined"] == scores


def test_a_split_starts_the_tracker_at_its_first_frame(small_dataset: Path) -> None:
    (sequence, _) = find_bench_sequences(small_dataset / "data", split="val-half")
    assert (sequence.first, sequence.last, sequence.rate) == (32, 60, 10)
    tracker = NearestTracker()
    motions = {index: np.eye(2, 3) for index in range(60)}
    text = track_rows(tracker, {}, motions, (sequence.first, sequence.last), 10)
    assert text == ""
    assert len(tracker.calls) == 29
    assert tracker.calls[0] == (3.1, False)
    assert tracker.calls[1] == (3.2, True)


def test_offline_steps_fill_the_gaps_that_a_tracker_leaves() -> None:
    def box(index: int) -> Detections:
        return Detections([[10 + index, 10, 50 + index, 90]], [0.9], [0])

    detections = {index: box(index) for index in range(40) if index not in (20, 21)}
    texts = [
        track_rows(Tracker("bytetrack"), detections, {}, (1, 40), 10, offline)
        for offline in ("", "linear")
    ]
    rows = [[line.split(",") for line in text.splitlines()] for text in texts]
    assert len(rows[0]) == 38
    assert len(rows[1]) == 40
    assert [row[:3] for row in rows[1] if row[0] in ("21", "22")] == [
        ["21", "1", "31.00"],
        ["22", "1", "32.00"],
    ]


def test_a_choice_is_named_after_its_preset_and_its_offline_steps() -> None:
    names = [
        TrackerChoice.parse(text).name for text in ("sort", "my/fast.yaml", "sort+link,linear")
    ]
    assert names == ["sort", "fast", "sort+link,linear"]
    with pytest.raises(ConfigError, match="unknown offline step 'magic'"):
        TrackerChoice.parse("sort+magic")


def test_jobs_do_not_change_a_byte(small_dataset: Path, tmp_path: Path, run_cli: Run) -> None:
    for jobs in (1, 2):
        code, _, err = run_cli(
            "bench", small_dataset / "data", "--tracker", "sort",
            "--jobs", jobs, "--out", tmp_path / str(jobs),
        )  # fmt: skip
        assert code == 0, err
    names = sorted(
        path.relative_to(tmp_path / "1").as_posix()
        for path in (tmp_path / "1").rglob("*")
        if path.is_file()
    )
    assert names == [
        "report.html", "results.json",
        "sort/A-01.txt", "sort/A-02.txt",
    ]  # fmt: skip
    for name in names:
        one, two = ((tmp_path / jobs / name).read_bytes() for jobs in ("1", "2"))
        assert one == two, name


def test_bench_prints_the_comparison_and_its_json_has_the_contract(
    small_dataset: Path, tmp_path: Path, run_cli: Run
) -> None:
    code, out, _ = run_cli(
        "bench", small_dataset / "data", "--detections", small_dataset / "data",
        "--tracker", "sort", "--out", tmp_path,
    )  # fmt: skip
    assert (code, out) == (2, "")
    code, out, _ = run_cli(
        "bench", small_dataset / "data", "--tracker", "sort", "--split", "val-half",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    assert "sort" in out
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["split"] == "val-half"
    assert sorted(results["trackers"]["sort"]["sequences"]) == ["A-01", "A-02"]
    assert "HOTA" in results["trackers"]["sort"]["combined"]


def test_a_video_of_several_detectors_is_tracked_once_over_a_detection_folder(
    small_dataset: Path, tmp_path: Path
) -> None:
    for detector in ("SDP", "FRCNN"):
        shutil.copytree(small_dataset / "data/A-01", tmp_path / f"data/MOT17-02-{detector}")
    shutil.rmtree(tmp_path / "data/MOT17-02-FRCNN/gt")
    (tmp_path / "detections").mkdir()
    shutil.copy(small_dataset / "data/A-01/det/det.txt", tmp_path / "detections/MOT17-02.txt")
    over_folder = find_bench_sequences(tmp_path / "data", detections=tmp_path / "detections")
    assert [sequence.name for sequence in over_folder] == ["MOT17-02"]
    own = find_bench_sequences(tmp_path / "data")
    assert [sequence.name for sequence in own] == ["MOT17-02-FRCNN", "MOT17-02-SDP"]
    assert {sequence.truth.name for sequence in own} == {"MOT17-02-SDP"}


def test_camera_motion_is_taken_where_there_is_some(small_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "A-02.txt").write_text("0 1 0 0 0 1 0\n")
    first, second = find_bench_sequences(small_dataset / "data", camera_motion=tmp_path)
    assert (first.camera_motion, second.camera_motion) == (None, tmp_path / "A-02.txt")


def test_missing_detections_are_named(small_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no detections A-01\.txt for A-01"):
        find_bench_sequences(small_dataset / "data", detections=tmp_path)
    with pytest.raises(InputError, match="no ground truth here"):
        find_bench_sequences(tmp_path)


def test_dancetrack_is_benched_with_its_own_protocol(shared: Path, tmp_path: Path) -> None:
    (sequence,) = find_bench_sequences(shared / "data/dancetrack/dancetrack0026")
    comparison = run_benchmark(
        [sequence], [TrackerChoice("nearest")], tmp_path,
        protocol="dancetrack", make_tracker=make_nearest,
    )  # fmt: skip
    scores = combine(comparison.trackers["nearest"].values())
    assert scores["GT_Dets"] == 3993
    assert 0.1 < scores["HOTA"] < 0.9


def test_a_model_detects_on_the_pictures_first(shared: Path, tmp_path: Path, run_cli: Run) -> None:
    shutil.copytree(shared / "data/clips/MOT17-mini/MOT17-04", tmp_path / "data/MOT17-04")
    code, _, err = run_cli(
        "bench", tmp_path / "data", "--model", shared / "weights/yolox_nano_416.onnx",
        "--tracker", "sort", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    assert len((tmp_path / "out/detections/MOT17-04.txt").read_text().splitlines()) > 50
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results["trackers"]["sort"]["combined"]["TP"] > 0
    code, _, err = run_cli(
        "bench", tmp_path / "data", "--model", "x", "--detections", tmp_path,
        "--tracker", "sort", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 2
    assert "not both" in err
