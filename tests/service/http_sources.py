"""HTTP cameras on the loopback: MJPEG, feeds, files, HLS; they stall, send garbage, vanish."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["HttpSources"]

Image = npt.NDArray[np.uint8]
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class HttpSources:
    """A server with `/NAME.mjpeg` cameras, files and redirects; a context manager.

    Its switches act at once, on running connections, too.

    Args:
        credentials: User and password of Basic authentication, if it asks for them.
    """

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        self._cameras: dict[str, tuple[Callable[[int], Image], float]] = {}
        self._feeds: dict[str, tuple[Callable[[], Iterable[bytes]], float]] = {}
        self._files: dict[str, Path] = {}
        self._redirects: dict[str, str] = {}
        self._secret = credentials and base64.b64encode(":".join(credentials).encode()).decode()
        self._stop = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self.garbage = False
        self.gone = False
        self.requests: list[str] = []
        server = _Server(("127.0.0.1", 0), _Handler)
        server.sources = self
        self.port: int = server.server_port
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def add_camera(self, name: str, picture: Callable[[int], Image], fps: float = 25.0) -> str:
        """Multipart MJPEG without an end; `picture(number)` draws frame `number` of a connection.

        Returns:
            Its address.
        """
        self._cameras[f"/{name}.mjpeg"] = (picture, fps)
        return self.url(f"{name}.mjpeg")

    def add_feed(self, name: str, pieces: Callable[[], Iterable[bytes]], fps: float = 25.0) -> str:
        """A stream of any format; `pieces()` begins one anew for each connection.

        Returns:
            Its address.
        """
        self._feeds[f"/{name}"] = (pieces, fps)
        return self.url(name)

    def add_file(self, path: Path, name: str | None = None) -> str:
        """A file, with ranges; a folder adds all its files (HLS).

        Returns:
            Its address (a folder's: without what follows its name).
        """
        name = name or path.name
        if path.is_dir():
            for part in path.iterdir():
                self._files[f"/{name}/{part.name}"] = part
        else:
            self._files[f"/{name}"] = path
        return self.url(name)

    def add_redirect(self, name: str, target: str) -> str:
        """An address that sends its callers to another."""
        self._redirects[f"/{name}"] = target
        return self.url(name)

    def url(self, name: str) -> str:
        """Address of something on this server."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def stall(self) -> None:
        """Keep connections and send nothing any more; cameras and feeds stop within a picture."""
        self._flowing.clear()

    def flow(self) -> None:
        """End the stall."""
        self._flowing.set()

    def close(self) -> None:
        """End every connection and stop listening."""
        self._stop.set()
        self._flowing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def answer(self, request: _Handler) -> None:
        """Answer one request."""
        path = request.path.split("?")[0]
        self.requests.append(path)
        if self.gone or path not in self._known():
            request.send_error(404)
        elif self._secret and request.headers["Authorization"] != f"Basic {self._secret}":
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="test"')
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path in self._redirects:
            request.send_response(302)
            request.send_header("Location", self._redirects[path])
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path in self._files:
            self._send_file(request, self._files[path])
        elif path in self._feeds:
            self._send_feed(request, *self._feeds[path])
        else:
            self._send_camera(request, *self._cameras[path])

    def _known(self) -> set[str]:
        return {*self._cameras, *self._feeds, *self._files, *self._redirects}

    def _send_file(self, request: _Handler, path: Path) -> None:
        content = b"no video at all " * 4096 if self.garbage else path.read_bytes()
        wanted = _RANGE.match(request.headers["Range"] or "")
        start = int(wanted[1]) if wanted else 0
        end = int(wanted[2]) + 1 if wanted and wanted[2] else len(content)
        body = content[start:end]
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Accept-Ranges", "bytes")
        if wanted:
            last = start + len(body) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        request.end_headers()
        for begin in range(0, len(body), 16384):
            self._flowing.wait()
            request.wfile.write(body[begin : begin + 16384])

    def _send_camera(self, request: _Handler, picture: Callable[[int], Image], fps: float) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        number = 0
        while not self._stop.wait(1 / fps) and not self.gone:
            jpeg = cv2.imencode(".jpg", picture(number))[1].tobytes()
            if self.garbage:
                jpeg = jpeg[:20] + bytes(len(jpeg) - 20)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self._send_piece(request, head.encode() + jpeg + b"\r\n")
            number += 1

    def _send_feed(
        self, request: _Handler, pieces: Callable[[], Iterable[bytes]], fps: float
    ) -> None:
        request.send_response(200)
        request.end_headers()
        for piece in pieces():
            if self._stop.wait(1 / fps) or self.gone:
                return
            self._send_piece(request, piece)

    def _send_piece(self, request: _Handler, piece: bytes) -> None:
        middle = len(piece) // 2
        request.wfile.write(piece[:middle])
        self._flowing.wait()
        request.wfile.write(piece[middle:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sources: HttpSources


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        with suppress(ConnectionError):  # readers leave when they have seen enough
            self.server.sources.answer(self)

    def log_message(self, *_: Any) -> None:
        pass
