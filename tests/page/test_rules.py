"""Lines, zones and masks: drawn as a guard would, kept by the interface."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Locator, Page, expect

from tests.e2e.running_service import wait_for
from tests.page.conftest import OpenPage, Room, Screenshot

TAP_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def add_camera(room: Room, name: str) -> str:
    """A camera that gives no pictures; a test may draw into it what it likes."""
    body = {"id": name, "url": "http://127.0.0.1:9/none", "enabled": False}
    room.client.post("/v1/streams", json=body).raise_for_status()
    return name


def drawn(room: Room, stream: str, kind: str) -> list[Any]:
    answer = room.client.get(f"/v1/streams/{stream}/{kind}")
    answer.raise_for_status()
    shapes: list[Any] = answer.json()[kind]
    return shapes


def surface_of(page: Page) -> Locator:
    surface = page.locator("svg.drawing")
    expect(surface).to_be_visible()
    surface.scroll_into_view_if_needed()
    return surface


def at(surface: Locator, x: float, y: float) -> tuple[float, float]:
    """Where a place in 0…1 of the picture is on the screen."""
    box = surface.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: Page, surface: Locator, *places: tuple[float, float]) -> None:
    page.mouse.move(*at(surface, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(surface, *place), steps=4)
    page.mouse.up()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. The rules apply from now on.")).to_be_visible()


def near(points: Any, expected: list[list[float]]) -> bool:
    return np.shape(points) == np.shape(expected) and bool(
        np.allclose(points, expected, atol=0.012)
    )


def is_black(room: Room, stream: str, x: float, y: float) -> bool:
    """Whether the camera's picture is black at a place in 0…1."""
    jpeg = room.client.get(f"/v1/streams/{stream}/snapshot.jpg?raw=yes").content
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    return bool(image[int(y * height), int(x * width)].max() < 30)


def test_a_line_is_drawn_dragged_undone_and_saved_with_the_mouse(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.key("operator")["token"], path="#/rules/gate")
    surface = surface_of(page)
    expect(page.locator(".surface img")).to_be_visible()
    page.get_by_role("button", name="Line", exact=True).click()
    drag(page, surface, (0.3, 0.5), (0.7, 0.5))
    page.get_by_label("Name").fill("Door")
    drag(page, surface, (0.7, 0.5), (0.8, 0.4), (0.8, 0.6))
    corner = page.get_by_role("button", name=re.compile("^Point 2"))
    expect(corner).to_have_accessible_name(re.compile("80 % from the left, 60 % from the top"))
    page.get_by_role("button", name="Undo").click()
    expect(corner).to_have_accessible_name(re.compile("70 % from the left, 50 % from the top"))
    page.get_by_role("button", name="Redo").click()
    screenshot("rules", page)
    assert drawn(room, "gate", "lines") == []  # nothing is kept yet
    save(page)
    (line,) = drawn(room, "gate", "lines")
    assert (line["id"], line["name"]) == ("line-1", "Door")
    assert near(line["points"], [[0.3, 0.5], [0.8, 0.6]])
    page.get_by_role("button", name="Turn the direction round").click()
    # The whole line, held between its ends and its arrow.
    drag(page, surface_of(page), (0.4, 0.52), (0.4, 0.72))
    save(page)
    (line,) = drawn(room, "gate", "lines")
    assert near(line["points"], [[0.8, 0.8], [0.3, 0.7]])
    page.get_by_role("button", name="Remove", exact=True).click()
    save(page)
    assert drawn(room, "gate", "lines") == []


def test_a_zone_is_tapped_on_a_phone_and_what_is_typed_wrongly_stays(
    room: Room, open_page: OpenPage
) -> None:
    stream = add_camera(room, "tapped")
    page = open_page(room.key("operator")["token"], path=f"#/rules/{stream}", **TAP_PHONE)
    page.get_by_role("button", name="Zone", exact=True).tap()
    surface = surface_of(page)
    corners = [[0.1, 0.3], [0.9, 0.3], [0.9, 0.95], [0.1, 0.95]]
    for x, y in [*corners, corners[0]]:
        page.touchscreen.tap(*at(surface, x, y))
    dwell = page.get_by_label(re.compile("Report a stay of"))
    dwell.fill("a while")
    expect(page.get_by_text("A number of seconds above 0")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.get_by_role("alert")).to_contain_text("a field of zone-1 does not fit")
    expect(dwell).to_have_value("a while")
    assert drawn(room, stream, "zones") == []
    dwell.fill("3,5")
    save(page)
    (zone,) = drawn(room, stream, "zones")
    assert zone["dwell"] == 3.5
    assert near(zone["points"], corners)


def test_a_mask_is_drawn_with_the_keyboard_alone_and_hides_what_is_behind_it(
    room: Room, open_page: OpenPage
) -> None:
    page = open_page(room.key("operator")["token"], path="#/rules/gate")
    expect(page.locator(".surface img")).to_be_visible()
    page.get_by_role("button", name="Mask", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("svg.drawing")).to_be_focused()
    for keys in ("ArrowLeft ArrowUp", "ArrowRight ArrowRight", "ArrowDown ArrowDown", "ArrowLeft"):
        for key in keys.split():
            for _ in range(4):
                page.keyboard.press(f"Shift+{key}")
        page.keyboard.press("Enter")
    # The last corner makes the edges cross; without it three are left.
    page.keyboard.press("Backspace")
    page.get_by_role("button", name="Finish").focus()
    page.keyboard.press("Enter")
    corner = page.get_by_role("button", name=re.compile("^Point 1"))
    corner.focus()
    page.keyboard.press("ArrowLeft")
    expect(corner).to_have_accessible_name(re.compile("29 % from the left"))
    page.keyboard.press("Control+z")
    expect(corner).to_have_accessible_name(re.compile("30 % from the left"))
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    try:
        (mask,) = drawn(room, "gate", "masks")
        assert near(mask, [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7]])
        wait_for(lambda: is_black(room, "gate", 0.62, 0.4), "the mask in the camera's picture")
    finally:
        room.client.put("/v1/streams/gate/masks", json={"masks": []}).raise_for_status()


def test_a_line_that_can_never_count_is_warned_of_before_it_is_saved(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    stream = add_camera(room, "warned")
    page = open_page(room.key("operator")["token"], path=f"#/rules/{stream}")
    surface = surface_of(page)
    page.get_by_role("button", name="Line", exact=True).click()
    drag(page, surface, (0.1, 0.998), (0.9, 0.999))
    expect(page.get_by_text("there is no room right of it")).to_be_visible()
    expect(page.get_by_text("can never fire", exact=True)).to_be_visible()
    expect(page.locator(".shape.wrong")).to_have_count(1)
    screenshot("rules-warning", page)
    # Dragged up into the picture, it can.
    drag(page, surface, (0.3, 0.998), (0.3, 0.7))
    expect(page.get_by_text("there is no room right of it")).to_have_count(0)
    # A zone whose edges cross cannot be saved, and is told apart at once.
    page.get_by_role("button", name="Zone", exact=True).click()
    for x, y in ((0.2, 0.2), (0.6, 0.5), (0.6, 0.2), (0.2, 0.5), (0.2, 0.2)):
        page.mouse.click(*at(surface, x, y))
    expect(page.get_by_text("This cannot be saved:")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert drawn(room, stream, "zones") == []


def test_what_is_drawn_is_tried_on_the_tracks_that_were_recorded_last(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    room.until("/v1/streams/plaza/recorded", lambda answer: answer["end"] is not None)
    room.until("/v1/streams/plaza/paths", lambda answer: walk_in(answer) is not None)
    page = open_page(room.key("operator")["token"], path="#/rules/plaza")
    surface = surface_of(page)
    expect(page.locator(".surface img")).to_be_visible()
    page.get_by_role("button", name="Zone", exact=True).click()
    for x, y in ((0.05, 0.05), (0.95, 0.05), (0.95, 0.98), (0.05, 0.98), (0.05, 0.05)):
        page.mouse.click(*at(surface, x, y))
    with page.expect_response("**/v1/rules/replay") as replayed:
        page.get_by_role("button", name="Try it").click()
    asked: Any = replayed.value.request.post_data_json
    assert [zone["id"] for zone in asked["zones"]] == ["zone-1"]
    totals = replayed.value.json()["totals"]
    assert sum(total["count"] for total in totals) > 0
    rows = page.get_by_role("region", name="What it would have counted").get_by_role("row")
    expect(rows).to_have_count(1 + len(totals))
    counts = [int(row.split("\t")[-1]) for row in rows.all_inner_texts()[1:]]
    assert counts == [total["count"] for total in totals]
    # The tracks walk through the picture, and stand still where somebody holds them.
    page.get_by_role("button", name="Pause").click()
    moment = walk_in(room.client.get("/v1/streams/plaza/paths").json())
    page.get_by_label("Moment").fill(str(moment))
    expect(page.locator(".walkers > g").first).to_be_attached()
    screenshot("rules-replay", page)
    assert drawn(room, "plaza", "zones") == []  # trying keeps nothing


def walk_in(paths: Any) -> int | None:
    """Milliseconds at which somebody was on their way whose path is known; None without any."""
    for track in paths["items"]:
        if len(track["path"]) > 4:
            start = datetime.fromisoformat(track["started_at"]).timestamp()
            return round(1000 * (start + float(track["path"][2][0])))
    return None


def test_drawings_outlive_a_look_at_another_view(room: Room, open_page: OpenPage) -> None:
    stream = add_camera(room, "kept")
    page = open_page(room.key("operator")["token"], path=f"#/rules/{stream}")
    page.get_by_role("button", name="Line", exact=True).click()
    drag(page, surface_of(page), (0.2, 0.4), (0.6, 0.4))
    page.get_by_role("link", name="Events").click()
    expect(page.get_by_role("heading", name="Events", level=1)).to_be_visible()
    page.goto(f"/#/rules/{stream}")
    expect(page.get_by_text("What you changed is not saved yet.")).to_be_visible()
    save(page)
    assert near(drawn(room, stream, "lines")[0]["points"], [[0.2, 0.4], [0.6, 0.4]])
