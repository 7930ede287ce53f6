"""Clips whose frames carry their number, and the servers that sources are read from."""

from __future__ import annotations

import base64
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

Image = npt.NDArray[np.uint8]
RenderClip = Callable[..., Path]
ServeFile = Callable[..., str]
ServeRtsp = Callable[..., tuple[str, "subprocess.Popen[str]"]]

_SYSTEM_PYTHON = "/usr/bin/python3"
_RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
_BITS = 8


def numbered_picture(number: int, width: int = 128, height: int = 96) -> Image:
    """A picture with a red top half and its number as black and white bars below."""
    image = np.full((height, width, 3), (20, 20, 220), np.uint8)
    for bit in range(_BITS):
        left, right = bit * width // _BITS, (bit + 1) * width // _BITS
        image[height // 2 :, left:right] = 230 if number >> bit & 1 else 20
    return image


def number_of(image: Image) -> int:
    """The number that `numbered_picture` wrote, read from decoded pixels."""
    height, width = image.shape[:2]
    centres = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    row = image[height * 3 // 4, centres].mean(axis=1)
    return sum(1 << bit for bit in range(_BITS) if row[bit] > 128)


def set_rotation(path: Path, degrees: int) -> None:
    """Write a clockwise display rotation into the matrix of the track header of an MP4."""
    one = 1 << 16
    a, b = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd")
    struct.pack_into(">9i", content, header + 4 + 40, a, b, 0, -b, a, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.fixture(scope="session", name="numbered_picture")
def _numbered_picture() -> Callable[..., Image]:
    """`numbered_picture(number, width=128, height=96) -> BGR image`."""
    return numbered_picture


@pytest.fixture(scope="session", name="number_of")
def _number_of() -> Callable[[Image], int]:
    """`number_of(image) -> number` of a decoded numbered picture."""
    return number_of


@pytest.fixture(scope="session")
def render_clip() -> RenderClip:
    """Writes a clip of numbered pictures: `render_clip(path, frames=20, …) -> path`."""

    def render(
        path: Path,
        *,
        frames: int = 20,
        rate: int = 25,
        codec: str = "libx264",
        size: tuple[int, int] = (128, 96),
        ticks: Sequence[int] | None = None,
        container_options: dict[str, str] | None = None,
        codec_options: dict[str, str] | None = None,
    ) -> Path:
        with av.open(str(path), "w", options=container_options or {}) as container:
            stream: Any = container.add_stream(codec, rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.options = {"g": "10"} | (codec_options or {})
            unit = Fraction(1, rate) if ticks is None else Fraction(1, 1000)
            stream.codec_context.time_base = unit
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(numbered_picture(number, *size), format="bgr24")
                frame.pts = number if ticks is None else ticks[number]
                frame.time_base = unit
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return render


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, render_clip: RenderClip) -> Path:
    """20 numbered frames at 25 frames/s: H.264 with B-frames, index at the front."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return render_clip(path, container_options={"movflags": "faststart"})


class _Handler(BaseHTTPRequestHandler):
    content = b""
    authorization: str | None = None
    multipart = False
    broken_after: int | None = None

    def do_GET(self) -> None:
        with suppress(ConnectionError):  # readers leave when they have seen enough
            self._answer()

    def _answer(self) -> None:
        if self.path.split("?")[0] == "/missing.mp4":
            self.send_error(404)
        elif self.authorization and self.headers["Authorization"] != self.authorization:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.multipart:
            self._send_multipart()
        else:
            self._send_file()

    def _send_file(self) -> None:
        start = 0
        wanted = self.headers["Range"]
        if wanted:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        body = self.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            last = len(self.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        self.end_headers()
        self.wfile.write(body if self.broken_after is None else body[: self.broken_after])

    def _send_multipart(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(20):
            jpeg = cv2.imencode(".jpg", numbered_picture(number))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        self.wfile.write(b"--frame--\r\n")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """FFmpeg follows `http_proxy`; the servers of the tests are on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def serve_http() -> Iterator[ServeFile]:
    """Serves a file, or a multipart MJPEG, on the loopback: `serve_http(path) -> URL`."""
    with ExitStack() as stack:

        def serve(
            path: Path | None = None,
            *,
            credentials: tuple[str, str] | None = None,
            broken_after: int | None = None,
        ) -> str:
            secret = base64.b64encode(":".join(credentials or ()).encode()).decode()
            handler = type(
                "Handler",
                (_Handler,),
                {
                    "content": path.read_bytes() if path else b"",
                    "multipart": path is None,
                    "authorization": f"Basic {secret}" if credentials else None,
                    "broken_after": broken_after,
                },
            )
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/{path.name if path else 'stream'}"

        yield serve


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="session")
def serve_rtsp() -> Iterator[ServeRtsp]:
    """Serves a clip by RTSP: `serve_rtsp(path, "basic", user, password) -> URL, process`."""
    reason = missing_gstreamer()
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:

        def serve(path: Path, *authentication: str) -> tuple[str, subprocess.Popen[str]]:
            method, user, password = authentication or ("none", "", "")
            process = subprocess.Popen(
                [
                    *(_SYSTEM_PYTHON, str(_RTSP_SERVER), "0", method, user, password),
                    f"cam={path}",
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stdout is not None
            return f"rtsp://127.0.0.1:{int(process.stdout.readline())}/cam", process

        yield serve


def missing_gstreamer() -> str | None:
    check = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        "assert all(map(Gst.ElementFactory.find, ('qtdemux', 'h264parse', 'rtph264pay')))"
    )
    packages = (
        "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
    )
    try:
        done = subprocess.run([_SYSTEM_PYTHON, "-c", check], capture_output=True, check=False)
    except OSError:
        return f"no {_SYSTEM_PYTHON} to run GStreamer's RTSP server (Debian: {packages})"
    return f"no GStreamer RTSP server (Debian: {packages})" if done.returncode else None
