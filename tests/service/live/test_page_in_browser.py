"""The plain page as a guard has it: in a real browser, with a camera that sends pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.service.live.browser import Browser, find_browser
from tests.service.live.live_service import LiveService, make_event, make_result, until

NAME = "Gate <img src=x onerror=\"document.title='broken into'\">"


@pytest.fixture
def browser(live: LiveService, tmp_path: Path) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium; apt-get install chromium")
    with Browser(program, tmp_path / "profile") as found:
        yield found
        assert found.problems == []


def _log_in(browser: Browser, live: LiveService) -> str:
    key_id, token = live.key("operator")
    browser.open(live.url)
    until(lambda: browser.value("document.activeElement?.id") == "token")
    browser.type("sl_wrong")
    until(lambda: "not known" in browser.text("#problem"))
    browser.type(token)
    until(lambda: browser.text("#link") == "Connected")
    return key_id


def test_a_guard_sees_people_pictures_states_and_events(
    live: LiveService, browser: Browser
) -> None:
    live.streams.names["gate"] = NAME
    live.hub.publish_state(live.streams.tell("gate"))
    live.hub.publish_state(live.streams.tell("yard", "FAILED", error_code="stream_auth_failed"))
    live.happen(make_event(number=3))
    _log_in(browser, live)
    assert browser.text(".tile h3") == NAME
    image = np.full((240, 320, 3), 90, np.uint8)
    sequence = 0

    def shown() -> bool:
        nonlocal sequence
        sequence += 1
        live.show(image, make_result("gate", sequence, [[10, 10, 60, 120], [90, 10, 140, 120]]))
        return bool(browser.value("document.querySelector('.tile img').naturalWidth > 0"))

    until(shown)
    until(lambda: browser.text("#total") == "2")
    assert browser.text("#summary") == "1 of 2 live"
    tiles = browser.text("#tiles")
    assert "Wrong user name or password" in tiles
    assert "Person 3 crossed door" in browser.text("#events") or "Track 3" in browser.text(
        "#events"
    )
    live.happen(make_event(number=44))
    until(lambda: "44 crossed door" in browser.text("#events li"))
    browser.click(".tile .view")
    until(lambda: browser.value("document.querySelector('dialog').open"))
    until(
        lambda: (
            shown() and bool(browser.value("document.querySelector('#large-image').naturalWidth"))
        )
    )
    assert browser.text("#large-people") == "2 people now"
    browser.click("#close")
    assert browser.value("document.title") == "(2) Sightline"


def test_a_revoked_key_leads_back_to_the_login(
    live: LiveService, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.api.live_socket._CHECK_SECONDS", 0.05)
    key_id = _log_in(browser, live)
    live.access.keys.revoke(key_id, keep_an_admin=False)
    until(lambda: "log in again" in browser.text("#problem"))
    assert browser.text(".tile") == ""


def test_logging_out_ends_what_is_shown(live: LiveService, browser: Browser) -> None:
    _log_in(browser, live)
    browser.click("#leave")
    until(lambda: browser.text("#problem") == "You are logged out.")
    until(lambda: live.hub.statistics.listeners == 0)
    browser.open(live.url)
    until(lambda: browser.value("document.activeElement?.id") == "token")


def test_the_page_says_when_the_service_is_gone(live: LiveService, browser: Browser) -> None:
    live.hub.publish_state(live.streams.tell("gate"))
    _log_in(browser, live)
    live.hub.close()
    live.server.should_exit = True
    until(lambda: "does not answer" in browser.text("#notice"))
    until(lambda: "Not connected to the service" in browser.text(".tile"))
    assert browser.text("#total") == "–"
