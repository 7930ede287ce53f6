"""What happened and what happens: listed, narrowed, looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import OpenPage, Room, Screenshot
from tests.page.watched import watched_room


@pytest.fixture(scope="module")
def room(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with watched_room(tmp_path_factory.mktemp("events")) as found:
        yield found


def events(room: Room, **query: Any) -> list[Any]:
    answer = room.client.get("/v1/events", params={"limit": 500, **query})
    answer.raise_for_status()
    items: list[Any] = answer.json()["items"]
    return items


def shown(page: Page) -> list[str]:
    return page.locator(".event .what").all_inner_texts()


def test_new_events_appear_by_themselves_with_their_pictures(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.key("viewer")["token"], path="#/events")
    rows = page.locator("ol.events > li")
    expect(rows.first).to_be_visible()
    before = rows.count()
    expect(rows.nth(before)).to_be_visible()  # one more, without anybody's doing
    strip = page.locator("img.strip").first
    expect(strip).to_be_visible()
    loaded = "image => image.decode().then(() => image.naturalWidth / image.naturalHeight)"
    assert strip.evaluate(loaded) > 3  # five pictures side by side
    screenshot("events", page)


def test_the_list_is_narrowed_by_rule_kind_class_and_time(room: Room, open_page: OpenPage) -> None:
    room.until("/v1/events?rule=hall", lambda answer: len(answer["items"]) > 3)
    page = open_page(room.service.token, path="#/events")
    form = page.get_by_role("form", name="Which events are shown")
    expect(form.get_by_label("Line or zone").locator("option")).to_have_count(3)
    form.get_by_label("Line or zone").select_option("Hall")
    expect(page.locator(".event .what", has_text="Door")).to_have_count(0)
    expect(page.locator(".event .what").first).to_contain_text("Hall")
    assert {text.partition(": ")[2].partition(",")[0] for text in shown(page)} == {"Hall"}
    form.get_by_label("What happened").select_option("Zone entered")
    expect(page.locator(".event .what", has_text="Zone left")).to_have_count(0)
    assert all(text.startswith("Zone entered: Hall") for text in shown(page))
    form.get_by_label("Of a", exact=True).select_option("person")
    expect(page.locator(".event .where", has_text="person").first).to_be_visible()
    # A link keeps it all.
    assert "rule=hall&kind=zone_enter&class=person" in sorted_query(page.url)
    form.get_by_label("From").fill("2031-01-01T10:00")
    expect(page.get_by_text("No event fits these filters")).to_be_visible()
    form.get_by_label("Until").fill("2030-01-01T10:00")
    expect(form.get_by_text("This is not after the beginning.")).to_be_visible()
    expect(form.get_by_label("From")).to_have_value("2031-01-01T10:00")
    form.get_by_role("button", name="Show all").click()
    expect(page.locator(".event").first).to_be_visible()


def sorted_query(url: str) -> str:
    parts = dict(part.split("=") for part in url.partition("?")[2].split("&"))
    return "&".join(f"{name}={parts.get(name)}" for name in ("rule", "kind", "class"))


def test_an_event_shows_its_picture_with_the_way_of_who_it_was(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    def is_whole(event: Any) -> bool:
        if not {"snapshot", "strip", "clip"} <= set(event["pictures"]):
            return False
        return len(track_of(room, event["track"])["path"]) > 3

    path = "/v1/events?kind=zone_enter&limit=500"
    found = room.until(path, lambda answer: any(map(is_whole, answer["items"])))["items"]
    event = next(one for one in found if is_whole(one))
    page = open_page(room.service.token, path=f"#/events?track={event['track']}")
    row = page.locator(".event", has_text="Zone entered").last
    row.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_contain_text("Zone entered: Hall")
    way = dialog.locator(".path .stroke")
    expect(way).to_be_visible()
    box = dialog.locator(".surface svg").get_attribute("viewBox")
    assert box is not None
    width, height = map(float, box.split()[2:])
    drawn = [tuple(map(float, pair.split(","))) for pair in way.get_attribute("points").split()]  # type: ignore[union-attr]
    places = track_of(room, event["track"])["path"]
    for (x, y), place in zip(drawn, places, strict=False):
        x1, _, x2, y2 = place["box"]
        assert x == pytest.approx((x1 + x2) / 2 * width, abs=0.5)
        assert y == pytest.approx(y2 * height, abs=0.5)
    video = dialog.locator("video")
    expect(video).to_be_visible()
    expect(dialog.locator("img.strip")).to_be_visible()
    screenshot("event", page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row).to_be_focused()


def track_of(room: Room, track: str) -> Any:
    return room.client.get(f"/v1/tracks/{track}").json()


def test_a_key_that_is_limited_sees_its_cameras_alone(room: Room, open_page: OpenPage) -> None:
    body = {"id": "other", "url": "http://127.0.0.1:9/none", "enabled": False}
    room.client.post("/v1/streams", json=body).raise_for_status()
    key = room.key("viewer", ["other"])
    page = open_page(key["token"], path="#/events")
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
    options = page.get_by_label("Camera").locator("option").all_inner_texts()
    assert options == ["All", "other"]
    assert events(room, stream="plaza")


def test_whoever_reads_further_down_is_not_disturbed(room: Room, open_page: OpenPage) -> None:
    room.until("/v1/events?limit=500", lambda answer: len(answer["items"]) > 40)
    page = open_page(room.service.token, path="#/events?kind=all")
    expect(page.locator(".event").nth(20)).to_be_attached()
    page.mouse.wheel(0, 1500)
    button = page.get_by_role("button", name="new event")
    expect(button).to_be_visible()
    first = page.locator(".event .when").first.inner_text()
    expect(button).not_to_have_text(button.inner_text())  # more have come
    assert page.locator(".event .when").first.inner_text() == first
    button.click()
    expect(button).to_have_count(0)
    expect(page.locator(".event").first).to_be_in_viewport()
    times = page.locator(".event time").evaluate_all("all => all.map(one => one.dateTime)")
    assert times == sorted(times, key=datetime.fromisoformat, reverse=True)
