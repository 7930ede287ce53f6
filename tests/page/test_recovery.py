"""What goes wrong on the way to the service: the page says so, recovers, loses nothing typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.running_service import RunningService
from tests.page.conftest import OpenPage, Room
from tests.page.network import Network

TYPED = "Night porter, second shift"


@pytest.fixture
def network(room: Room) -> Iterator[Network]:
    with Network(room.url) as network:
        yield network


@pytest.fixture
def lone_service(chromium: Browser, tmp_path: Path) -> Iterator[RunningService]:
    """A service without cameras, to be ended and started."""
    assert chromium.is_connected()
    with RunningService(tmp_path, {"auth": {"attempts_per_minute": 10_000}}) as service:
        yield service


def begin_a_key(page: Page) -> Locator:
    page.get_by_role("button", name="New key").click()
    form = page.get_by_role("dialog", name="New key")
    form.get_by_label("Name").fill(TYPED)
    form.get_by_label("Role").select_option("operator")
    return form


def make_it(page: Page, form: Locator) -> None:
    expect(form.get_by_label("Name")).to_have_value(TYPED)
    expect(form.get_by_label("Role")).to_have_value("operator")
    form.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("dialog", name=f"The key is made: {TYPED}")).to_be_visible()


def test_a_network_that_is_gone_is_told_and_waited_for(
    room: Room, network: Network, open_page: OpenPage
) -> None:
    page = open_page(room.service.token, path="#/administration", base_url=network.url)
    form = begin_a_key(page)
    network.cut()
    # Nobody says that a cable was pulled: silence does, after a quarter of a minute.
    expect(page.get_by_text("The service does not answer.").first).to_be_visible()
    network.mend()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    expect(page.get_by_text("The service does not answer.")).to_have_count(0)
    make_it(page, form)


def test_what_is_sent_into_a_dead_network_is_not_lost(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.service.token, path="#/administration")
    form = begin_a_key(page)
    page.context.set_offline(True)
    form.get_by_role("button", name="Make the key").click()
    expect(form.get_by_role("alert")).to_contain_text("Nothing that you typed is lost")
    page.context.set_offline(False)
    make_it(page, form)


def test_the_page_goes_on_after_the_service_was_started_again(
    lone_service: RunningService, open_page: OpenPage
) -> None:
    with Network(lone_service.url) as network:
        page = open_page(lone_service.token, path="#/administration", base_url=network.url)
        form = begin_a_key(page)
        assert lone_service.end() == 0
        network.mend()
        expect(page.get_by_text("The service does not answer.").first).to_be_visible()
        form.get_by_role("button", name="Make the key").click()
        expect(form.get_by_role("alert")).to_contain_text("Nothing that you typed is lost")
        lone_service.start()
        network.lead_to(lone_service.url)
        expect(page.get_by_text("Connected", exact=True)).to_be_visible()
        make_it(page, form)
        page.get_by_role("button", name="Close").click()
        # What had been made before is there, and so is what was made now.
        expect(page.get_by_role("row", name="first administrator")).to_be_visible()
        expect(page.get_by_role("row", name=TYPED)).to_be_visible()


def test_a_session_that_expired_is_renewed_over_a_form(room: Room, open_page: OpenPage) -> None:
    key = room.key("admin", name="lead")
    page = open_page(key["token"], path="#/administration")
    form = begin_a_key(page)
    end_login(page, room.url)
    form.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("The login has ended.")).to_be_visible()
    page.get_by_label("Access token").fill(key["token"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("The login has ended.")).to_have_count(0)
    make_it(page, form)


def test_a_page_that_was_opened_while_the_service_is_away_waits_for_it(
    lone_service: RunningService, open_page: OpenPage
) -> None:
    with Network(lone_service.url) as network:
        page = open_page(lone_service.token, base_url=network.url)
        expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_visible()
        # The page is here; what it asks first gets no answer.
        page.route("**/v1/session", lambda route: route.abort())
        page.reload()
        expect(page.get_by_text("The service does not answer.")).to_be_visible()
        page.unroute("**/v1/session")
        expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_visible()


def end_login(page: Page, url: str) -> None:
    """End the login of a page behind its back, as time does."""
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    headers: dict[str, Any] = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    with httpx.Client(base_url=url, headers=headers) as client:
        csrf = client.get("/v1/session").json()["csrf"]
        client.delete("/v1/session", headers={"X-CSRF-Token": csrf}).raise_for_status()
