from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sightline.service.access.egress import Egress
from sightline.service.access.policy import AddressPolicy
from sightline.service.cameras.log_lines import LogLines
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.peers import connected_addresses
from sightline.service.config import Stream
from sightline.service.processes import start_child
from tests.service.access.test_egress import Site, serve
from tests.service.rtsp_server import RtspServer
from tests.service.watching import Watch

ServeRtsp = Callable[..., RtspServer]
_ELSEWHERE = "127.0.0.2"


@pytest.fixture
def redirecting() -> Iterator[Callable[[str], int]]:
    """`redirecting(url) -> port` of an RTSP server at 127.0.0.2 that sends its callers there."""
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(url: str) -> int:
        server = socket.create_server((_ELSEWHERE, 0))
        servers.append(server)

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, connection.makefile("rb") as lines:
                        _redirect_all(connection, lines, url)

        threads.append(threading.Thread(target=answer, daemon=True))
        threads[-1].start()
        return int(server.getsockname()[1])

    yield serve
    for server in servers:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join()


def _redirect_all(connection: socket.socket, lines: object, url: str) -> None:
    method, number = b"", b"1"
    for line in lines:  # type: ignore[attr-defined]
        if line.strip():
            method = method or line.split()[0]
            number = line.split()[1] if line.lower().startswith(b"cseq") else number
            continue
        head = b"RTSP/1.0 200 OK\r\n"
        if method == b"DESCRIBE":
            head = b"RTSP/1.0 302 Moved\r\nLocation: " + url.encode() + b"\r\n"
        connection.sendall(head + b"CSeq: " + number + b"\r\nPublic: DESCRIBE\r\n\r\n")
        method = b""


def test_whom_we_are_connected_to_is_known() -> None:
    with socket.create_server((_ELSEWHERE, 0)) as server:
        port = server.getsockname()[1]
        assert _ELSEWHERE not in connected_addresses()
        with socket.create_connection((_ELSEWHERE, port)):
            assert _ELSEWHERE in connected_addresses()
        assert _ELSEWHERE not in connected_addresses()


@pytest.mark.parametrize("checked", [True, False])
def test_a_camera_that_sends_us_elsewhere_is_refused_if_its_address_was_checked(
    serve_rtsp: ServeRtsp,
    endless_clip: Path,
    redirecting: Callable[[str], int],
    checked: bool,
) -> None:
    port = redirecting(serve_rtsp({"a": endless_clip}).url("a"))
    stream = Stream(id="cam", url=f"rtsp://{_ELSEWHERE}:{port}/b")
    with Watch() as watch:
        watch.supervisor.add(stream, Guard((f"{_ELSEWHERE}/32",)) if checked else None)
        if not checked:  # the configuration file is trusted, and so is who it names
            watch.wait_for("cam", "RUNNING")
            return
        status = watch.wait_for("cam", "FAILED")
        assert status.error_code == "stream_refused"
        assert "127.0.0.1" in (status.error or "")
        assert "cam" not in watch.rings


@pytest.fixture
def proxied() -> Iterator[Guard]:
    """Allows 127.0.0.1 alone, and goes through a proxy that sees to it."""
    egress = Egress(AddressPolicy(("127.0.0.1/32",)))
    yield Guard(("127.0.0.1/32",), egress.start())
    egress.close()


@pytest.mark.parametrize("way", ["redirect", "redirect to TLS", "playlist"])
def test_an_http_source_that_leads_to_a_forbidden_address_is_refused(
    proxied: Guard, way: str
) -> None:
    with ExitStack() as stack:
        allowed, forbidden = (serve(stack, Site(f"127.0.0.{n}")) for n in (1, 2))
        there = forbidden.url("/clip.mp4")
        allowed.pages["/a.m3u8"] = (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\n{there}\n#EXT-X-ENDLIST\n".encode()
        )
        path = {
            "redirect": f"/to?{there}",
            "redirect to TLS": f"/to?{there.replace('http:', 'https:')}",
            "playlist": "/a.m3u8",
        }[way]
        with Watch() as watch:
            watch.supervisor.add(Stream(id="cam", url=allowed.url(path)), proxied)
            status = watch.wait_for("cam", "FAILED")
        assert status.error_code == "stream_refused"
        assert f"127.0.0.2:{forbidden.port}" in (status.error or "")
        assert forbidden.asked == []


def test_behind_the_proxy_too_a_port_where_nothing_listens_is_called_so(proxied: Guard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Watch() as watch:
        watch.supervisor.add(Stream(id="cam", url=f"http://127.0.0.1:{port}/a.mp4"), proxied)
        status = watch.wait_for("cam", "BACKOFF")
    assert status.error_code == "stream_timeout"
    assert "nothing listens" in (status.error or "")


def say_secrets(pipe: object) -> None:
    import os

    log = LogLines()
    log.hide("p@ss word", None, "ad min")
    os.write(2, b"[rtsp @ 0x55d0c0ffee] cannot open rtsp://ad%20min:p%40ss%20word@10.0.0.5/x\n")
    os.write(2, b"Authorization: Basic YWRtaW46aHVzaA==\nraw p@ss word, p%40ss+word\nsame\nsame\n")
    os.write(2, b"".join(b"line %d\n" % number for number in range(15)))
    pipe.send(log.last())  # type: ignore[attr-defined]


def test_log_lines_are_few_and_without_secrets() -> None:
    child = start_child(say_secrets, name="log")
    lines = child.pipe.recv()
    child.stop(30)
    assert lines[:4] == (
        "[rtsp] cannot open rtsp://***@10.0.0.5/x",
        "Authorization: ***",
        "raw ***, ***",
        "same",
    )
    assert lines[4:] == tuple(f"line {number}" for number in range(15))
