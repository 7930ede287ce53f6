from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from sightline.errors import SourceError, StateError
from sightline.service.cameras.clips import HiddenAreas, Hiding, make_clip
from sightline.service.cameras.packets import EncodedPacket, PacketRing, describe_stream
from sightline.service.cameras.probe import probe
from sightline.service.cameras.strips import make_strip
from sightline.service.config import Stream
from tests.service.http_sources import HttpSources
from tests.service.rtsp_server import RtspServer
from tests.service.watching import Watch
from tests.video.conftest import number_of, numbered_picture

ServeRtsp = Callable[..., RtspServer]
RenderNumbers = Callable[..., Path]
_START = 1.7e9
_LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def _packets(path: Path) -> list[EncodedPacket]:
    """A file's packets as if a camera had sent them from `_START` on."""
    with av.open(str(path)) as container:
        packets: list[Any] = [packet for packet in container.demux(video=0) if packet.size]
        header = describe_stream(container.streams.video[0], bytes(packets[0]))
        return [
            EncodedPacket(
                bytes(packet),
                _START + float(packet.pts * packet.time_base),
                float((packet.pts - packet.dts) * packet.time_base),
                packet.is_keyframe,
                header,
            )
            for packet in packets
        ]


def _pictures(clip: bytes) -> list[Any]:
    container: Any
    with av.open(io.BytesIO(clip)) as container:
        return list(container.decode(video=0))


def _images(clip: bytes) -> list[Any]:
    return [picture.to_ndarray(format="bgr24") for picture in _pictures(clip)]


def test_a_clip_is_the_camera_s_own_packets_from_the_key_frame_before(
    render_numbers: RenderNumbers,
) -> None:
    ring = PacketRing(60)
    packets = _packets(render_numbers(frames=100, group=10))
    for packet in packets:
        ring.add(packet)
    clip = make_clip(ring.select(_START + 1.5, _START + 2.5), _START + 1.5, Hiding())
    assert clip.index(b"moov") < clip.index(b"mdat")
    pictures = _pictures(clip)
    assert [number_of(picture.to_ndarray(format="bgr24")) for picture in pictures] == list(
        range(30, 63)
    )
    assert [round(picture.time * 25) for picture in pictures] == list(range(33))
    container: Any
    with av.open(io.BytesIO(clip)) as container:
        kept = [packet for packet in container.demux(video=0) if packet.size]
    assert len(kept) == 33
    assert sum(packet.size for packet in kept) < sum(len(packet.data) for packet in packets) / 2


def test_real_footage_with_b_frames_keeps_its_order(shared: Path) -> None:
    packets = _packets(shared / "data" / "clips" / "unlabelled-towncentre-street.mp4")
    assert max(packet.delay for packet in packets) > 0
    pictures = _pictures(make_clip(packets, _START, Hiding()))
    assert len(pictures) == len(packets)
    times = np.array([picture.time for picture in pictures])
    shown = np.sort([packet.captured_at for packet in packets]) - packets[0].captured_at
    assert times - times[0] == pytest.approx(shown - shown[0], abs=1e-3)


def test_the_ring_is_bounded_in_seconds_and_in_bytes(render_numbers: RenderNumbers) -> None:
    packets = _packets(render_numbers(frames=100, group=10))
    ring = PacketRing(1.0)
    for packet in packets:
        ring.add(packet)
    kept = ring.select(0.0, _START + 100)
    assert kept[0].keyframe
    assert 1.0 <= kept[-1].captured_at - kept[0].captured_at < 1.4
    assert ring.bytes == sum(len(packet.data) for packet in kept)
    most = sum(len(packet.data) for packet in packets[:25])
    small = PacketRing(1e6, most)
    for packet in packets:
        small.add(packet)
        assert small.bytes <= most
    assert small.select(0.0, _START + 100)[0].keyframe


def test_nothing_is_kept_where_nothing_is_asked_for(render_numbers: RenderNumbers) -> None:
    ring = PacketRing(0)
    for packet in _packets(render_numbers()):
        ring.add(packet)
    assert ring.bytes == 0


def test_a_stretch_that_is_gone_or_not_yet_there_has_no_packets(
    render_numbers: RenderNumbers,
) -> None:
    ring = PacketRing(60)
    for packet in _packets(render_numbers(frames=50)):
        ring.add(packet)
    assert ring.select(_START - 20, _START - 10) == []
    assert ring.select(_START + 10, _START + 20) == []
    with pytest.raises(SourceError, match="kept"):
        make_clip([], _START, Hiding())


def test_a_change_of_format_leaves_the_newer_one(render_numbers: RenderNumbers) -> None:
    ring = PacketRing(60)
    small, large = (_packets(render_numbers(size=size)) for size in ((128, 96), (256, 192)))
    for packet in small:
        ring.add(packet)
    for packet in large:
        moved = packet.captured_at + 2
        ring.add(EncodedPacket(packet.data, moved, packet.delay, packet.keyframe, packet.header))
    pictures = _pictures(make_clip(ring.select(_START, _START + 4), _START, Hiding()))
    assert {picture.width for picture in pictures} == {256}
    assert len(pictures) == 50


def test_masks_are_in_clips(render_numbers: RenderNumbers) -> None:
    packets = _packets(render_numbers(frames=30))
    clip = make_clip(packets, _START + 0.4, Hiding(masks=(_LEFT_HALF,)))
    images = _images(clip)
    assert len(images) == 20  # encoded anew, it begins just where it was asked to
    for image in images:
        assert image[:, :60].max() < 30
        assert image[:40, 70:].max() > 150


def test_people_are_blurred_in_clips_and_everything_where_nothing_is_known(
    render_numbers: RenderNumbers,
) -> None:
    packets = _packets(render_numbers(frames=60, size=(320, 240)))
    sharp = _images(make_clip(packets, _START, Hiding(masks=(_LEFT_HALF,))))
    right = np.array([[0.5, 0.0, 1.0, 1.0]], np.float32)
    known = tuple(HiddenAreas(_START + at, right) for at in (2.0, 2.2))
    hiding = Hiding(blur="people", areas=known)
    blurred = _images(make_clip(packets, _START, hiding))
    assert len(blurred) == 60

    def edges(image: Any, left: int, right: int) -> float:
        return float(np.abs(np.diff(image[150:, left:right].astype(float), axis=1)).max())

    assert edges(sharp[55], 170, 320) > 100
    assert edges(blurred[55], 170, 320) < 60
    assert edges(blurred[55], 10, 150) > 100  # nobody is there
    assert edges(blurred[5], 10, 150) < 60  # two seconds before the first result


@pytest.mark.parametrize("group", [10, 60, 200])
def test_a_strip_is_of_the_seconds_around_the_moment(
    render_numbers: RenderNumbers, group: int
) -> None:
    packets = _packets(render_numbers(frames=250, group=group))
    clip = make_clip(packets, _START, Hiding())
    # Frame 150 of 25 a second, which is 3.96 s before the last.
    strip = make_strip(clip, 3.96, None)
    image: Any = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    assert (height, width) == (150, 5 * 200)
    cells = [image[:, left : left + 200] for left in range(0, width, 200)]
    numbers = [number_of(cv2.resize(cell, (128, 96))) for cell in cells]
    # With a key frame every .4 s those are taken, without decoding the rest.
    assert numbers == pytest.approx([100, 125, 150, 175, 200], abs=5 if group == 10 else 0)


def test_a_strip_shows_the_part_where_it_happened(render_numbers: RenderNumbers) -> None:
    clip = make_clip(_packets(render_numbers(frames=60)), _START, Hiding())
    whole, corner = (
        cv2.imdecode(np.frombuffer(make_strip(clip, 1.0, around), np.uint8), cv2.IMREAD_COLOR)
        for around in (None, (0.95, 0.02))
    )
    assert whole is not None
    assert corner is not None
    assert whole.shape == corner.shape
    upper_right = cv2.resize(whole[:75, 100:200], (200, 150))
    assert np.abs(upper_right.astype(float) - corner[:, :200]).mean() < 12
    assert make_strip(b"no video", 1.0, None) == b""


def test_a_running_camera_gives_clips(
    serve_rtsp: ServeRtsp, http_sources: HttpSources, endless_clip: Path
) -> None:
    with Watch(keep_seconds=30) as watch:
        watch.add("rtsp", serve_rtsp({"a": endless_clip}).url("a"))
        jpeg = http_sources.add_camera("jpeg", numbered_picture)
        watch.add("jpeg", jpeg, privacy={"masks": [_LEFT_HALF]})
        for name in ("rtsp", "jpeg"):
            frame = watch.read(name, 30)
            begin, end = frame.captured_at - 0.8, frame.captured_at
            clip = watch.supervisor.clip(name, begin, end, moment=end).result(60)
            images = _images(clip.video)
            assert clip.strip[:2] == b"\xff\xd8"
            assert 15 <= len(images) <= 50
            if name == "rtsp":
                assert abs(number_of(images[-1]) - number_of(frame.image)) <= 2
            else:
                assert images[-1][:, :60].max() < 30
        gone = watch.supervisor.clip("rtsp", 0.0, 1.0)
        assert isinstance(gone.exception(60), SourceError)


def test_clips_that_are_switched_off_say_so(http_sources: HttpSources) -> None:
    with Watch() as watch:
        watch.add("cam", http_sources.add_camera("a", numbered_picture), enabled=False)
        assert isinstance(watch.supervisor.clip("cam", 0, 1).exception(1), StateError)


def test_a_probe_shows_a_camera_or_says_why_not(http_sources: HttpSources) -> None:
    url = http_sources.add_camera("cam", lambda _: numbered_picture(5))
    stream = Stream.model_validate(
        {"id": "new", "url": url, "timeout": 5.0, "privacy": {"masks": [_LEFT_HALF]}}
    )
    image = probe(stream)
    assert image.shape == (96, 128, 3)
    assert image[:, :60].max() < 5
    assert image[:, 70:].max() > 150
    with pytest.raises(SourceError) as caught:
        probe(Stream(id="new", url=http_sources.url("missing.mjpeg"), timeout=5.0))
    assert caught.value.code == "stream_not_found"
