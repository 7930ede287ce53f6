"""Administration: keys, alerts, storage, models, audit log, configuration."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage, Room, Screenshot
from tests.service.receivers import Receiver

HOME = "#/administration"


def go(page: Page, section: str) -> None:
    links = page.get_by_role("navigation", name="Parts of the administration")
    links.get_by_role("link", name=section).click()
    expect(page.get_by_role("heading", name=section, level=1)).to_be_visible()


def test_a_key_for_one_camera_is_made_shown_once_changed_and_revoked(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.service.token, path=HOME)
    page.get_by_role("button", name="New key").click()
    form = page.get_by_role("dialog", name="New key")
    form.get_by_label("Name").fill("Night porter")
    form.get_by_label("Only these").check()
    form.get_by_label("Gate").check()
    screenshot("administration-key", page)
    form.get_by_role("button", name="Make the key").click()
    shown = page.get_by_role("dialog", name="The key is made: Night porter")
    token = shown.get_by_label("Token").input_value()
    shown.get_by_role("button", name="Close").click()
    row = page.get_by_role("row", name="Night porter")
    expect(row).to_contain_text("viewer")
    expect(row).to_contain_text("gate")
    assert token not in page.content()
    with room.service.client(token) as porter:
        assert [one["id"] for one in porter.get("/v1/streams").json()["items"]] == ["gate"]
        row.get_by_role("button", name="Change Night porter").click()
        form = page.get_by_role("dialog", name="Change Night porter")
        expect(form.get_by_label("Gate")).to_be_checked()
        form.get_by_label("Plaza").check()
        form.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("gate, plaza")
        assert len(porter.get("/v1/streams").json()["items"]) >= 2
        screenshot("administration-keys", page)
        row.get_by_role("button", name="Revoke: Night porter").click()
        question = page.get_by_role("dialog", name="Revoke Night porter?")
        question.get_by_role("button", name="Revoke").click()
        expect(row).to_have_count(0)
        assert porter.get("/v1/streams").status_code == 401
    go(page, "Audit log")
    page.get_by_label("What").select_option(label="Revoked a key")
    expect(page.get_by_role("cell", name="Revoked a key").first).to_be_visible()
    screenshot("administration-audit", page)


def test_an_alert_is_tested_from_the_page_and_its_log_tells_how_that_went(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.service.token, path=f"{HOME}/alerts")
    with Receiver().running() as receiver:
        page.get_by_role("button", name="New alert").click()
        form = page.get_by_role("dialog", name="New alert")
        form.get_by_label("Identifier").fill("porter")
        form.get_by_label("Address").fill(receiver.url)
        form.get_by_label("Secret").fill("a secret of the receiver")
        form.get_by_label("Loitering").check()
        screenshot("administration-alert", page)
        form.get_by_role("button", name="Make the alert").click()
        card = page.get_by_role("article", name="porter")
        card.get_by_role("button", name="Send a test: porter").click()
        expect(card.get_by_text("The test arrived.")).to_be_visible()
        assert len(receiver.taken) == 1
    card.get_by_role("button", name="Send a test: porter").click()
    expect(card.get_by_role("alert")).to_contain_text("The test did not arrive")
    screenshot("administration-alerts", page)
    card.get_by_role("link", name="Deliveries of porter").click()
    rows = page.get_by_role("row", name="Test")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Arrived")).to_have_count(1)
    expect(rows.filter(has_text="Given up")).to_have_count(1)
    screenshot("administration-deliveries", page)
    page.get_by_label("State").select_option(label="Given up")
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="All alerts").click()
    card.get_by_role("button", name="Change porter").click()
    form = page.get_by_role("dialog", name="Change porter")
    # What is secret does not come back; what is left empty stays as it was.
    expect(form.get_by_label("Secret")).to_have_value("")
    form.get_by_label("Quiet time in seconds").fill("30")
    form.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("30")
    card.get_by_role("button", name="Delete: porter").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)


def test_storage_models_and_configuration_tell_what_is(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(room.service.token, path=HOME)
    go(page, "Storage")
    expect(page.get_by_role("row", name=re.compile("^Events"))).to_contain_text("90 days")
    expect(page.get_by_text(re.compile(r"GB of .* free"))).to_be_visible()
    screenshot("administration-storage", page)
    go(page, "Models")
    expect(page.get_by_text("CPUExecutionProvider of ONNX Runtime")).to_be_visible()
    expect(page.get_by_text("Running", exact=True)).to_be_visible()
    screenshot("administration-models", page)
    go(page, "Configuration")
    expect(page.get_by_role("region", name="detector")).to_contain_text("person")
    screenshot("administration-configuration", page)
    page.get_by_label("Find a setting").fill("retention")
    expect(page.get_by_text("events_days")).to_be_visible()
    expect(page.get_by_role("region", name="detector")).to_have_count(0)
    page.get_by_label("Find a setting").fill("no such thing")
    expect(page.get_by_text("Nothing is called so")).to_be_visible()


def test_an_operator_finds_only_what_is_an_operators(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("operator")["token"], path=HOME)
    links = page.get_by_role("navigation", name="Parts of the administration").get_by_role("link")
    expect(links).to_have_text(["Alerts", "Models"])
    page.goto(f"/{HOME}/keys")
    expect(page.get_by_text("There is no such view")).to_be_visible()


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("Name", "   ", "Please say whose key it is."),
        ("Ends", "2001-01-01T10:00", "Please choose a time in the future."),
    ],
)
def test_a_key_form_names_the_field_and_keeps_what_was_typed(
    room: Room, open_page: OpenPage, field: str, typed: str, said: str
) -> None:
    page = open_page(room.service.token, path=HOME)
    page.get_by_role("button", name="New key").click()
    form = page.get_by_role("dialog", name="New key")
    form.get_by_label("Name").fill("Somebody")
    form.get_by_label(field).fill(typed)
    form.get_by_role("button", name="Make the key").click()
    wrong = form.get_by_label(field)
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile(re.escape(said)))
    expect(wrong).to_have_value(typed)


def test_a_key_for_no_camera_is_not_made(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.service.token, path=HOME)
    page.get_by_role("button", name="New key").click()
    form = page.get_by_role("dialog", name="New key")
    form.get_by_label("Name").fill("Somebody")
    form.get_by_label("Only these").check()
    form.get_by_role("button", name="Make the key").click()
    expect(form.get_by_role("group", name="Cameras")).to_contain_text("Choose at least one camera")
    expect(form.get_by_label("Name")).to_have_value("Somebody")


def test_an_alert_form_names_every_field_that_is_wrong_and_keeps_all(
    room: Room, open_page: OpenPage
) -> None:
    page = open_page(room.service.token, path=f"{HOME}/alerts")
    page.get_by_role("button", name="New alert").click()
    form = page.get_by_role("dialog", name="New alert")
    webhook = {
        "Identifier": "not an id",
        "Address": "ftp://example.org",
        "Secret": "short",
        "Quiet time in seconds": "a while",
    }
    fill_and_send(form, webhook)
    form.get_by_label("Target").select_option(label="MQTT")
    broker = {"Broker": "  ", "Port": "70000", "Topic": "all/#"}
    fill_and_send(form, broker)
    form.get_by_label("Target").select_option(label="Webhook")
    expect(form.get_by_label("Address")).to_have_value("ftp://example.org")
    # What only the service can know is named at its field as well.
    for name, text in {"Identifier": "fine", "Address": "https://example.org"}.items():
        form.get_by_label(name).fill(text)
    form.get_by_label("Secret").fill("long enough")
    form.get_by_label("Quiet time in seconds").fill("0")
    form.get_by_label("Only these zones and lines").fill("not an id")
    form.get_by_role("button", name="Make the alert").click()
    wrong = form.get_by_label("Only these zones and lines")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_value("not an id")


def fill_and_send(form: Locator, values: dict[str, str]) -> None:
    for name, text in values.items():
        form.get_by_label(name).fill(text)
    form.get_by_role("button", name="Make the alert").click()
    for name, text in values.items():
        field = form.get_by_label(name)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_value(text)
