"""Which videos an archive holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.cluster.bulk.archive import find_videos, is_archive
from sightline.errors import InputError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("a.mp4", "west/a.mp4", "west/b.AVI", "west/notes.md", ".trash/c.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "MOT17-02/img1").mkdir(parents=True)
    (tmp_path / "MOT17-02/seqinfo.ini").touch()
    return tmp_path


def names(spec: Path | str) -> list[str]:
    return [video.name for video in find_videos(str(spec))]


def test_a_folder_is_searched_and_every_video_has_a_name_of_its_own(archive: Path) -> None:
    assert is_archive(str(archive))
    assert names(archive) == ["MOT17-02", "a.mp4", "west/a.mp4", "west/b.AVI"]
    assert all(video.path.is_absolute() for video in find_videos(str(archive)))


def test_a_pattern_names_results_from_its_first_wildcard(archive: Path) -> None:
    assert is_archive(f"{archive}/*/*.mp4")
    assert names(f"{archive}/w*/*.*4") == ["west/a.mp4"]
    assert names(f"{archive}/**/a.mp4") == ["a.mp4", "west/a.mp4"]


def test_a_list_may_name_anything_from_where_it_lies(archive: Path) -> None:
    listing = archive / "west/night.txt"
    listing.write_text("# cameras\n\nb.AVI\n../a.mp4\nmissing.mov\nb.AVI\n")
    assert is_archive(str(listing))
    found = {video.name: video.path for video in find_videos(str(listing))}
    outside = str(archive / "a.mp4").lstrip("/")
    assert sorted(found) == sorted(["b.AVI", "missing.mov", outside])
    assert found[outside].samefile(archive / "a.mp4")


def test_names_never_lead_out_of_the_folder_of_results(archive: Path) -> None:
    listing = archive / "list.txt"
    listing.write_text("../../etc/passwd\n/a/../b.mp4\nwest/../../x.mp4\n")
    for video in find_videos(str(listing)):
        assert ".." not in Path(video.name).parts
        assert not Path(video.name).is_absolute()


def test_one_video_is_an_archive_of_one(archive: Path) -> None:
    assert not is_archive(str(archive / "a.mp4"))
    assert names(archive / "a.mp4") == ["a.mp4"]
    assert names(archive / "MOT17-02") == ["MOT17-02"]


def test_single_sources_stay_single(archive: Path) -> None:
    (archive / "pictures").mkdir()
    (archive / "pictures/1.jpg").touch()
    for spec in (archive / "pictures", archive / "MOT17-02", "rtsp://host/s?x=[1]", "webcam:0"):
        assert not is_archive(str(spec))


@pytest.mark.parametrize("content", [b"# nothing\n", b"\xff\xfe\x00 no text"])
def test_a_list_without_videos_is_refused(content: bytes, tmp_path: Path) -> None:
    listing = tmp_path / "empty.txt"
    listing.write_bytes(content)
    with pytest.raises(InputError, match=r"empty\.txt"):
        find_videos(str(listing))


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no videos there"):
        find_videos(f"{tmp_path}/*.mp4")
