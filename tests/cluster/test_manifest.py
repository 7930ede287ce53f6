"""The book of what is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightline.cluster.bulk.archive import Video
from sightline.cluster.bulk.manifest import Manifest
from sightline.errors import InputError, StateError


@pytest.fixture
def video(tmp_path: Path) -> Video:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    return Video("a.mp4", path)


def test_what_was_noted_is_known_to_the_next_run(video: Video, tmp_path: Path) -> None:
    with Manifest(tmp_path / "out", "s") as book:
        assert book.done(video, "result") is None
        book.note(video, "result", {"frames": 3})
    with Manifest(tmp_path / "out", "s") as book:
        entry = book.done(video, "result")
        assert entry is not None
        assert entry["frames"] == 3
        assert book.done(video, "segment 1 of 2") is None


def test_other_settings_and_a_changed_video_are_done_again(video: Video, tmp_path: Path) -> None:
    with Manifest(tmp_path, "s") as book:
        book.note(video, "result", {})
    with Manifest(tmp_path, "t") as book:
        assert book.done(video, "result") is None
        book.note(video, "result", {})
    # The files lie there as the later settings made them.
    with Manifest(tmp_path, "s") as book:
        assert book.done(video, "result") is None
    with Manifest(tmp_path, "t") as book:
        assert book.done(video, "result") is not None
        os.utime(video.path, ns=(1, 1))
        assert book.done(video, "result") is None


@pytest.mark.parametrize("kept", [1, 20, -2])
def test_a_line_that_was_cut_short_costs_only_itself(
    kept: int, video: Video, tmp_path: Path
) -> None:
    with Manifest(tmp_path, "s") as book:
        book.note(video, "first", {})
        book.note(video, "second", {})
    path = tmp_path / "manifest.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    with Manifest(tmp_path, "s") as book:
        assert book.done(video, "first") is not None
        assert book.done(video, "second") is None
        book.note(video, "third", {})
    with Manifest(tmp_path, "s") as book:
        assert book.done(video, "first") is not None
        assert book.done(video, "third") is not None


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with Manifest(tmp_path, "s"), pytest.raises(StateError, match="another run"):
        Manifest(tmp_path, "s")
    Manifest(tmp_path, "s").close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file"):
        Manifest(tmp_path / "file", "s")
