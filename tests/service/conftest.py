"""Real RTSP and HTTP cameras on the loopback, and clips for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.service.clips import repeated
from tests.service.http_sources import HttpSources
from tests.service.postgres import PostgresServer, missing_postgres
from tests.service.rtsp_server import RtspServer, missing_gstreamer
from tests.video.conftest import numbered_picture

ServeRtsp = Callable[..., RtspServer]
RenderNumbers = Callable[..., Path]

_ENCODING = {"preset": "ultrafast", "tune": "zerolatency"}


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """FFmpeg follows `http_proxy`; the servers of the tests are on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def _gstreamer() -> None:
    reason = missing_gstreamer()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def serve_rtsp(_gstreamer: None) -> Iterator[ServeRtsp]:
    """`serve_rtsp({"cam": clip}, user, password, method) -> RtspServer`, ended with the test."""
    with ExitStack() as stack:

        def serve(clips: dict[str, Path], *access: Any) -> RtspServer:
            server = RtspServer(clips, *access)
            stack.callback(server.die)
            return server

        yield serve


@pytest.fixture
def http_sources() -> Iterator[HttpSources]:
    """A server of HTTP cameras that asks for no password."""
    with HttpSources() as sources:
        yield sources


@pytest.fixture(scope="session")
def render_numbers(tmp_path_factory: pytest.TempPathFactory) -> RenderNumbers:
    """H.264 clip of pictures with their number: `render_numbers(frames=50, rate=25, size=…)`.

    `tests.video.conftest.number_of` reads the number (modulo 256) from a decoded picture. The file
    has a key frame every `group` frames and no B-frames, as cameras send it.
    """

    def render(
        frames: int = 50,
        rate: int = 25,
        size: tuple[int, int] = (128, 96),
        group: int = 10,
    ) -> Path:
        path = tmp_path_factory.mktemp("numbers") / f"{frames}-{rate}.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream: Any = container.add_stream("libx264", rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.options = _ENCODING | {"g": str(group)}
            for number in range(frames):
                picture = numbered_picture(number % 256, *size)
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return render


@pytest.fixture(scope="session")
def endless_clip(render_numbers: RenderNumbers) -> Path:
    """Ten minutes of numbered pictures, 128×96 at 25 frames a second: longer than any test."""
    return repeated(render_numbers(frames=256, group=16), 60)


@pytest.fixture(scope="session")
def vtest_h264(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`vtest.avi` (real people, PETS09-S2L1) as H.264 at its 10 frames a second, for RTSP."""
    # All workers of a run share one.
    folder = tmp_path_factory.getbasetemp()
    path = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "vtest.mp4"
    if path.exists():
        return path
    part = path.with_name(f"{os.getpid()}.mp4")
    with (
        av.open(str(shared / "data" / "clips" / "vtest.avi")) as source,
        av.open(str(part), "w", options={"movflags": "faststart"}) as target,
    ):
        stream: Any = target.add_stream("libx264", rate=10)
        stream.width, stream.height = 768, 576
        stream.pix_fmt = "yuv420p"
        stream.options = _ENCODING | {"crf": "16", "g": "20"}
        for number, picture in enumerate(source.decode(video=0)):
            picture.pts, picture.time_base = number, Fraction(1, 10)
            target.mux(stream.encode(picture))
        target.mux(stream.encode())
    return part.replace(path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; `postgres.create()` makes an empty database in it."""
    reason = missing_postgres()
    if reason:
        pytest.skip(reason)
    server = PostgresServer()
    yield server
    server.close()
