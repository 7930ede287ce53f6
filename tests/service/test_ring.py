from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
import pytest

from sightline.errors import StateError
from sightline.service.cameras.planes import black_out, hide, planar
from sightline.service.cameras.ring import FrameRing
from sightline.service.processes import start_child
from sightline.video import open_source

_NAME = f"sightline-test-{os.getpid()}"


@pytest.fixture
def ring() -> Iterator[FrameRing]:
    ring = FrameRing.create(_NAME, 48, 64)
    yield ring
    ring.close()
    ring.unlink()


def _image(
    value: int, height: int = 48, width: int = 64
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), value, np.uint8)


def test_only_what_is_newer_is_read(ring: FrameRing) -> None:
    assert ring.read(0) is None
    assert (ring.newest, ring.newest_at) == (0, 0.0)
    for number in range(1, 9):
        ring.write(_image(number), sequence=number, captured_at=float(number))
    frame = ring.read(6)
    assert frame is not None
    assert (frame.sequence, frame.captured_at, frame.image.max()) == (8, 8.0, 8)
    assert ring.newest_at == 8.0
    assert ring.read(8) is None


def test_pictures_of_other_shapes_fit_by_their_bytes(ring: FrameRing) -> None:
    ring.write(_image(1, 64, 48), sequence=1, captured_at=1.0)
    frame = ring.read(0)
    assert frame is not None
    assert frame.image.shape == (64, 48, 3)
    assert ring.fits(24, 128)
    assert not ring.fits(480, 640)


def test_another_process_sees_what_is_written_and_says_what_it_took(ring: FrameRing) -> None:
    child = start_child(take, _NAME, name="take")
    child.pipe.recv()
    ring.write(_image(7), sequence=3, captured_at=5.0)
    child.pipe.send("look")
    assert child.pipe.recv() == (3, 5.0, 7)
    assert ring.taken == 3
    child.stop(30)


def test_a_reader_never_sees_half_a_picture(ring: FrameRing) -> None:
    child = start_child(write_many, _NAME, name="write")
    last = 0
    while last < 300:
        child.pipe.poll(0.0005)
        frame = ring.read(last)
        if frame is not None:
            assert frame.sequence > last
            assert (frame.image == frame.sequence % 256).all()
            assert frame.captured_at == frame.sequence
            last = frame.sequence
    child.stop(30)


def take(pipe: Connection, name: str) -> None:
    other = FrameRing.attach(name)
    pipe.send("ready")
    pipe.recv()
    frame = other.read(0)
    assert frame is not None
    other.taken = frame.sequence
    pipe.send((frame.sequence, frame.captured_at, int(frame.image.max())))
    other.close()


def write_many(_: Connection, name: str) -> None:
    other = FrameRing.attach(name)
    for number in range(1, 301):
        other.write(_image(number % 256), sequence=number, captured_at=float(number))
    other.close()


def test_a_ring_that_is_not_there_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        FrameRing.attach("sightline-nothing")


def test_a_process_without_memory_leaves_the_ring_to_others(
    ring: FrameRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.write(_image(7), sequence=1, captured_at=1.0)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.shared_memory.mmap.mmap", fail)
        with pytest.raises(OSError, match="Cannot allocate"):
            FrameRing.attach(ring.name)
    other = FrameRing.attach(ring.name)
    assert other.newest == 1
    other.close()


def test_too_little_shared_memory_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StateError, match="shm_size"):
        FrameRing.create(f"{_NAME}-full", 48, 64)
    assert not Path("/dev/shm", f"{_NAME}-full").exists()


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_pictures_come_out_as_a_source_converts_them(
    ring: FrameRing, pixel_format: str, size: tuple[int, int]
) -> None:
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (size[1], size[0], 3), np.uint8)
    picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixel_format)
    ring.write_picture(planar(picture), sequence=1, captured_at=1.0)
    frame = ring.read(0)
    assert frame is not None
    direct = planar(picture).reformat(format="bgr24").to_ndarray()
    assert (frame.image == direct).all()


def test_real_frames_are_those_of_a_source(shared: Path) -> None:
    path = shared / "data" / "clips" / "vtest.avi"
    ring = FrameRing.create(f"{_NAME}-real", 576, 768)
    with av.open(str(path)) as container:
        pictures = container.decode(video=0)
        for number, frame in enumerate(open_source(path, end=0.5), 1):
            ring.write_picture(next(pictures), sequence=number, captured_at=float(number))
            read = ring.read(0)
            assert read is not None
            assert (read.image == frame.image).all()
    ring.close()
    ring.unlink()


@pytest.mark.parametrize("size", [(128, 96), (127, 95)])
@pytest.mark.parametrize("full_range", [False, True])
def test_masks_leave_nothing_of_what_they_hide(
    ring: FrameRing, size: tuple[int, int], full_range: bool
) -> None:
    width, height = size
    image = np.random.default_rng(0).integers(60, 256, (height, width, 3), np.uint8)
    pixel_format = "yuvj420p" if full_range else "yuv420p"
    picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixel_format)
    masks = (((0.25, 0.25), (0.75, 0.3), (0.6, 0.8)), ((0.9, 0.0), (1.0, 0.0), (1.0, 1.0)))
    hidden = hide(picture, masks).reformat(format="bgr24").to_ndarray()
    ys, xs = np.mgrid[:height, :width]
    inside = np.zeros((height, width), bool)
    for corners in masks:
        points = np.array(corners) * (width, height)
        sides = [
            (b[0] - a[0]) * (ys + 0.5 - a[1]) - (b[1] - a[1]) * (xs + 0.5 - a[0])
            for a, b in zip(points, np.roll(points, -1, axis=0), strict=True)
        ]
        inside |= np.all(np.array(sides) >= 0, axis=0)
    assert inside.sum() > 1000
    assert hidden[inside].max() <= 2
    # The decoder goes on from its own picture: that one must stay.
    assert picture.reformat(format="bgr24").to_ndarray()[inside].max() > 100
    black_out(image, masks)
    assert image[inside].max() == 0
    assert (image > 0).mean() > 0.6
