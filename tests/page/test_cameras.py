"""The wall of cameras, one camera large, and the form that adds, changes, tests and removes one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import PHONE, OpenPage, Room, Screenshot
from tests.service.http_sources import HttpSources


def test_the_wall_shows_every_camera_live(page: Page, screenshot: Screenshot) -> None:
    expect(page.get_by_text("2 of 2 live")).to_be_visible()
    for name in ("Gate", "Plaza"):
        shown = page.locator("li.tile").filter(has=page.get_by_role("heading", name=name))
        expect(shown.locator("canvas")).to_have_attribute("data-sequence", re.compile(r"\d+"))
        expect(shown).to_contain_text("Live")
        expect(shown).to_contain_text(re.compile(r"[1-9][\d.]* frames/s · [\d.]+\ss old"))
        expect(shown.locator(".people b")).to_have_text(re.compile(r"[1-9]\d*"))
    screenshot("cameras", page)


def test_tiles_are_as_many_and_as_large_as_one_wants(page: Page) -> None:
    expect(page.locator("li.tile")).to_have_count(2)
    width = page.locator("li.tile").first.bounding_box()
    page.get_by_label("Size").fill("60")
    wider = page.locator("li.tile").first.bounding_box()
    assert width is not None
    assert wider is not None
    assert wider["width"] > 1.5 * width["width"]
    page.get_by_label("Tiles at once").fill("1")
    expect(page.locator("li.tile")).to_have_count(1)
    expect(page.get_by_text("Cameras 1 to 1 of 2")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Plaza")).to_be_visible()
    # It is remembered.
    page.reload()
    expect(page.locator("li.tile")).to_have_count(1)
    expect(page.get_by_label("Size")).to_have_value("60")


def test_one_camera_is_shown_large_with_what_is_known_of_it(
    page: Page, screenshot: Screenshot
) -> None:
    page.get_by_role("link", name=re.compile("Open Plaza")).click()
    expect(page.get_by_role("heading", name="Plaza", level=1)).to_be_focused()
    expect(page.locator("canvas")).to_have_attribute("data-sequence", re.compile(r"\d+"))
    expect(page.get_by_text("640 × 360 pixels")).to_be_visible()
    screenshot("camera", page)


@pytest.fixture
def locked(room: Room) -> Iterator[HttpSources]:
    """A camera that asks for a user and a password: `guard` and `p@ss`."""
    with HttpSources(("guard", "p@ss")) as sources:
        yield sources


def test_a_camera_is_added_tested_changed_and_removed(
    room: Room, page: Page, locked: HttpSources, screenshot: Screenshot
) -> None:
    address = locked.add_camera("yard", room.picture, fps=5)
    page.get_by_role("link", name="Add a camera").click()
    url = page.get_by_label("Address")
    # Checked as one types, but not before one can have finished.
    url.press_sequentially("rts")
    expect(url).not_to_have_attribute("aria-invalid", "true")
    url.fill("camera.local")
    expect(page.get_by_text("It begins with rtsp://")).to_be_visible()
    url.fill("http://guard:secret@camera/")
    expect(page.get_by_text("User and password belong in the fields below.")).to_be_visible()
    url.fill(address)
    page.get_by_label("Name", exact=False).last.fill("Back yard")
    expect(page.get_by_label("Identifier")).to_have_value("back-yard")
    # Without user and password it refuses us, and the form says so in words.
    page.get_by_role("button", name="Test and show a picture").click()
    expect(page.get_by_text("wrong user name or password")).to_be_visible()
    screenshot("camera-form-refused", page)
    page.get_by_label("User name").fill("guard")
    page.get_by_label("Password").fill("p@ss")
    page.get_by_role("button", name="Test and show a picture").click()
    picture = page.get_by_role("img", name="First picture of the camera")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 640
    screenshot("camera-form", page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Back yard", level=1)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Password")).to_have_value("")
    assert "p@ss" not in page.content()
    expect(page.get_by_text("A password is stored and never shown.")).to_be_visible()
    # The stored password is good for a test, too.
    page.get_by_role("button", name="Test and show a picture").click()
    expect(picture).to_be_visible()
    page.get_by_text("More settings").click()
    page.get_by_label("Time-out in seconds").fill("never")
    expect(page.get_by_text("A number from 0.5 to 600.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Time-out in seconds")).to_be_focused()
    expect(page.get_by_label("Time-out in seconds")).to_have_value("never")
    page.get_by_label("Time-out in seconds").fill("5")
    page.get_by_label("Name", exact=False).last.fill("Yard")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Yard", level=1)).to_be_visible()
    assert room.client.get("/v1/streams/back-yard").json()["timeout"] == 5

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Switched off")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_visible()
    expect(page.get_by_role("heading", name="Yard")).to_have_count(0)


def test_what_is_wrong_with_a_camera_is_said_in_a_sentence(
    room: Room, page: Page, locked: HttpSources, screenshot: Screenshot
) -> None:
    locked.add_camera("yard", room.picture, fps=5)
    with HttpSources() as silent:
        vault = silent.add_camera("vault", room.picture, fps=5)
        wrong = {
            "id": "lobby",
            "url": locked.url("yard.mjpeg"),
            "username": "guard",
            "password": "x",
        }
        away = {"id": "vault", "url": vault, "timeout": 3}
        try:
            for body in (wrong, away):
                room.client.post("/v1/streams", json=body).raise_for_status()
            expect(page.get_by_text("Wrong user name or password; somebody has")).to_be_visible()
            room.until("/v1/streams/vault", lambda answer: answer["status"]["state"] == "RUNNING")
            silent.stall()
            expect(
                page.get_by_text(re.compile(r"No answer for \d+\ss, next try in"))
            ).to_be_visible()
            screenshot("cameras-in-trouble", page)
            silent.flow()
            shown = page.locator("li.tile").filter(has=page.get_by_role("heading", name="vault"))
            expect(shown.get_by_text("Live", exact=True)).to_be_visible()
        finally:
            for name in ("lobby", "vault"):
                room.client.delete(f"/v1/streams/{name}")


def test_a_phone_shows_one_camera_beneath_the_other(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("viewer")["token"], viewport=PHONE, has_touch=True)
    expect(page.locator("li.tile")).to_have_count(2)
    first, second = (page.locator("li.tile").nth(place).bounding_box() for place in (0, 1))
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"]
    # Nothing is wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # Who may only look is offered nothing else.
    expect(page.get_by_role("link", name="Add a camera")).to_have_count(0)
