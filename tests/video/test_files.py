from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.errors import SourceError
from sightline.video import open_source
from tests.video.conftest import set_rotation

RenderClip = Callable[..., Path]
NumberOf = Callable[[Any], int]
_TURNED = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "stream_corrupt", "empty"),
        (b"just some text\n" * 100, "stream_codec", "not a video"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(500), "stream_corrupt", "cut short"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "stream_refused", "list of other files"),
        (b"1\n00:00:00,000 --> 00:00:02,000\nhello\n\n", "stream_codec", "no video in it"),
    ],
)
def test_what_is_no_video_gets_one_plain_line(
    tmp_path: Path, content: bytes, code: str, says: str
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        open_source(path)
    assert caught.value.code == code
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file") as caught:
        open_source(tmp_path / "none.mp4")
    assert (caught.value.code, caught.value.exit_code) == ("stream_not_found", 3)


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("mp4", "libx264", {"movflags": "faststart"}),
        ("mkv", "libx264", {}),
        ("avi", "mpeg4", {}),
        ("mov", "mjpeg", {"movflags": "faststart"}),
    ],
)
def test_a_cut_file_gives_the_frames_before_the_cut_and_says_so(
    tmp_path: Path,
    render_clip: RenderClip,
    number_of: NumberOf,
    suffix: str,
    codec: str,
    options: dict[str, str],
) -> None:
    whole = render_clip(
        tmp_path / f"whole.{suffix}",
        frames=60,
        codec=codec,
        container_options=options,
        # More bits a frame, so that the cut falls into pictures and not into the header.
        codec_options={"b": "2000000", "bf": "0", "crf": "1"},
    )
    content = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(content[: len(content) * 2 // 3])
    source = open_source(cut)
    numbers = [number_of(frame.image) for frame in source]
    assert numbers == list(range(len(numbers)))
    assert 10 < len(numbers) < 60
    assert len(source.warnings) == 1
    assert "cut short" in source.warnings[0]
    assert source.skipped <= 1


def test_damaged_frames_are_skipped_and_counted_and_the_others_keep_their_numbers(
    tmp_path: Path, render_clip: RenderClip, number_of: NumberOf
) -> None:
    path = render_clip(tmp_path / "clip.mp4", frames=60, codec_options={"crf": "1", "bf": "0"})
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(0)
    for place in range(len(content) // 4, len(content) // 2, len(content) // 40):
        content[place : place + 30] = noise.bytes(30)
    path.write_bytes(content)
    source = open_source(path)
    frames = list(source)
    assert 0 < source.skipped < 40
    assert len(frames) == 60 - source.skipped
    assert frames[-1].index == 59
    assert number_of(frames[-1].image) == 59
    assert all(later.index > earlier.index for earlier, later in itertools.pairwise(frames))


def test_uneven_frame_times_are_kept(tmp_path: Path, render_clip: RenderClip) -> None:
    ticks = [0, 40, 80, 500, 510, 1000, 3000]
    path = render_clip(tmp_path / "clip.mkv", frames=len(ticks), ticks=ticks)
    assert [frame.time for frame in open_source(path)] == [tick / 1000 for tick in ticks]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_in_the_metadata_is_honoured(
    tmp_path: Path, render_clip: RenderClip, degrees: int
) -> None:
    path = render_clip(tmp_path / "clip.mp4")
    lying = next(iter(open_source(path))).image
    set_rotation(path, degrees)
    source = open_source(path)
    upright = next(iter(source)).image
    source.close()
    assert (source.height, source.width) == upright.shape[:2]
    np.testing.assert_array_equal(upright, cv2.rotate(lying, _TURNED[degrees]))
    reference = cv2.VideoCapture(str(path)).read()[1]
    np.testing.assert_array_equal(upright, reference)


def test_a_file_without_time_stamps_is_timed_by_its_rate_and_says_so(
    tmp_path: Path, render_clip: RenderClip
) -> None:
    path = render_clip(tmp_path / "clip.h264")
    source = open_source(path)
    assert [frame.time for frame in source] == pytest.approx([n / 25 for n in range(20)])
    assert len(source.warnings) == 1
    assert "25 frames per second" in source.warnings[0]


def test_a_stretch_that_is_not_there_gives_nothing_and_says_so(clip: Path) -> None:
    source = open_source(clip, start=100)
    assert list(source) == []
    assert "no frame of it lies in the wanted stretch" in source.warnings[0]


def test_a_file_of_one_frame_is_read(tmp_path: Path, render_clip: RenderClip) -> None:
    assert len(list(open_source(render_clip(tmp_path / "one.mp4", frames=1)))) == 1


@pytest.mark.parametrize("name", ["vtest.avi", "unlabelled-dense-traffic.mp4"])
def test_pixels_are_those_of_opencv(shared: Path, name: str) -> None:
    """BT.601 where the stream names no matrix (vtest), BT.709 where it does (the traffic)."""
    path = shared / "data" / "clips" / name
    capture = cv2.VideoCapture(str(path))
    for frame in open_source(path, end=1):
        np.testing.assert_array_equal(frame.image, capture.read()[1])


def test_a_real_stretch_is_the_same_as_in_the_whole_clip(shared: Path) -> None:
    path = shared / "data" / "clips" / "unlabelled-dense-traffic.mp4"
    whole = {frame.index: frame for frame in open_source(path, end=6)}
    stretch = list(open_source(path, start=5, end=6))
    assert 20 < len(stretch) < 30
    for frame in stretch:
        assert frame.time == whole[frame.index].time
        np.testing.assert_array_equal(frame.image, whole[frame.index].image)
