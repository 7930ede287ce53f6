"""What holds for every kind of source."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.errors import InputError, StateError
from sightline.protocols import Source
from sightline.video import open_source

OpenKind = Callable[..., Source]
_FRAMES, _RATE = 20, 25.0
_CODECS = {
    "mp4": "libx264",
    "mkv": "libx264",
    "ts": "libx264",
    "webm": "libvpx",
    "avi": "mpeg4",
    "mov": "mjpeg",
}
_LIVE = {"mjpeg", "rtsp"}


@pytest.fixture(params=[*_CODECS, "pictures", "sequence", "http", "mjpeg", "rtsp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_kind(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> OpenKind:
    """Opens 20 numbered frames at 25 frames/s as the kind, with options of `open_source`."""
    options: dict[str, Any] = {}
    if kind in _CODECS:
        render_clip = request.getfixturevalue("render_clip")
        spec: str | Path = render_clip(tmp_path / f"clip.{kind}", codec=_CODECS[kind])
    elif kind in ("pictures", "sequence"):
        picture = request.getfixturevalue("numbered_picture")
        folder = tmp_path / "street"
        images = folder / "img1" if kind == "sequence" else folder
        images.mkdir(parents=True)
        for number in range(_FRAMES):
            name = f"{number + 1:06d}.jpg" if kind == "sequence" else f"{number}.png"
            cv2.imwrite(str(images / name), picture(number))
        if kind == "sequence":
            (folder / "seqinfo.ini").write_text(
                f"[Sequence]\nname=street\nimDir=img1\nframeRate=25\nseqLength={_FRAMES}\n"
                "imWidth=128\nimHeight=96\nimExt=.jpg\n"
            )
        else:
            options["rate"] = _RATE
        spec = folder
    elif kind == "http":
        spec = request.getfixturevalue("serve_http")(request.getfixturevalue("clip"))
    elif kind == "mjpeg":
        spec = request.getfixturevalue("serve_http")()
    else:
        spec = request.getfixturevalue("serve_rtsp")(request.getfixturevalue("clip"))[0]
    return lambda **more: open_source(spec, timeout=20, **options, **more)


def test_every_frame_comes_once_in_order(
    kind: str, open_kind: OpenKind, number_of: Callable[[Any], int]
) -> None:
    source = open_kind()
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(_FRAMES))
    assert [number_of(frame.image) for frame in frames] == list(range(_FRAMES))
    assert source.skipped == 0
    assert source.warnings == []


def test_pictures_are_upright_bgr_of_the_announced_size(open_kind: OpenKind) -> None:
    source = open_kind()
    assert (source.width, source.height) == (128, 96)
    for frame in source:
        assert frame.image.shape == (96, 128, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        blue, green, red = frame.image[:40].reshape(-1, 3).mean(axis=0)
        assert red > 200
        assert max(blue, green) < 40


def test_times_are_stream_time_in_seconds(kind: str, open_kind: OpenKind) -> None:
    times = [frame.time for frame in open_kind()]
    assert times[0] == 0
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    if kind != "mjpeg":  # its parts carry no time stamps: the time of arrival is all there is
        assert times == pytest.approx([number / _RATE for number in range(_FRAMES)], abs=1e-3)


def test_live_sources_say_when_a_frame_was_captured(kind: str, open_kind: OpenKind) -> None:
    source = open_kind()
    assert source.live == (kind in _LIVE)
    captured = [frame.captured_at for frame in source]
    assert all((moment is not None) == source.live for moment in captured)


def test_files_announce_their_length_and_rate(kind: str, open_kind: OpenKind) -> None:
    source = open_kind()
    if kind in _LIVE:
        assert source.frame_count is None
    else:
        assert source.frame_count == _FRAMES
        assert source.rate == pytest.approx(_RATE, rel=1e-3)
    source.close()


def test_stride_keeps_the_numbers_of_the_source(
    open_kind: OpenKind, number_of: Callable[[Any], int]
) -> None:
    frames = list(open_kind(stride=6))
    assert [frame.index for frame in frames] == [0, 6, 12, 18]
    assert [number_of(frame.image) for frame in frames] == [0, 6, 12, 18]


def test_start_and_end_cut_a_stretch_that_keeps_its_numbers_and_times(
    kind: str, open_kind: OpenKind, number_of: Callable[[Any], int]
) -> None:
    if kind == "mjpeg":
        pytest.skip("frames of this stream arrive at once")
    source = open_kind(start=0.48, end=0.64)
    frames = list(source)
    assert [frame.index for frame in frames] == [12, 13, 14, 15]
    assert [number_of(frame.image) for frame in frames] == [12, 13, 14, 15]
    assert frames[0].time == pytest.approx(0.48, abs=1e-3)
    if kind not in _LIVE:
        assert source.frame_count == 4


def test_a_source_is_read_once(open_kind: OpenKind) -> None:
    source = open_kind()
    next(iter(source))
    with pytest.raises(StateError, match="once"):
        iter(source)
    source.close()


def test_close_ends_the_reading_and_may_come_twice(open_kind: OpenKind) -> None:
    source = open_kind()
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []


def test_every_kind_is_a_source_with_a_name(kind: str, open_kind: OpenKind) -> None:
    source = open_kind()
    assert isinstance(source, Source)
    assert source.name == {"pictures": "street", "sequence": "street"}.get(
        kind, {"mjpeg": "stream", "rtsp": "127.0.0.1"}.get(kind, "clip")
    )
    source.close()


@pytest.mark.parametrize(
    "options",
    [
        {"start": -1.0},
        {"start": 2.0, "end": 2.0},
        {"end": float("nan")},
        {"stride": 0},
        {"timeout": 0.0},
        {"rate": 0.0},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], clip: Path) -> None:
    with pytest.raises(InputError):
        open_source(clip, **options)
