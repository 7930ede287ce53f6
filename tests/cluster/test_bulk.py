"""An archive in one process: every video once, whatever happens in between."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.cluster.bulk.manifest import Manifest
from sightline.cluster.bulk.run import BulkRun
from sightline.cluster.bulk.units import Unit, plan_units
from sightline.cluster.bulk.working import Outcome
from sightline.errors import SourceError
from sightline.formats import read_tracks
from sightline.recording import record
from tests.cluster.bulk_archive import Bulk, lay_out, noted, written


@pytest.fixture(scope="module")
def clips(shared: Path) -> Path:
    return shared / "data/clips"


@pytest.fixture(scope="module")
def archive(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(clips, tmp_path_factory.mktemp("bulk") / "archive")
    (folder / "broken.mp4").write_text("this is a shopping list\n" * 400)
    return folder


def bulk(archive: Path, out: Path, split: float = 0.0) -> Bulk:
    return Bulk.on(archive, out, split, end=1.5, stride=2, formats=("mot", "jsonl"))


@pytest.fixture(scope="module")
def reference(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive done without interruption."""
    out = tmp_path_factory.mktemp("reference") / "out"
    said: list[str] = []
    summary = bulk(archive, out).run(said=said)
    assert (summary.videos, summary.done, list(summary.failed)) == (4, 3, ["broken.mp4"])
    assert len(said) == 1
    assert "broken.mp4: not a video" in said[0]
    return out


def test_each_video_has_the_bytes_of_a_run_of_its_own(
    archive: Path, reference: Path, tmp_path: Path
) -> None:
    work = bulk(archive, tmp_path / "unused")
    track = work.options.track
    for name in ("vtest.avi", "unlabelled-office.mp4"):
        source = track.open_source(archive / name)
        pipeline = track.pipeline(source, work.networks, track.make_tracker(work.networks.embedder))
        _, paths = record(
            pipeline, track.outputs(tmp_path / name, work.networks.detector.class_names)
        )
        assert {path.name: path.read_bytes() for path in paths} == written(reference / name)
    assert len(read_tracks(reference / "vtest.avi/vtest.txt")) > 10


def test_what_is_done_is_not_done_again(archive: Path, reference: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in reference.rglob("*.jsonl")}
    summary = bulk(archive, reference).run()
    assert (summary.already, summary.done, summary.frames) == (3, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in reference.rglob("*.jsonl")} == times


def test_results_of_other_settings_are_replaced_whole(archive: Path, tmp_path: Path) -> None:
    options = {"end": 0.5, "stride": 2}
    Bulk.on(archive, tmp_path, formats=("mot", "csv"), **options).run()
    summary = Bulk.on(archive, tmp_path, formats=("jsonl",), **options).run()
    assert (summary.already, summary.done) == (0, 3)
    assert {Path(name).suffix for name in written(tmp_path)} == {".jsonl"}


class Interrupted:
    """An executor whose run is stopped in the midst of a unit."""

    def __init__(self, work: Bulk, unit: int) -> None:
        self._inner = work.executor()
        self._run: BulkRun | None = None
        self._left = unit

    @property
    def frames(self) -> int:
        return self._inner.frames

    @property
    def hungry(self) -> bool:
        return self._inner.hungry

    def submit(self, unit: Unit) -> None:
        self._inner.submit(unit)

    def wait(self) -> list[Outcome]:
        self._left -= 1
        if self._left == 0:
            assert self._run is not None
            self._run.stop()
        return self._inner.wait()

    def stop(self) -> None:
        self._inner.stop()

    def over(self, work: Bulk) -> None:
        with Manifest(work.options.out, work.settings) as manifest:
            self._run = BulkRun(work.videos, work.options, manifest)
            assert self._run.run(self).interrupted


def test_an_interrupted_run_leaves_whole_files_and_is_continued(
    archive: Path, reference: Path, tmp_path: Path
) -> None:
    work = bulk(archive, tmp_path)
    Interrupted(work, 3).over(work)  # the first is broken
    complete = written(reference)
    left = written(tmp_path)
    assert 0 < len(left) < len(complete)
    assert left == {name: complete[name] for name in left}
    assert not (tmp_path / ".work").exists()
    summary = work.run()
    assert (summary.already, summary.done) == (1, 2)
    assert written(tmp_path) == complete
    assert len(noted(tmp_path)) == len(set(noted(tmp_path))) == 3


def test_a_long_video_is_done_in_segments_of_which_none_is_done_twice(
    clips: Path, tmp_path: Path
) -> None:
    archive = lay_out(clips, tmp_path / "archive", ("vtest.avi",))
    work = Bulk.on(archive, tmp_path / "out", 10.0, end=20.0, stride=5, reid="off")
    Interrupted(work, 2).over(work)
    assert noted(tmp_path / "out") == [("vtest.avi", "segment 1 of 2")]
    summary = work.run()
    assert (summary.done, summary.frames) == (1, 40)
    units = [unit for _, unit in noted(tmp_path / "out")]
    assert units == ["segment 1 of 2", "segment 2 of 2", "result"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.jsonl",
        "vtest.avi",
    ]
    whole = Bulk.on(archive, tmp_path / "whole", end=20.0, stride=5, reid="off")
    whole.run()
    tables = [read_tracks(tmp_path / name / "vtest.avi/vtest.txt") for name in ("out", "whole")]
    before = [table.frames < 50 for table in tables]
    assert before[0].sum() == before[1].sum() > 0
    assert abs(len(tables[0]) - len(tables[1])) <= 0.02 * len(tables[1])


def test_segments_cover_the_video_and_overlap_for_as_long_as_the_tracker_remembers(
    clips: Path, tmp_path: Path
) -> None:
    archive = lay_out(clips, tmp_path / "archive", ("vtest.avi",))
    work = Bulk.on(archive, tmp_path / "out", 25.0)
    units = plan_units(work.videos[0], work.options)
    assert [unit.number for unit in units] == [0, 1, 2]
    assert units[0].seams == pytest.approx((26.5, 53.0))
    assert work.options.overlap == 12.0
    assert (units[0].start, units[2].end) == (None, None)
    assert (units[1].start, units[1].end) == pytest.approx((14.5, 65.0))
    short = plan_units(
        work.videos[0], replace(work.options, track=replace(work.options.track, end=60.0))
    )
    assert [unit.end for unit in short] == [pytest.approx(42.0), None]  # no further than asked
    (archive / "gone.mp4").symlink_to("nowhere.mp4")
    with pytest.raises(SourceError, match="no such file"):
        plan_units(work.videos[0], work.options)


def test_the_command_says_what_failed_and_needs_no_ray(archive: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WITHOUT_RAY, "track", str(archive), "--end", "0.3"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "3 of 4 tracked, 1 failed" in done.stderr
    assert sum("broken.mp4" in line for line in done.stderr.splitlines()) == 1
    refused = subprocess.run(
        [*command, "--out", str(tmp_path), "--cluster", "auto"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("sightline: ")
    assert "sightline[cluster]" in refused.stderr


_WITHOUT_RAY = """
import sys
sys.modules["ray"] = None
from sightline.cli import main
main()
"""
