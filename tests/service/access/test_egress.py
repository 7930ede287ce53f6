"""FFmpeg behind the checking proxy, against real servers on two addresses of the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import av
import pytest

from sightline.service.access.egress import Egress
from sightline.service.access.policy import AddressPolicy

CLIP = files("sightline").joinpath("demo", "data", "plaza", "plaza.mp4").read_bytes()


@dataclass
class Site:
    """A server of one clip, of redirects and of playlists; notes what it was asked."""

    host: str
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    """An allowed server and a forbidden one."""
    with ExitStack() as stack:
        allowed, forbidden = (serve(stack, Site(f"127.0.0.{n}")) for n in (1, 2))
        yield allowed, forbidden


@pytest.fixture
def proxy() -> Iterator[str]:
    egress = Egress(AddressPolicy(("127.0.0.1/32",)))
    yield egress.start()
    egress.close()


def serve(stack: ExitStack, site: Site) -> Site:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers))
            target = self.path.removeprefix("/to?")
            if target != self.path:
                self.send_response(302)
                self.send_header("Location", target)
                body = b""
            else:
                self.send_response(200)
                body = site.pages.get(self.path, CLIP)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer((site.host, 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return site


def frames(url: str, proxy: str) -> int:
    options = {"http_proxy": proxy, "timeout": "10000000"}
    with av.open(url, options=options, timeout=20) as container:
        return sum(1 for _ in container.decode(video=0))


def test_an_allowed_source_comes_through_whole(sites: tuple[Site, Site], proxy: str) -> None:
    allowed, _ = sites
    assert frames(allowed.url("/clip.mp4?a=b"), proxy) == 300
    assert allowed.asked[0] == "/clip.mp4?a=b"
    assert allowed.headers[0]["Host"] == f"{allowed.host}:{allowed.port}"
    assert "Proxy-Authorization" not in allowed.headers[0]


def test_a_forbidden_source_is_never_asked(sites: tuple[Site, Site], proxy: str) -> None:
    _, forbidden = sites
    with pytest.raises(av.FFmpegError):
        frames(forbidden.url("/clip.mp4"), proxy)
    assert forbidden.asked == []


def test_a_redirect_is_followed_to_allowed_places_only(
    sites: tuple[Site, Site], proxy: str
) -> None:
    allowed, forbidden = sites
    assert frames(allowed.url(f"/to?{allowed.url('/clip.mp4')}"), proxy) == 300
    for target in (forbidden.url("/clip.mp4"), forbidden.url("/").replace("http:", "https:")):
        with pytest.raises(av.FFmpegError):
            frames(allowed.url(f"/to?{target}"), proxy)
    assert forbidden.asked == []


def test_a_playlist_leads_to_allowed_places_only(sites: tuple[Site, Site], proxy: str) -> None:
    allowed, forbidden = sites
    for name, site in (("good", allowed), ("bad", forbidden)):
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\n{}\n#EXT-X-ENDLIST\n"
        allowed.pages[f"/{name}.m3u8"] = text.format(site.url("/clip.mp4")).encode()
    assert frames(allowed.url("/good.m3u8"), proxy) == 300
    with pytest.raises(av.FFmpegError):
        frames(allowed.url("/bad.m3u8"), proxy)
    assert forbidden.asked == []


def test_the_proxy_serves_nobody_without_its_password(sites: tuple[Site, Site], proxy: str) -> None:
    allowed, _ = sites
    place = proxy.rpartition("@")[2]
    for user in ("", "sightline:wrong@"):
        with pytest.raises(av.FFmpegError):
            frames(allowed.url("/clip.mp4"), f"http://{user}{place}")
    assert allowed.asked == []


def test_a_proxy_that_was_closed_starts_anew(sites: tuple[Site, Site]) -> None:
    egress = Egress(AddressPolicy(("127.0.0.1/32",)))
    for _ in range(2):
        assert frames(sites[0].url("/clip.mp4"), egress.start()) == 300
        egress.close()
    egress.close()
