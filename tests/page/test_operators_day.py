"""A day of an operator, by page alone: from the first log-in to a revoked key."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Browser, Page, expect

from sightline.demo import CLIP
from sightline.service.alerts.signature import verify
from tests.e2e.running_service import RunningService, wait_for
from tests.page.conftest import OpenPage
from tests.page.sources import make_endless
from tests.service.conftest import ServeRtsp
from tests.service.receivers import Receiver

SECRET = "a secret of the receiver"
LONG = 300_000
"""Milliseconds that tracking a short video may take on a busy machine."""


@pytest.fixture
def service(chromium: Browser, tmp_path: Path) -> Iterator[RunningService]:
    """A service as it is after its first start: nobody has configured a camera."""
    assert chromium.is_connected()
    config = {
        "security": {"allowed_networks": ["127.0.0.0/8"]},
        "detector": {"classes": ["person"]},
        "tracker": {"reid": "colour"},
    }
    with RunningService(tmp_path, config) as service:
        yield service
        service.end()


def test_an_operators_day_by_page_alone(
    service: RunningService, open_page: OpenPage, serve_rtsp: ServeRtsp, tmp_path: Path
) -> None:
    camera = serve_rtsp({"plaza": make_endless(CLIP, tmp_path / "plaza.mp4", 600)})
    admin = open_page(base_url=service.url)
    log_in(admin, service.token)
    token = make_a_key(admin, "Day shift")
    page = open_page(base_url=service.url)
    log_in(page, token)
    with Receiver().running() as receiver:
        add_the_camera(page, camera.url("plaza"))
        make_an_alert(page, receiver.url)
        draw_a_line(page)
        see_what_happens(page)
        wait_for(lambda: "event" in kinds_sent(receiver), "the alert's message of an event")
    read_the_numbers(page)
    have_a_video_tracked(page, short_clip(tmp_path))
    find_somebody_again(page)
    revoke_the_key(admin, "Day shift")
    expect(page.get_by_text("The login has ended.")).to_be_visible()
    expect(page.get_by_label("Access token")).to_be_focused()


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("There are no cameras yet")).to_be_visible()


def go(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def make_a_key(page: Page, name: str) -> str:
    go(page, "Administration")
    page.get_by_role("button", name="New key").click()
    form = page.get_by_role("dialog", name="New key")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Role").select_option("operator")
    form.get_by_role("button", name="Make the key").click()
    shown = page.get_by_role("dialog", name=f"The key is made: {name}")
    token = shown.get_by_label("Token").input_value()
    shown.get_by_role("button", name="Close").click()
    return token


def add_the_camera(page: Page, address: str) -> None:
    page.get_by_role("link", name="Add a camera").first.click()
    page.get_by_label("Address").fill(address)
    page.get_by_label("Name", exact=False).last.fill("Plaza")
    page.get_by_role("button", name="Test and show a picture").click()
    expect(page.get_by_role("img", name="First picture of the camera")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Plaza", level=1)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def make_an_alert(page: Page, url: str) -> None:
    go(page, "Administration")
    page.get_by_role("button", name="New alert").click()
    form = page.get_by_role("dialog", name="New alert")
    form.get_by_label("Identifier").fill("hook")
    form.get_by_label("Address").fill(url)
    form.get_by_label("Secret").fill(SECRET)
    form.get_by_label("Line crossed").check()
    form.get_by_role("button", name="Make the alert").click()
    page.get_by_role("button", name="Send a test: hook").click()
    expect(page.get_by_text("The test arrived.")).to_be_visible()


def draw_a_line(page: Page) -> None:
    go(page, "Rules")
    surface = page.locator("svg.drawing")
    page.get_by_role("button", name="Line", exact=True).click()
    box = surface.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.02 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.98 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_label("Name").fill("Road")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. The rules apply from now on.")).to_be_visible()


def see_what_happens(page: Page) -> None:
    go(page, "Events")
    crossing = page.locator(".event .what", has_text="Road").first
    expect(crossing).to_be_visible(timeout=LONG)


def kinds_sent(receiver: Receiver) -> set[str]:
    """What the receiver was sent, each message signed by us."""
    kinds = set()
    for headers, body in list(receiver.taken):
        assert verify(SECRET, body, headers["Sightline-Signature"], now=time.time())
        kinds.add(json.loads(body)["type"])
    return kinds


def read_the_numbers(page: Page) -> None:
    go(page, "Numbers")
    chart = page.get_by_role("region", name="Entries and exits")
    with page.expect_download() as download:
        chart.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").count("\n") > 20


def find_somebody_again(page: Page) -> None:
    """From the first event on: who was seen too badly is known by no looks."""
    found = page.locator(".people li b").first
    unknown = page.get_by_role("main").get_by_role("alert").first
    for place in range(1, 9):
        go(page, "Events")
        crossings = page.locator(".event", has_text="Road")
        expect(crossings.first).to_be_visible()
        crossings.nth(max(0, crossings.count() - place)).click()
        page.get_by_role("link", name="Find this person").click()
        expect(found.or_(unknown)).to_be_visible()
        if found.is_visible():
            expect(found).to_have_text(re.compile(r"\d+ %"))
            return
    raise AssertionError("nobody who crossed the line is known by looks")


def have_a_video_tracked(page: Page, video: Path) -> None:
    go(page, "Jobs")
    page.locator(".drop input[type=file]").set_input_files(video)
    expect(page.get_by_text("Done")).to_be_visible(timeout=LONG)
    with page.expect_download() as download:
        page.get_by_role("link", name="mot.txt", exact=True).click()
    rows = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len({row.split(",")[1] for row in rows}) >= 2


def short_clip(folder: Path) -> Path:
    """The demonstration's first second."""
    path = folder / "short.mp4"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            assert packet.pts is not None
            assert packet.time_base is not None
            if packet.pts * packet.time_base > 1:
                break
            packet.stream = stream
            target.mux(packet)
    return path


def revoke_the_key(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Revoke: {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=name)).to_have_count(0)
