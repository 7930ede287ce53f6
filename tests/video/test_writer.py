from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from sightline.errors import ConfigError, InputError, StateError
from sightline.structures import Frame, Tracks
from sightline.video import VideoWriter, open_source


def _frame(index: int, time: float, size: tuple[int, int] = (96, 128)) -> Frame:
    return Frame(np.full((*size, 3), (30, 60, 200), np.uint8), index, time)


def _tracks(time: float = 0.0) -> Tracks:
    return Tracks(
        np.array([1]),
        np.array([[20, 20, 60, 80]], np.float32),
        np.array([0.9], np.float32),
        np.array([0], np.int32),
        np.array([0], np.int32),
        np.zeros(1, np.float32),
        np.ones(1, np.int32),
        time,
    )


def _write(path: Path, times: list[float], size: tuple[int, int] = (96, 128)) -> None:
    with VideoWriter(path, class_names=["person"], rate=25) as writer:
        for index, time in enumerate(times):
            writer.write(_frame(index, time, size), Tracks.empty(time))


def test_the_file_is_h264_that_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [0.0, 0.04, 0.08])
    with av.open(str(path)) as container:
        context: Any = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_uneven_times_are_kept_from_zero(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [5.0, 5.04, 5.5, 7.0])
    times = [frame.time for frame in open_source(path)]
    assert times == pytest.approx([0.0, 0.04, 0.5, 2.0], abs=1e-4)


def test_times_that_stand_still_do_not_stop_the_writing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [0.0, 0.5, 0.5, 0.4, 0.6])
    times = [frame.time for frame in open_source(path)]
    assert len(times) == 5
    assert times == sorted(times)


@pytest.mark.parametrize("size", [(96, 128), (101, 201), (102, 202), (97, 128)])
def test_every_size_comes_back_with_its_colours(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [0.0, 0.04], size)
    frame = list(open_source(path))[-1]
    assert frame.image.shape[0] - size[0] in (0, 1)
    assert frame.image.shape[1] - size[1] in (0, 1)
    assert np.abs(frame.image.astype(int) - (30, 60, 200)).max() <= 4


def test_a_frame_of_another_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path) as writer:
        writer.write(_frame(0, 0.0), Tracks.empty())
        writer.write(_frame(1, 0.1, (50, 50)), Tracks.empty())
    assert [frame.image.shape for frame in open_source(path)] == [(96, 128, 3)] * 2


def test_boxes_are_drawn_and_the_frame_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    frame = _frame(0, 0.0)
    before = frame.image.copy()
    with VideoWriter(path, class_names=["person"]) as writer:
        writer.write(frame, _tracks())
    np.testing.assert_array_equal(frame.image, before)
    (drawn,) = open_source(path)
    assert np.abs(drawn.image.astype(int) - before).max() > 60


def test_what_was_written_before_an_interruption_plays(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"

    def interrupted() -> None:
        with VideoWriter(path, rate=25) as writer:
            writer.write(_frame(0, 0.0), Tracks.empty())
            writer.write(_frame(1, 0.04), Tracks.empty())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    source = open_source(path)
    assert len(list(source)) == 2
    assert source.warnings == []


def test_no_frames_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    VideoWriter(path).close()
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        VideoWriter(tmp_path / "none" / "out.mp4")


def test_a_missing_encoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.video.writer._ENCODER", "libnone")
    with pytest.raises(ConfigError, match="no encoder libnone"):
        VideoWriter(tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_writer_takes_no_frames_and_closes_again(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "out.mp4")
    writer.write(_frame(0, 0.0), Tracks.empty())
    writer.close()
    writer.close()
    with pytest.raises(StateError, match="closed"):
        writer.write(_frame(1, 0.1), Tracks.empty())


def test_the_last_frame_stays_for_a_nominal_interval(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [0.0, 0.04, 0.08])
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(120_000, abs=100)
