"""A job that is stopped anywhere ends with the same bytes as one that is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.errors import SourceError
from sightline.formats import read_tracks
from sightline.service import config
from sightline.service.jobs.checkpoint import read_checkpoint, write_checkpoint
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.results import RESULTS
from sightline.service.jobs.tracking import JobSpec, Progress, track_job

OPTIONS = JobOptions(classes=("person",), stride=3, start=1.05, end=7)
PEOPLE = config.Tracker(reid="sightline-reid")


class Killed(BaseException):
    """What a kill looks like from inside: nothing is tidied up by who calls."""


def make_job(folder: Path, video: Path, options: JobOptions = OPTIONS) -> JobSpec:
    JobFolder(folder).make()
    (folder / "input").symlink_to(video)
    detector = config.Detector(device="cpu", size=320)
    return JobSpec(folder, "yard", options, detector, PEOPLE, 1_000_000, checkpoint_seconds=0)


def ignore(_progress: Progress) -> None:
    """Nobody watches."""


def kill_at(frames: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.frames == frames:
            raise Killed

    return on_progress


@pytest.fixture(scope="module")
def vtest(shared: Path) -> Path:
    return shared / "data" / "clips" / "vtest.avi"


@pytest.fixture(scope="module")
def whole(vtest: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The tracks of a job that nobody stopped."""
    spec = make_job(tmp_path_factory.mktemp("jobs") / "whole", vtest)
    done = track_job(spec, ignore)
    assert done.frames == done.expected == 20
    assert done.tracks >= 4
    assert {path.name for path in spec.folder.iterdir()} == {
        "input", *(f"tracks.{ending}" for ending in RESULTS)
    }  # fmt: skip
    return JobFolder(spec.folder).tracks.read_bytes()


@pytest.mark.parametrize("kills", [[1], [7, 8, 19]])
def test_a_killed_job_goes_on_and_ends_the_same(
    kills: list[int], vtest: Path, whole: bytes, tmp_path: Path
) -> None:
    spec = make_job(tmp_path / "job", vtest)
    for frames in kills:
        with pytest.raises(Killed):
            track_job(spec, kill_at(frames))
    seen: list[Progress] = []
    track_job(spec, seen.append)
    assert seen[0].frames == kills[-1] + 1  # nothing was tracked twice
    assert seen[-1].expected == 20
    assert JobFolder(spec.folder).tracks.read_bytes() == whole


def test_work_after_the_last_checkpoint_is_done_again(
    vtest: Path, whole: bytes, tmp_path: Path
) -> None:
    spec = make_job(tmp_path / "job", vtest)
    with pytest.raises(Killed):
        track_job(spec, kill_at(5))
    checkpoint = (spec.folder / "checkpoint").read_bytes()
    with pytest.raises(Killed):
        track_job(spec, kill_at(9))
    (spec.folder / "checkpoint").write_bytes(checkpoint)
    (spec.folder / "parts" / "000099.jsonl.partial").write_bytes(b"cut")
    track_job(spec, ignore)
    assert JobFolder(spec.folder).tracks.read_bytes() == whole


@pytest.mark.parametrize("damage", ["cut", "other options", "part missing"])
def test_what_cannot_be_continued_is_begun_again(
    damage: str, vtest: Path, whole: bytes, tmp_path: Path
) -> None:
    spec = make_job(tmp_path / "job", vtest)
    other = replace(spec, options=JobOptions(stride=3, start=2))
    with pytest.raises(Killed):
        track_job(other if damage == "other options" else spec, kill_at(4))
    checkpoint = spec.folder / "checkpoint"
    if damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    elif damage == "part missing":
        (spec.folder / "parts" / "000002.jsonl").unlink()
    seen: list[Progress] = []
    track_job(spec, seen.append)
    assert seen[0].frames == 1
    assert JobFolder(spec.folder).tracks.read_bytes() == whole


def test_a_place_that_is_not_found_again_is_found_by_counting(tmp_path: Path, shared: Path) -> None:
    clip = shared / "data" / "clips" / "unlabelled-office.mp4"
    options = JobOptions(stride=4, end=3)
    done = make_job(tmp_path / "done", clip, options)
    track_job(done, ignore)
    spec = make_job(tmp_path / "job", clip, options)
    with pytest.raises(Killed):
        track_job(spec, kill_at(6))
    path = spec.folder / "checkpoint"
    kept = read_checkpoint(path.read_bytes())
    path.write_bytes(write_checkpoint(replace(kept, pixels=kept.pixels ^ 1)))
    seen: list[Progress] = []
    track_job(spec, seen.append)
    assert seen[0].frames == kept.frames + 1
    assert JobFolder(spec.folder).tracks.read_bytes() == JobFolder(done.folder).tracks.read_bytes()


def test_frames_with_too_many_pixels_are_never_decoded(vtest: Path, tmp_path: Path) -> None:
    spec = make_job(tmp_path / "job", vtest)
    with pytest.raises(SourceError, match="no picture of it can be decoded"):
        track_job(replace(spec, max_pixels=768 * 576 - 1), ignore)


def test_a_stretch_without_frames_gives_an_empty_result(vtest: Path, tmp_path: Path) -> None:
    spec = make_job(tmp_path / "job", vtest, JobOptions(start=1000))
    done = track_job(spec, ignore)
    assert (done.frames, done.tracks) == (0, 0)
    assert "no frame" in done.warnings[0]
    assert len(read_tracks(JobFolder(spec.folder).tracks)) == 0


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no video " * 1000)
    with pytest.raises(SourceError, match="not a video"):
        track_job(make_job(tmp_path / "job", garbage), ignore)
