"""The page in Debian's Chromium, before a real service with real cameras.

One service and one browser serve all tests of a process; each test has a page and a login of its
own. Tests that change what others see (cameras, keys) make things with names of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from sightline.demo import CLIP
from sightline.service.api.page import BUILT
from tests.e2e.running_service import RunningService, following
from tests.page.sources import Image, make_endless, read_pictures, repeated
from tests.service.conftest import _gstreamer, _no_proxy, serve_rtsp  # noqa: F401 - fixtures
from tests.service.http_sources import HttpSources
from tests.service.rtsp_server import RtspServer, missing_gstreamer

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "out" / "screens"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--no-proxy-server"),
    *("--disable-dev-shm-usage", "--disable-breakpad", "--disable-extensions"),
)
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds; the machine may be busy with other tests."""
expect.set_options(timeout=PATIENCE)
_TWO_PICTURES = """
    () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
"""


class Room:
    """What the tests share: a service and its cameras.

    Args:
        service: Runs; its cameras are `plaza` (RTSP where GStreamer is there, else HTTP) and `gate`
            (MJPEG by HTTP), both of the demonstration's clip, with people in it.
        sources: The server of HTTP cameras, for more of them.
        client: The administrator's HTTP client.
        picture: Draws the demonstration's clip, for more cameras of `sources`.
    """

    def __init__(
        self,
        service: RunningService,
        sources: HttpSources,
        client: httpx.Client,
        picture: Callable[[int], Image],
    ) -> None:
        self.service = service
        self.sources = sources
        self.client = client
        self.picture = picture

    @property
    def url(self) -> str:
        return self.service.url

    def key(self, role: str, streams: list[str] | None = None, name: str = "test") -> Any:
        """A new key as the service answers it, with `id` and `token`."""
        answer = self.client.post("/v1/keys", json={"name": name, "role": role, "streams": streams})
        answer.raise_for_status()
        return answer.json()

    def until(self, path: str, condition: Callable[[Any], bool]) -> Any:
        """Ask a path until what it answers fulfils a condition."""
        with following(self.client, path) as until:
            return until(condition)


class OpenPage(Protocol):
    """Opens the page in a browser context of its own."""

    def __call__(
        self, token: str | None = None, *, path: str = "#/cameras", **options: Any
    ) -> Page: ...


class Screenshot(Protocol):
    """Writes `out/screens/NAME-{desktop,phone,dark}.png`."""

    def __call__(self, name: str, page: Page | None = None) -> None: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium; apt-get install chromium")
    if not (BUILT / "index.html").is_file():
        pytest.skip("the page is not built; make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def room(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The service with its cameras, once people are seen in both."""
    folder = tmp_path_factory.mktemp("room")
    config = {
        "security": {"allowed_networks": ["127.0.0.0/8"]},
        "auth": {"attempts_per_minute": 10_000},
        "detector": {"classes": ["person"]},
    }
    rtsp = None
    with HttpSources() as sources:
        picture = repeated(read_pictures(CLIP, every=5))
        gate = sources.add_camera("gate", picture, fps=5)
        plaza = sources.add_camera("plaza", picture, fps=5)
        if not missing_gstreamer():
            rtsp = RtspServer({"plaza": make_endless(CLIP, folder / "plaza.mp4")})
            plaza = rtsp.url("plaza")
        try:
            with RunningService(folder, config) as service, service.client() as client:
                for name, url in (("gate", gate), ("plaza", plaza)):
                    body = {"id": name, "name": name.title(), "url": url, "process_fps": 5}
                    client.post("/v1/streams", json=body).raise_for_status()
                found = Room(service, sources, client, picture)
                for name in ("gate", "plaza"):
                    found.until(f"/v1/streams/{name}/tracks", lambda answer: answer["tracks"])
                yield found
                service.end()
        finally:
            if rtsp is not None:
                rtsp.die()


@pytest.fixture
def open_page(room: Room, chromium: Browser) -> Iterator[OpenPage]:
    """`open_page(token, path="#/cameras")`: a page that is logged in; without a token it is not.

    Fails the test if a script of a page failed, or its policy refused something.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            problems.append(message.text)

    def open_page(token: str | None = None, *, path: str = "#/cameras", **options: Any) -> Page:
        usual = {"base_url": room.url, "viewport": DESKTOP, "locale": "en-GB"}
        settings: dict[str, Any] = {**usual, **options}
        context = chromium.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if token is not None:
            answer = context.request.post("/v1/session", data={"token": token})
            assert answer.ok, answer.text()
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", note)
        page.goto(f"/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(room: Room, open_page: OpenPage) -> Page:
    """The page of the administrator, at the cameras."""
    return open_page(room.service.token)


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Screenshot:
    """`screenshot("cameras", page)` for people to look at; the test's `page` if none is given."""

    def take(name: str, page: Page | None = None) -> None:
        shown: Page = page or request.getfixturevalue("page")
        SCREENS.mkdir(parents=True, exist_ok=True)
        looks: tuple[tuple[str, Any, Any], ...] = (
            ("desktop", DESKTOP, "light"),
            ("phone", PHONE, "light"),
            ("dark", DESKTOP, "dark"),
        )
        for look, size, scheme in looks:
            shown.set_viewport_size(size)
            shown.emulate_media(color_scheme=scheme)
            # Two pictures of the screen later everything is laid out and drawn.
            shown.evaluate(_TWO_PICTURES)
            shown.screenshot(path=SCREENS / f"{name}-{look}.png")
        shown.set_viewport_size(DESKTOP)
        shown.emulate_media(color_scheme="light")

    return take
