"""Jobs by page alone: a video is sent, watched, scored, corrected; `sightline eval` reads it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.demo import CLIP
from tests.page.conftest import PATIENCE, OpenPage, Room, Screenshot

FRAMES = 60
LONG = 600_000
"""Milliseconds that tracking a short clip may take on a busy machine."""


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the demonstration's clip, as MP4 that Chromium plays."""
    path = tmp_path_factory.mktemp("video") / "yard <b>.mp4"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as result:
        stream: Any = result.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number == FRAMES:
                break
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")
            result.mux(stream.encode(picture))
        result.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def done(room: Room, short: Path) -> dict[str, Any]:
    """The same as a job that is done."""
    job = room.client.post(
        "/v1/jobs", content=short.read_bytes(), params={"name": "done.mp4", "options": "{}"}
    ).json()
    deadline = time.monotonic() + LONG / 1000
    while time.monotonic() < deadline:
        job = room.until(f"/v1/jobs/{job['id']}", lambda job: job["frames"] or job["finished_at"])
        if job["finished_at"]:
            break
    assert job["state"] == "DONE", job
    found: dict[str, Any] = job
    return found


def in_view(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.get_by_role("main").get_by_text(text)


def test_a_video_is_sent_followed_and_shown(page: Page, short: Path, room: Room) -> None:
    page.goto("/#/jobs")
    page.get_by_label("Every n-th frame").fill("x")
    expect(page.get_by_text("A whole number from 1 to 1000")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a video")).to_be_disabled()
    page.get_by_label("Every n-th frame").fill("6")
    page.get_by_label("Classes").fill("dragon")
    page.locator(".drop input[type=file]").set_input_files(short)
    # It is refused by the network, which is known once it is loaded; the page says why.
    expect(page.get_by_role("heading", name="yard <b>.mp4")).to_be_visible()
    expect(page.get_by_text("Failed")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("alert")).to_contain_text("dragon")
    page.get_by_role("link", name="All jobs").click()
    page.get_by_label("Every n-th frame").fill("6")
    page.locator(".drop input[type=file]").set_input_files(short)
    expect(page.get_by_text("Done")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    for ending in ("mot.txt", "jsonl", "csv", "coco.json", "cvat.xml", "parquet"):
        with page.expect_download() as download:
            page.get_by_role("link", name=ending, exact=True).click()
        assert download.value.suggested_filename.endswith(ending)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_what_is_no_video_is_refused_and_the_options_stay(
    page: Page, room: Room, tmp_path: Path
) -> None:
    page.goto("/#/jobs")
    page.get_by_label("Every n-th frame").fill("7")
    (tmp_path / "notes.mp4").write_text("no video")
    page.locator(".drop input[type=file]").set_input_files(tmp_path / "notes.mp4")
    expect(page.get_by_role("alert")).to_contain_text("not a video")
    expect(page.get_by_label("Every n-th frame")).to_have_value("7")


def test_boxes_follow_the_video_and_tracks_can_be_picked(
    page: Page, done: dict[str, Any], screenshot: Screenshot
) -> None:
    page.goto(f"/#/jobs/{done['id']}")
    page.get_by_role("button", name="Play").wait_for()
    rows = page.locator(".tracks li button")
    expect(rows).to_have_count(done["tracks"])
    first = rows.first
    first.click()  # and goes to where it begins
    expect(first).to_have_attribute("aria-pressed", "true")
    eventually(lambda: painted(page.locator(".player canvas")) > 200)
    # From the keyboard: one frame on, which the clock shows.
    screen = page.get_by_role("group", name=re.compile("Video with its tracks"))
    screen.focus()
    before = page.locator(".controls .number").inner_text()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
    eventually(lambda: page.locator(".controls .number").inner_text() != before)
    page.keyboard.press("Escape")
    expect(first).to_have_attribute("aria-pressed", "false")
    screenshot("job", page)


def test_a_job_is_scored_against_a_ground_truth_and_its_report_opens(
    page: Page, done: dict[str, Any], room: Room, tmp_path: Path, screenshot: Screenshot
) -> None:
    truth = tmp_path / "gt.txt"
    lines = (CLIP.parent / "gt" / "gt.txt").read_text().splitlines(keepends=True)
    truth.write_text("".join(line for line in lines if int(line.partition(",")[0]) <= FRAMES))
    page.goto(f"/#/jobs/{done['id']}")
    page.get_by_role("button", name="Score").click()
    drawer = page.get_by_role("region", name="Score")
    bad = tmp_path / "bad.txt"
    bad.write_text("1,1,2,3,4,5,1,1,1\n1,x,2,3,4,5,1,1,1\n")
    drawer.locator("input[type=file]").set_input_files(bad)
    expect(drawer.get_by_role("alert")).to_contain_text("bad.txt:2")
    drawer.locator("input[type=file]").set_input_files(truth)
    expect(drawer.get_by_role("article", name="gt.txt")).to_be_visible(timeout=LONG)
    result = tmp_path / "done.txt"
    result.write_bytes(room.client.get(done["results"]["mot.txt"]).content)
    ran = CliRunner().invoke(app, ["eval", str(truth), str(result), "--json"])
    (tracker,) = json.loads(ran.stdout)["trackers"].values()
    for name in ("HOTA", "MOTA", "IDF1"):
        value = f"{100 * tracker['combined'][name]:.1f}%"
        shown = drawer.locator(f"dl > div:has(dt:text-is('{name}')) dd").first
        expect(shown).to_have_text(value)
    with page.expect_popup() as opened:
        drawer.get_by_role("link", name="Open the report").click()
    expect(opened.value.get_by_role("heading").first).to_contain_text("done")
    screenshot("job-scores", page)


def test_tracks_are_corrected_and_the_file_is_read_by_eval(
    page: Page, done: dict[str, Any], room: Room, tmp_path: Path, screenshot: Screenshot
) -> None:
    page.goto(f"/#/jobs/{done['id']}")
    page.get_by_role("link", name="Correct the tracks").click()
    tracks = page.get_by_role("region", name="Tracks")
    numbers = [one["id"] for one in tracks_of(room, done)["tracks"]]
    one, two, three = numbers[:3]
    pick(tracks, three)
    page.get_by_role("button", name="Nobody: delete").click()
    expect(in_view(page, f"{three} is nobody")).to_be_visible()
    pick(tracks, two)
    page.get_by_label("Another number").fill(str(one))
    expect(page.get_by_text(f"There is a track {one};")).to_be_visible()
    page.get_by_label("Another number").fill("500")
    page.get_by_role("button", name="Rename").click()
    expect(in_view(page, f"{two} is called 500")).to_be_visible()
    pick(tracks, one)
    page.get_by_label("Same person as").fill("9999")
    expect(page.get_by_text("There is no track 9999")).to_be_visible()
    page.get_by_label("Same person as").fill("500")
    page.get_by_role("button", name="Merge").click()
    expect(in_view(page, f"500 is {one}")).to_be_visible()
    expect(page.get_by_label("Same person as")).to_have_value("")
    page.get_by_role("button", name="Undo").click()
    expect(in_view(page, f"500 is {one}")).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(in_view(page, f"500 is {one}")).to_be_visible()
    screenshot("correct", page)

    # Another look goes on where this one stopped.
    page.reload()
    expect(in_view(page, f"500 is {one}")).to_be_visible()
    expect(page.get_by_role("heading", name="Changes: 3")).to_be_visible()
    left = {one["id"] for one in tracks_of(room, done, corrected=True)["tracks"]}
    assert left == set(numbers) - {two, three}
    files = {}
    for ending in ("gt.txt", "cvat.xml"):
        with page.expect_download() as download:
            page.get_by_role("link", name=ending, exact=True).click()
        assert download.value.suggested_filename == f"done.{ending}"
        files[ending] = tmp_path / f"done.{ending}"
        download.value.save_as(files[ending])
    result = tmp_path / "result.txt"
    result.write_bytes(room.client.get(done["results"]["mot.txt"]).content)
    for truth in files.values():
        ran = CliRunner().invoke(app, ["eval", str(truth), str(result), "--json"])
        assert ran.exit_code == 0, ran.output
        (tracker,) = json.loads(ran.stdout)["trackers"].values()
        assert tracker["combined"]["FP"] > 0  # the track that is nobody
        assert tracker["combined"]["IDF1"] < 1


def test_a_change_outlives_a_loss_of_the_network_and_a_colleague_is_not_overwritten(
    page: Page, done: dict[str, Any], room: Room
) -> None:
    path = f"/v1/jobs/{done['id']}/corrections"
    there = room.client.get(path).json()
    body = {"revision": there["revision"], "edits": []}
    room.client.put(path, json=body).raise_for_status()
    page.goto(f"/#/correct/{done['id']}")
    tracks = page.get_by_role("region", name="Tracks")
    numbers = [one["id"] for one in tracks_of(room, done)["tracks"]]
    pick(tracks, numbers[0])
    page.context.set_offline(True)
    page.get_by_role("button", name="Nobody: delete").click()
    expect(
        page.get_by_text("The service does not answer; the change is kept").first
    ).to_be_visible()
    page.context.set_offline(False)
    expect(in_view(page, f"{numbers[0]} is nobody")).to_be_visible()

    there = room.client.get(path).json()
    edits = [*there["edits"], {"do": "delete", "id": numbers[1]}]
    room.client.put(path, json={"revision": there["revision"], "edits": edits}).raise_for_status()
    pick(tracks, numbers[2])
    page.get_by_role("button", name="Nobody: delete").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else")
    page.get_by_role("button", name="Load theirs").click()
    expect(in_view(page, f"{numbers[1]} is nobody")).to_be_visible()
    assert room.client.get(path).json()["edits"] == edits


def test_a_file_that_the_browser_cannot_play_is_copied_and_the_page_says_so(
    page: Page, room: Room, done: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "old.avi"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as result:
        stream: Any = result.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number == FRAMES:
                break
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")
            result.mux(stream.encode(picture))
        result.mux(stream.encode())
    job = room.client.post(
        "/v1/jobs", content=path.read_bytes(), params={"name": "old.avi", "options": "{}"}
    ).json()
    page.goto(f"/#/jobs/{job['id']}")
    expect(page.get_by_text("This browser cannot play the file").first).to_be_visible(timeout=LONG)
    expect(page.get_by_text("this is a copy of it")).to_be_visible(timeout=LONG)
    page.locator(".tracks li button").first.click()
    eventually(lambda: painted(page.locator(".player canvas")) > 200)


def test_a_viewer_sees_results_and_changes_nothing(
    open_page: OpenPage, room: Room, done: dict[str, Any]
) -> None:
    page = open_page(room.key("viewer")["token"], path=f"#/jobs/{done['id']}")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    for name in ("Delete", "Correct the tracks"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Score").click()
    expect(page.get_by_role("button", name="Send a ground truth")).to_have_count(0)
    limited = open_page(room.key("operator", ["gate"])["token"], path=f"#/jobs/{done['id']}")
    expect(limited.get_by_text("There is no such job")).to_be_visible()


def tracks_of(room: Room, job: dict[str, Any], *, corrected: bool = False) -> dict[str, Any]:
    answer: httpx.Response = room.client.get(
        f"/v1/jobs/{job['id']}/tracks", params={"corrected": corrected}
    )
    found: dict[str, Any] = answer.json()
    return found


def pick(tracks: Locator, number: int) -> None:
    """Press a track in the list."""
    row = tracks.locator("li button").filter(has=tracks.page.get_by_text(str(number), exact=True))
    row.first.click()
    expect(row.first).to_have_attribute("aria-pressed", "true")


def painted(canvas: Locator) -> int:
    """Pixels of a canvas that something was drawn on."""
    count: int = canvas.evaluate(
        """canvas => {
            const {width, height} = canvas;
            if (!width || !height) return 0;
            const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
            return data.filter((value, at) => at % 4 === 3 && value > 0).length;
        }"""
    )
    return count


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something on the page holds."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.1)
