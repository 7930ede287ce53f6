from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from sightline.service.cameras.messages import Guard
from sightline.service.config import Stream
from sightline.video import open_source
from tests.service.http_sources import HttpSources
from tests.service.rtsp_server import RtspServer
from tests.service.watching import Watch
from tests.video.conftest import number_of, numbered_picture, set_rotation

ServeRtsp = Callable[..., RtspServer]
RenderNumbers = Callable[..., Path]
_PASSWORD = "p@ss:w/rd%41 +#ü"
_SERVICE = """
import sys
from tests.service.watching import Watch
watch = Watch()
watch.add("cam", sys.argv[1], loop=True)
watch.read("cam")
print(watch.rings["cam"].name, watch.reader_pid("cam"), flush=True)
watch.wait_until(lambda: False)
"""


@pytest.fixture
def watch() -> Iterator[Watch]:
    with Watch() as watch:
        yield watch


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_an_rtsp_camera_runs(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path, transport: str
) -> None:
    watch.add("cam", serve_rtsp({"a": endless_clip}).url("a"), transport=transport)
    status = watch.wait_for("cam", "RUNNING")
    assert (status.width, status.height) == (128, 96)
    first = watch.read("cam")
    later = watch.read("cam", first.sequence + 10)
    assert later.captured_at > first.captured_at
    if transport == "tcp":
        # Pictures and their numbers go on together: nothing is lost or doubled unsaid.
        shown = (number_of(later.image) - number_of(first.image)) % 256
        assert shown == later.sequence - first.sequence
        passed = later.captured_at - first.captured_at
        assert passed == pytest.approx(shown / 25, abs=0.5)
    assert watch.supervisor.status("cam").received >= 1


def test_two_cameras_of_different_size_and_rate_run_beside_one_that_is_gone(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path, vtest_h264: Path
) -> None:
    server = serve_rtsp({"fast": endless_clip, "street": vtest_h264})
    watch.add("fast", server.url("fast"))
    watch.add("street", server.url("street"))
    watch.add("gone", "rtsp://127.0.0.1:1/nothing")
    assert watch.wait_for("gone", "BACKOFF").error_code == "stream_timeout"
    assert watch.read("street", 3).image.shape == (576, 768, 3)
    assert watch.read("fast", 3).image.shape == (96, 128, 3)


def test_a_camera_that_dies_and_returns_goes_on_with_its_numbers_and_times(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path
) -> None:
    server = serve_rtsp({"a": endless_clip})
    watch.add("cam", server.url("a"))
    before = watch.read("cam", 5)
    reader = watch.reader_pid("cam")
    server.die()
    assert watch.wait_for("cam", "BACKOFF").retry_at is not None
    told = len(watch.told["cam"])
    server.start()
    assert watch.wait_for("cam", "RUNNING", told).error_code is None
    newest = watch.rings["cam"].newest
    after = watch.read("cam", newest)
    assert after.sequence > before.sequence
    assert after.captured_at > before.captured_at
    assert watch.reader_pid("cam") == reader


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_that_falls_silent_is_stalled_then_tried_again(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path, transport: str
) -> None:
    server = serve_rtsp({"a": endless_clip})
    watch.add("cam", server.url("a"), timeout=3.0, transport=transport)
    watch.read("cam", 2)
    server.fall_silent()
    assert watch.wait_for("cam", "STALLED").error_code == "stream_timeout"
    assert watch.wait_for("cam", "BACKOFF").error_code == "stream_timeout"
    told = len(watch.told["cam"])
    server.speak_again()
    watch.wait_for("cam", "RUNNING", told)


def test_a_quiet_scene_is_no_stall(watch: Watch, http_sources: HttpSources) -> None:
    url = http_sources.add_camera("still", lambda _: numbered_picture(7), fps=10)
    watch.add("still", url, timeout=3.0)
    watch.read("still", 35)  # longer than the time-out
    assert watch.states("still") == ["CONNECTING", "RUNNING"]


@pytest.mark.parametrize("method", ["basic", "digest"])
def test_a_wrong_password_needs_a_person_and_is_never_shown(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path, method: str
) -> None:
    server = serve_rtsp({"a": endless_clip}, "ad min", _PASSWORD, method)
    watch.add("right", server.url("a"), username="ad min", password=_PASSWORD)
    watch.add("wrong", server.url("a"), username="ad min", password="hush@hush/" + _PASSWORD)
    watch.wait_for("right", "RUNNING")
    status = watch.wait_for("wrong", "FAILED")
    assert status.error_code == "stream_auth_failed"
    assert any("401" in line for line in status.log)
    for status in (*watch.told["wrong"], *watch.supervisor.statuses().values()):
        assert "hush" not in repr(status)
        assert "p@ss" not in repr(status)


def test_a_stream_that_is_not_there_needs_a_person_until_it_ran_once(
    watch: Watch, http_sources: HttpSources
) -> None:
    watch.add("missing", http_sources.url("missing.mjpeg"))
    assert watch.wait_for("missing", "FAILED").error_code == "stream_not_found"
    watch.add("here", http_sources.add_camera("here", numbered_picture))
    watch.wait_for("here", "RUNNING")
    http_sources.gone = True
    watch.wait_for("here", "BACKOFF")
    watch.wait_until(lambda: watch.supervisor.status("here").error_code == "stream_not_found")
    told = len(watch.told["here"])
    http_sources.gone = False
    watch.wait_for("here", "RUNNING", told)


def test_a_camera_that_failed_can_be_started_again(watch: Watch, http_sources: HttpSources) -> None:
    watch.add("cam", http_sources.url("late.mjpeg"))
    watch.wait_for("cam", "FAILED")
    http_sources.add_camera("late", numbered_picture)
    watch.supervisor.start("cam")
    watch.wait_for("cam", "RUNNING")
    watch.supervisor.stop("cam")
    assert watch.wait_for("cam", "STOPPED").error_code is None
    told = len(watch.told["cam"])
    watch.supervisor.start("cam")
    watch.wait_for("cam", "RUNNING", told)


def test_an_http_camera_that_stalls_recovers(watch: Watch, http_sources: HttpSources) -> None:
    watch.add("cam", http_sources.add_camera("cam", numbered_picture), timeout=3.0)
    assert number_of(watch.read("cam").image) < 200
    http_sources.stall()
    watch.wait_for("cam", "STALLED")
    watch.wait_for("cam", "BACKOFF")
    told = len(watch.told["cam"])
    http_sources.flow()
    watch.wait_for("cam", "RUNNING", told)


def test_a_camera_that_sends_garbage_is_tried_again(
    watch: Watch, http_sources: HttpSources
) -> None:
    watch.add("cam", http_sources.add_camera("cam", numbered_picture), timeout=1.0)
    watch.read("cam")
    http_sources.garbage = True
    assert watch.wait_for("cam", "BACKOFF").error_code == "stream_corrupt"
    assert watch.supervisor.status("cam").corrupt > 0
    told = len(watch.told["cam"])
    http_sources.garbage = False
    watch.wait_for("cam", "RUNNING", told)


def test_a_webcam_that_is_not_plugged_in_needs_a_person(watch: Watch) -> None:
    watch.add("cam", "webcam:97")
    assert watch.wait_for("cam", "FAILED").error_code == "stream_not_found"


def test_many_reconnections_leave_nothing_behind(watch: Watch, http_sources: HttpSources) -> None:
    def picture(number: int) -> npt.NDArray[np.uint8]:
        if number == 30:
            raise ConnectionAbortedError
        return numbered_picture(number, 320, 240)

    url = http_sources.add_camera("cam", picture, fps=500)
    watch.add("cam", url, reconnect={"first": 0.1, "longest": 0.1})

    def ends() -> int:
        return sum(told.state == "BACKOFF" for told in watch.told.get("cam", []))

    def held() -> tuple[int, int]:
        process = Path("/proc", str(watch.reader_pid("cam")))
        pages = int((process / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20, len(list((process / "fd").iterdir()))

    watch.wait_until(lambda: ends() >= 8)
    mebibytes, files = held()
    watch.wait_until(lambda: ends() >= 28)
    more_mebibytes, more_files = held()
    assert more_mebibytes - mebibytes <= 3
    assert more_files - files <= 2  # a connection may be open
    assert len(list(Path("/dev/shm").glob(f"{watch.rings['cam'].name.rpartition('-')[0]}-*"))) == 1


def test_what_is_no_video_needs_a_person(watch: Watch, http_sources: HttpSources) -> None:
    http_sources.garbage = True
    watch.add("cam", http_sources.add_file(Path(__file__), "page.mp4"))
    assert watch.wait_for("cam", "FAILED").error_code == "stream_codec"


def test_a_change_of_resolution_makes_a_larger_ring(
    watch: Watch, http_sources: HttpSources
) -> None:
    sizes = iter([(64, 48)] * 5 + [(320, 240)] * 10_000)
    url = http_sources.add_camera("zoom", lambda n: numbered_picture(n % 256, *next(sizes)))
    watch.add("zoom", url)
    watch.wait_until(lambda: watch.supervisor.status("zoom").width == 320)
    frame = watch.read("zoom", 6)
    assert frame.image.shape == (240, 320, 3)
    assert watch.states("zoom") == ["CONNECTING", "RUNNING"]


def _segment(clip: Path, folder: Path, **options: str) -> None:
    """Write a clip as HLS, a file a second."""
    folder.mkdir()
    options = {"hls_time": "1", "hls_list_size": "0"} | options
    source: Any
    with (
        av.open(str(clip)) as source,
        av.open(str(folder / "live.m3u8"), "w", format="hls", options=options) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def test_live_hls_plays_at_its_own_speed_although_it_comes_in_bursts(
    watch: Watch, http_sources: HttpSources, render_numbers: RenderNumbers, tmp_path: Path
) -> None:
    clip = render_numbers(frames=100, group=25)
    _segment(clip, tmp_path / "hls", hls_flags="omit_endlist")
    watch.add("cam", http_sources.add_file(tmp_path / "hls") + "/live.m3u8")
    frames = [watch.read("cam")]
    while frames[-1].sequence < 70:
        frames.append(watch.read("cam", frames[-1].sequence))
    # It begins three segments before the end, as players do.
    assert [number_of(frame.image) for frame in frames] == [frame.sequence + 24 for frame in frames]
    passed = frames[-1].captured_at - frames[0].captured_at
    assert passed >= 0.04 * (frames[-1].sequence - frames[0].sequence) - 0.01


def test_hls_and_progressive_files_run(
    watch: Watch, http_sources: HttpSources, render_numbers: RenderNumbers, tmp_path: Path
) -> None:
    clip = render_numbers(frames=100)
    _segment(clip, tmp_path / "hls")
    watch.add("hls", http_sources.add_file(tmp_path / "hls") + "/live.m3u8")
    watch.add("file", http_sources.add_file(clip))
    for name in ("hls", "file"):
        frame = watch.read(name, 2)
        assert number_of(frame.image) == frame.sequence - 1
    # The end of a file on the network is the end of a camera: it is asked again.
    assert watch.wait_for("file", "BACKOFF").error_code == "stream_ended"


def test_a_file_that_waits_gives_every_frame_and_stops(
    watch: Watch, render_numbers: RenderNumbers
) -> None:
    clip = render_numbers(frames=60)
    watch.add("file", str(clip), buffer="wait")
    frames = [watch.read("file", number) for number in range(60)]
    assert [frame.sequence for frame in frames] == list(range(1, 61))
    assert [number_of(frame.image) for frame in frames] == list(range(60))
    times = np.array([frame.captured_at for frame in frames])
    assert np.diff(times) == pytest.approx(np.full(59, 0.04), abs=1e-6)
    for frame, direct in zip(frames, open_source(clip), strict=True):
        assert (frame.image == direct.image).all()
    assert watch.wait_for("file", "STOPPED").error == "the file was read to its end"


def test_a_file_in_a_loop_goes_on_with_its_numbers_and_times(
    watch: Watch, render_numbers: RenderNumbers
) -> None:
    watch.add("file", str(render_numbers(frames=10)), buffer="wait", loop=True)
    frames = [watch.read("file", number) for number in range(25)]
    assert [number_of(frame.image) for frame in frames] == [*range(10), *range(10), *range(5)]
    times = np.array([frame.captured_at for frame in frames])
    assert np.diff(times) == pytest.approx(np.full(24, 0.04), abs=0.002)
    assert watch.states("file") == ["CONNECTING", "RUNNING"]


def test_a_file_plays_at_its_own_speed(watch: Watch, render_numbers: RenderNumbers) -> None:
    watch.add("file", str(render_numbers(frames=40)))
    watch.wait_for("file", "STOPPED")
    assert watch.supervisor.status("file").received == 40
    running = watch.wait_for("file", "RUNNING")
    assert watch.wait_for("file", "STOPPED").since - running.since >= 39 / 25 - 0.1


def test_masked_areas_are_black_and_can_be_changed(watch: Watch, http_sources: HttpSources) -> None:
    url = http_sources.add_camera("cam", lambda _: np.full((96, 128, 3), 200, np.uint8))
    half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    watch.add("cam", url, privacy={"masks": [half]})
    image = watch.read("cam").image
    assert image[:, :64].max() == 0
    assert image[:, 68:].min() > 190
    reader = watch.reader_pid("cam")
    watch.supervisor.replace(Stream(id="cam", url=url, timeout=5.0))
    watch.wait_until(lambda: bool(watch.read("cam").image[:, :64].min() > 190))
    assert watch.reader_pid("cam") == reader


def test_a_file_that_lies_on_its_side_is_turned_before_it_is_masked(
    watch: Watch, render_numbers: RenderNumbers
) -> None:
    path = render_numbers(frames=3)
    set_rotation(path, 90)
    top = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.25), (0.0, 0.25))
    watch.add("file", str(path), buffer="wait", privacy={"masks": [top]})
    image, upright = watch.read("file").image, next(iter(open_source(path))).image
    assert image.shape == upright.shape == (128, 96, 3)
    assert image[:32].max() == 0
    assert (image[34:] == upright[34:]).all()


def test_a_changed_address_is_read_anew(watch: Watch, http_sources: HttpSources) -> None:
    one = http_sources.add_camera("one", lambda _: numbered_picture(1))
    two = http_sources.add_camera("two", lambda _: numbered_picture(2))
    watch.add("cam", one)
    first = watch.read("cam")
    assert number_of(first.image) == 1
    watch.supervisor.replace(Stream(id="cam", url=two))
    watch.wait_until(lambda: number_of(watch.read("cam").image) == 2)
    assert watch.read("cam").sequence > first.sequence


def test_a_reader_that_hangs_is_killed_and_started_again_and_nobody_else_notices(
    watch: Watch, http_sources: HttpSources
) -> None:
    watch.add("hangs", http_sources.add_camera("a", numbered_picture), timeout=1.5)
    watch.add("runs", http_sources.add_camera("b", numbered_picture), timeout=6.0)
    last = watch.read("hangs")
    watch.read("runs")
    hung = watch.reader_pid("hangs")
    os.kill(hung, signal.SIGSTOP)
    status = watch.wait_for("hangs", "BACKOFF")
    assert status.error_code == "stream_timeout"
    assert status.error is not None
    assert "hung" in status.error
    told = len(watch.told["hangs"])
    watch.wait_for("hangs", "RUNNING", told)
    assert watch.reader_pid("hangs") != hung
    assert watch.read("hangs").sequence > last.sequence
    assert watch.states("runs") == ["CONNECTING", "RUNNING"]


def test_a_reader_that_dies_is_started_again(watch: Watch, http_sources: HttpSources) -> None:
    watch.add("cam", http_sources.add_camera("a", numbered_picture))
    last = watch.read("cam", 3)
    os.kill(watch.reader_pid("cam"), signal.SIGKILL)
    assert watch.wait_for("cam", "BACKOFF").error_code == "reader_failed"
    told = len(watch.told["cam"])
    watch.wait_for("cam", "RUNNING", told)
    again = watch.read("cam", watch.rings["cam"].newest)
    assert again.sequence > last.sequence
    assert again.captured_at > last.captured_at


def test_an_address_is_checked_before_every_attempt(
    watch: Watch, serve_rtsp: ServeRtsp, endless_clip: Path
) -> None:
    server = serve_rtsp({"a": endless_clip})
    stream = Stream(id="cam", url=f"rtsp://localhost:{server.port}/a", timeout=2.0)
    watch.supervisor.add(stream, Guard(("127.0.0.0/8", "::1/128")))
    assert watch.wait_for("cam", "RUNNING").width == 128
    watch.supervisor.replace(stream, Guard(("10.0.0.0/8",)))
    assert watch.wait_for("cam", "FAILED").error_code == "stream_refused"


def test_nothing_is_left_of_a_service_that_was_killed(render_numbers: RenderNumbers) -> None:
    service = subprocess.Popen(
        [sys.executable, "-c", _SERVICE, str(render_numbers(frames=250))],
        cwd=Path(__file__).resolve().parent.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert service.stdout is not None
    ring, reader = service.stdout.readline().split()
    end = os.pidfd_open(int(reader))
    assert Path("/dev/shm", ring).exists()
    service.kill()
    service.communicate()
    assert wait([end], 30)
    os.close(end)
    with Watch() as watch:
        watch.wait_until(lambda: not Path("/dev/shm", ring).exists())


def test_closing_starts_nobody_whose_next_attempt_is_due(http_sources: HttpSources) -> None:
    watch = Watch()
    http_sources.gone = True
    watch.add("cam", http_sources.add_camera("a", numbered_picture))
    watch.wait_for("cam", "FAILED")
    slot = watch.supervisor._slots["cam"]
    now = watch.clock.now()
    slot.camera.status = replace(slot.camera.status, state="BACKOFF", retry_at=now + 0.2)
    watch.wait_until(lambda: watch.clock.now() > now + 0.2)
    watch.close()
    assert multiprocessing.active_children() == []


def test_a_camera_that_was_stopped_rests_when_its_last_frame_is_counted(
    watch: Watch, render_numbers: RenderNumbers
) -> None:
    watch.add("cam", str(render_numbers(50)), loop=True)
    watch.read("cam")
    watch.supervisor.stop("cam")
    watch.wait_until(lambda: watch.resting == ["cam"])
    status = watch.supervisor.status("cam")
    assert (status.state, status.received) == ("STOPPED", watch.rings["cam"].newest)
    watch.supervisor.stop("cam")  # it rests already
    watch.wait_until(lambda: watch.resting == ["cam", "cam"])


def test_a_camera_that_is_removed_leaves_nothing(watch: Watch, http_sources: HttpSources) -> None:
    watch.add("cam", http_sources.add_camera("a", numbered_picture))
    watch.read("cam")
    pid, name = watch.reader_pid("cam"), watch.rings["cam"].name
    watch.supervisor.remove("cam")
    watch.wait_until(lambda: not Path(f"/proc/{pid}").exists())
    watch.wait_until(lambda: not Path("/dev/shm", name).exists())
    assert watch.supervisor.statuses() == {}
