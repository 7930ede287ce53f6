"""Find this person: from an event, from a camera's picture, from a picture of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import OpenPage, Room, Screenshot
from tests.page.watched import watched_room


@pytest.fixture(scope="module")
def room(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with watched_room(tmp_path_factory.mktemp("search")) as found:
        found.until("/v1/tracks?limit=500", lambda page: sum(map(is_over, page["items"])) > 2)
        yield found


def is_over(track: Any) -> bool:
    ended: bool = track["ended"]
    return ended


def assert_shows_tracks(room: Room, page: Page) -> None:
    """A card a track that the interface knows, the best first, and a bar on its camera's line."""
    cards = page.locator(".people li")
    expect(cards.first).to_be_visible()
    tracks = cards.evaluate_all("all => all.map(card => card.dataset.track)")
    known = room.client.get("/v1/tracks", params={"limit": 500}).json()["items"]
    assert set(tracks) <= {one["id"] for one in known}
    scores = [int(text.split(" %")[0]) for text in cards.locator("b").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    expect(page.locator(".lane .track button")).to_have_count(len(tracks))
    expect(page.locator(".lane .name")).to_have_text("Plaza")


def test_somebody_is_found_from_an_event(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.service.token, path="#/events?kind=zone_enter")
    page.locator(".event").last.click()
    page.get_by_role("link", name="Find this person").click()
    assert_shows_tracks(room, page)
    expect(page.locator(".portrait img").first).to_be_visible()
    screenshot("search-results", page)
    # A bar leads to its card.
    page.locator(".lane .track button").first.click()
    chosen = page.locator(".people li.chosen")
    expect(chosen).to_be_focused()
    starts = page.locator(".people time").evaluate_all("all => all.map(one => one.dateTime)")
    expect(chosen.locator("time")).to_have_attribute("datetime", min(starts))


def test_somebody_is_found_by_a_click_and_by_a_box_in_a_camera_s_picture(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.service.token, path="#/search")
    person = page.locator(".picking .person")
    expect(person.first).to_be_visible()
    page.get_by_role("button", name="Hold the picture").click()
    screenshot("search", page)
    box = person.first.bounding_box()
    assert box is not None
    # From outside of the box to the other side of it.
    page.mouse.move(box["x"] - 2, box["y"] - 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 2, box["y"] + box["height"] + 2, steps=5)
    page.mouse.up()
    with page.expect_response("**/v1/search*") as answered:
        page.get_by_role("button", name="Find the person in the box").click()
    assert answered.value.request.headers["content-type"] == "image/jpeg"
    assert "box=" in answered.value.url
    assert_shows_tracks(room, page)
    page.get_by_role("button", name="Look for somebody else").click()
    page.get_by_role("button", name="Hold the picture").click()
    person.first.focus()
    with page.expect_response("**/v1/search*") as by_track:
        page.keyboard.press("Enter")
    asked: Any = by_track.value.request.post_data_json
    track = asked["track"]
    assert track.startswith("plaza:")
    expect(page.get_by_role("heading", name=f"Who looks like {track}?")).to_be_visible()


def test_somebody_is_found_by_a_picture_that_is_uploaded(
    room: Room, open_page: OpenPage, tmp_path: Path
) -> None:
    picture = tmp_path / "seen.jpg"
    picture.write_bytes(room.client.get("/v1/streams/plaza/snapshot.jpg?raw=yes").content)
    text = tmp_path / "notes.txt"
    text.write_text("no picture", encoding="utf-8")
    page = open_page(room.service.token, path="#/search")
    page.get_by_role("button", name="In a picture of my own").click()
    page.get_by_label("Picture", exact=True).set_input_files(text)
    expect(page.get_by_role("alert")).to_contain_text("notes.txt is no JPEG, PNG or WebP")
    page.get_by_label("Picture", exact=True).set_input_files(picture)
    page.get_by_role("button", name="Set a box").click()
    chosen = page.get_by_role("button", name="Box around the person")
    chosen.focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    with page.expect_response("**/v1/search*") as answered:
        page.get_by_role("button", name="Find the person in the box").click()
    assert "box=0.3900%2C0.2900%2C0.5900%2C0.8000" in answered.value.url
    assert_shows_tracks(room, page)


def test_where_it_is_switched_off_the_page_says_who_can_switch_it_on(
    room: Room, open_page: OpenPage
) -> None:
    page = open_page(room.service.token, path="#/search?track=plaza:999999")
    expect(page.get_by_role("alert")).to_contain_text("there is no track 'plaza:999999'")
    page.get_by_role("button", name="Look for somebody else").last.click()
    expect(page.get_by_role("heading", name="Whom to look for")).to_be_visible()
