from __future__ import annotations

import http.server
import shutil
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import pytest

from sightline.errors import SourceError
from sightline.video import open_source

ServeFile = Callable[..., str]
ServeRtsp = Callable[..., tuple[str, "subprocess.Popen[str]"]]
_PASSWORD = "p@ss:w/rd%41 +#ü"


def _with_credentials(url: str, credentials: str) -> str:
    return url.replace("://", f"://{credentials}@")


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtsps"])
def test_a_server_that_never_speaks_is_given_up(scheme: str, silent_port: int) -> None:
    with pytest.raises(SourceError, match="no data for") as caught:
        open_source(f"{scheme}://user:hush@127.0.0.1:{silent_port}/x", timeout=0.5)
    assert caught.value.code == "stream_timeout"
    assert "hush" not in str(caught.value)


def test_a_camera_that_falls_silent_is_given_up(
    tmp_path: Path, render_clip: Callable[..., Path], serve_rtsp: ServeRtsp
) -> None:
    url, process = serve_rtsp(render_clip(tmp_path / "long.mp4", frames=250))
    frames = iter(open_source(url, timeout=1.0))
    next(frames)
    process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(SourceError, match="no data for") as caught:
            list(frames)
    finally:
        process.send_signal(signal.SIGCONT)
    assert caught.value.code == "stream_timeout"


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_port_where_nothing_listens_is_said_plainly(scheme: str, silent_port: int) -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1.*nothing listens") as caught:
        open_source(f"{scheme}://u:hush@127.0.0.1:1/x", timeout=5)
    assert caught.value.code == "stream_timeout"
    assert "hush" not in str(caught.value)


def test_a_host_name_that_nobody_knows_is_said_plainly() -> None:
    with pytest.raises(SourceError, match=r"camera\.invalid is not known") as caught:
        open_source("rtsp://camera.invalid/x", timeout=5)
    assert caught.value.code in ("stream_not_found", "stream_timeout")


def test_other_schemes_are_refused() -> None:
    with pytest.raises(SourceError, match="not ftp") as caught:
        open_source("ftp://u:hush@host/clip.mp4")
    assert caught.value.code == "stream_refused"
    assert "hush" not in str(caught.value)


def test_a_path_that_a_server_does_not_have_is_not_found(
    clip: Path, serve_http: ServeFile, serve_rtsp: ServeRtsp
) -> None:
    for url in (
        serve_http(clip).replace("clip.mp4", "missing.mp4"),
        serve_rtsp(clip)[0].replace("/cam", "/other"),
    ):
        with pytest.raises(SourceError, match="check the path") as caught:
            open_source(url)
        assert caught.value.code == "stream_not_found"


def test_a_page_that_is_no_video_is_said_plainly(tmp_path: Path, serve_http: ServeFile) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>" + "not a video " * 200)
    with pytest.raises(SourceError, match="not video") as caught:
        open_source(serve_http(page))
    assert caught.value.code == "stream_codec"


@pytest.mark.parametrize("method", ["basic", "digest"])
def test_a_camera_takes_any_password_and_refuses_a_wrong_one(
    clip: Path, serve_rtsp: ServeRtsp, method: str
) -> None:
    url, _ = serve_rtsp(clip, method, "ad min", _PASSWORD)
    source = open_source(url, username="ad min", password=_PASSWORD)
    assert next(iter(source)).index == 0
    source.close()
    with pytest.raises(SourceError, match="wrong user or password") as caught:
        open_source(_with_credentials(url, "admin:hush%21"))
    assert caught.value.code == "stream_auth_failed"
    assert "hush" not in str(caught.value)
    with pytest.raises(SourceError, match="asks for user and password"):
        open_source(url)


@pytest.mark.parametrize("credentials", ["u:p@ss:w/rd", "u:p%40ss%3Aw%2Frd"])
def test_signs_in_a_password_work_raw_and_encoded(
    clip: Path, serve_http: ServeFile, serve_rtsp: ServeRtsp, credentials: str
) -> None:
    for url in (
        serve_http(clip, credentials=("u", "p@ss:w/rd")),
        serve_rtsp(clip, "basic", "u", "p@ss:w/rd")[0],
    ):
        source = open_source(_with_credentials(url, credentials))
        assert next(iter(source)).source == source.name
        assert "ss" not in source.name
        source.close()


def test_a_wrong_http_password_is_an_authentication_failure(
    clip: Path, serve_http: ServeFile
) -> None:
    with pytest.raises(SourceError, match="wrong user or password") as caught:
        open_source(_with_credentials(serve_http(clip, credentials=("u", "right")), "u:hush"))
    assert caught.value.code == "stream_auth_failed"
    assert "hush" not in str(caught.value)


def test_ffmpeg_is_talkative_but_keeps_the_secret(
    clip: Path, serve_http: ServeFile, caplog: pytest.LogCaptureFixture
) -> None:
    url = _with_credentials(serve_http(clip, credentials=("u", "hush")), "u:hush")
    before = av.logging.get_level()
    av.logging.set_level(av.logging.DEBUG)
    try:
        with caplog.at_level(1, "libav"):
            open_source(url).close()
    finally:
        av.logging.set_level(before)
    text = "\n".join(caplog.messages)
    assert "***@" in text
    assert "Authorization: ***" in text
    assert "hush" not in text
    assert "dTpodXNo" not in text  # u:hush in base 64


def test_a_download_that_breaks_off_gives_the_frames_before(
    tmp_path: Path, render_clip: Callable[..., Path], serve_http: ServeFile
) -> None:
    path = render_clip(
        tmp_path / "clip.mp4",
        frames=60,
        container_options={"movflags": "faststart"},
        codec_options={"crf": "1", "bf": "0"},
    )
    url = serve_http(path, broken_after=path.stat().st_size * 2 // 3)
    source = open_source(url, timeout=2)
    frames = list(source)
    assert 20 < len(frames) < 60
    assert source.warnings


@pytest.fixture
def https_url(clip: Path, tmp_path: Path) -> Iterator[str]:
    """The clip behind a certificate that nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(clip.parent))

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}/clip.mp4"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_untrusted_certificate_is_refused_unless_asked_otherwise(https_url: str) -> None:
    with pytest.raises(SourceError, match="no trusted TLS connection") as caught:
        open_source(https_url, timeout=5)
    assert caught.value.code == "stream_tls"
    source = open_source(https_url, timeout=5, verify_tls=False)
    assert next(iter(source)).index == 0
    source.close()


def test_a_webcam_that_is_not_there_is_not_found() -> None:
    with pytest.raises(SourceError, match="no such device") as caught:
        open_source("/dev/video97")
    assert caught.value.code == "stream_not_found"


def test_closing_from_another_thread_ends_a_live_reading(
    tmp_path: Path, render_clip: Callable[..., Path], serve_rtsp: ServeRtsp
) -> None:
    url, _ = serve_rtsp(render_clip(tmp_path / "long.mp4", frames=250))
    source = open_source(url)
    frames = iter(source)
    next(frames)
    closer = threading.Thread(target=source.close)
    closer.start()
    rest = list(frames)
    closer.join()
    assert len(rest) < 249
