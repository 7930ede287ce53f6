"""Numbers by page: what the charts say is what the interface counts; files of what is shown."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage, Room, Screenshot


@pytest.fixture(scope="session")
def counted(room: Room) -> Room:
    """Somebody has come into the picture, and a track with a way is stored."""
    path = "/v1/streams/gate/movement"
    room.until(path, lambda answer: answer["tracks"] > 2 and answer["arrows"])
    return room


def test_people_now_charts_and_maps_are_shown(
    page: Page, counted: Room, screenshot: Screenshot
) -> None:
    page.goto("/#/numbers/gate")
    for title in ("Entries and exits", "Occupancy", "Where people stand and go"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    now = page.get_by_role("region", name="People now").get_by_role("listitem").first
    expect(now.locator("b")).not_to_have_text("–")
    chart = page.get_by_role("region", name="Occupancy")
    expect(chart.get_by_role("img", name="Occupancy")).to_be_visible()
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("row").nth(1)).to_be_visible()
    screenshot("numbers", page)


def test_csv_holds_what_the_interface_counts(page: Page, counted: Room, tmp_path: Path) -> None:
    page.goto("/#/numbers/gate")
    chart = page.get_by_role("region", name="Entries and exits")
    with page.expect_download() as download:
        chart.get_by_role("button", name="CSV").click()
    saved = tmp_path / "numbers.csv"
    download.value.save_as(saved)
    with saved.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    answer = counted.client.get("/v1/presence", params={"stream": "gate", "class": "person"})
    came = sum(one["came"] for one in answer.json()["items"] if one["zone"] == "")
    shown = sum(int(row["In"]) for row in rows)
    assert 0 < shown <= came  # others may have come since


def test_pictures_of_charts_and_of_the_map_are_pictures(
    page: Page, counted: Room, tmp_path: Path
) -> None:
    page.goto("/#/numbers/gate")
    for name in ("Occupancy", "Where people stand and go"):
        region = page.get_by_role("region", name=name)
        button = region.get_by_role("button", name="PNG")
        expect(button).to_be_enabled()
        with page.expect_download() as download:
            button.click()
        saved = tmp_path / "picture.png"
        download.value.save_as(saved)
        image = cv2.imread(str(saved))
        assert image is not None
        assert image.shape[1] > 300
        assert image.std() > 5, name


def test_a_viewer_of_one_camera_counts_with_that_alone(open_page: OpenPage, counted: Room) -> None:
    page = open_page(counted.key("viewer", ["gate"])["token"], path="#/numbers/plaza")
    cameras = page.get_by_label("Camera", exact=True)
    expect(cameras.get_by_role("option")).to_have_count(1)
    expect(cameras).to_have_value("gate")
