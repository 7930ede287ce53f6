"""On a phone, by keyboard alone, read aloud, in the dark, in German, in every zone, when empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.running_service import RunningService
from tests.page.conftest import PHONE, ROOT, OpenPage, Room, Screenshot

AXE = ROOT / "service" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
"""
VIEWS = {
    "cameras": ("Cameras", "Kameras"),
    "events": ("Events", "Ereignisse"),
    "search": ("Search", "Suche"),
    "numbers": ("Numbers", "Zahlen"),
    "jobs": ("Jobs", "Aufträge"),
    "rules": ("Rules", "Regeln"),
    "rules/plaza": ("Rules", "Regeln"),
    "cameras/plaza": ("Plaza", "Plaza"),
    "administration": ("Keys", "Schlüssel"),
    "administration/alerts": ("Alerts", "Alarme"),
    "administration/storage": ("Storage", "Speicher"),
    "administration/models": ("Models", "Modelle"),
    "administration/audit": ("Audit log", "Protokoll"),
    "administration/configuration": ("Configuration", "Konfiguration"),
}
LISTED = [view for view in VIEWS if "/" not in view]


@pytest.fixture(scope="module")
def empty_service(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service in which nothing has happened yet."""
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("empty")
    token = "a token of the configuration"
    with RunningService(folder, {"auth": {"admin_token": token}}) as service:
        service.token = token
        yield service
        service.end()


def opened(page: Page, view: str) -> None:
    """Open a view anew and wait until it has what it asks for."""
    page.goto(f"/?{view}#/{view}", wait_until="networkidle")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def serious_faults(page: Page) -> list[str]:
    if not AXE.is_file():
        pytest.skip("no axe-core; make web")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN_AXE)
    return found


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_no_serious_fault(room: Room, open_page: OpenPage, look: str) -> None:
    options: dict[str, Any] = {"color_scheme": "dark" if look == "dark" else "light"}
    if look == "phone":
        options["viewport"] = PHONE
    page = open_page(room.service.token, **options)
    faults = {}
    for view in VIEWS:
        opened(page, view)
        faults[view] = serious_faults(page)
    assert faults == {view: [] for view in VIEWS}


def test_axe_finds_no_serious_fault_in_forms_and_at_the_login(
    room: Room, open_page: OpenPage
) -> None:
    page = open_page()
    expect(page.get_by_label("Access token")).to_be_visible()
    assert serious_faults(page) == []
    page = open_page(room.service.token)
    forms = {
        "administration": "New key",
        "administration/alerts": "New alert",
    }
    for view, button in forms.items():
        opened(page, view)
        page.get_by_role("button", name=button).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        # What is wrong is said as well as what is asked.
        page.get_by_role("dialog").locator("button[type=submit]").click()
        assert serious_faults(page) == [], view
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name=button).first).to_be_focused()


def test_nothing_is_wider_than_a_phone(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.service.token, viewport=PHONE, has_touch=True, is_mobile=True)
    for view in VIEWS:
        opened(page, view)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], (view, width)


def test_a_key_is_made_and_revoked_by_keyboard_alone(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.service.token)
    expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_focused()
    tab_to(page, "To the content")
    press(page, "Enter")
    expect(page.get_by_role("main")).to_be_focused()
    tab_to(page, "Administration")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Keys", level=1)).to_be_focused()
    tab_to(page, "New key")
    press(page, "Enter")
    tab_to(page, "Name")
    page.keyboard.type("By keyboard")
    press(page, "Enter")
    expect(page.get_by_role("dialog", name="The key is made: By keyboard")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("row", name="By keyboard")).to_be_visible()
    tab_to(page, "Revoke: By keyboard")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "Revoke")
    press(page, "Enter")
    expect(page.get_by_role("row", name="By keyboard")).to_have_count(0)


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Go on with the tabulator until something of a name has the focus, which can be seen."""
    script = """
        () => {
          const one = document.activeElement;
          const label = one.labels && one.labels[0] ? one.labels[0].textContent : "";
          const texts = [one.getAttribute("aria-label"), label, one.textContent];
          return texts.map((text) => text?.trim());
        }
    """
    for _ in range(200):
        if name in page.evaluate(script):
            # A ring of a pixel at least, or a frame of its own.
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not come to {name!r}")


@pytest.mark.parametrize("view", VIEWS)
def test_everything_is_said_in_german(
    room: Room, open_page: OpenPage, screenshot: Screenshot, view: str
) -> None:
    page = open_page(room.service.token, path=f"#/{view}", locale="de-DE")
    english, german = VIEWS[view]
    expect(page.get_by_role("heading", level=1)).to_have_text(german)
    assert page.evaluate("document.documentElement.lang") == "de"
    screenshot(f"german-{view.replace('/', '-')}", page)
    page.get_by_label("Sprache").select_option("en")
    expect(page.get_by_role("heading", level=1)).to_have_text(english)
    page.reload()
    # What was chosen stays.
    expect(page.get_by_role("heading", level=1)).to_have_text(english)


def test_times_are_those_of_the_viewers_zone(room: Room, open_page: OpenPage) -> None:
    shown = []
    for zone in ("Asia/Tokyo", "America/Bogota"):
        page = open_page(room.service.token, path="#/administration/storage", timezone_id=zone)
        time = page.get_by_role("row", name="Audit log").locator("time")
        shown.append((time.get_attribute("datetime"), time.inner_text()))
    (one, tokyo), (other, bogota) = shown
    assert one == other
    hours = int(tokyo[-8:-6]) - int(bogota[-8:-6])
    assert hours % 24 == 14


@pytest.mark.parametrize("view", [*LISTED, "administration/alerts"])
def test_what_is_empty_says_what_to_do_next(
    empty_service: RunningService, open_page: OpenPage, screenshot: Screenshot, view: str
) -> None:
    page = open_page(empty_service.token, path=f"#/{view}", base_url=empty_service.url)
    empty = page.locator(".empty").first
    expect(empty).to_be_visible()
    title = empty.locator("b").first.inner_text()
    hint = empty.inner_text().replace(title, "").strip()
    # A sentence, or the way itself.
    assert len(hint) > 20 or empty.get_by_role("link").count() == 1, (title, hint)
    screenshot(f"empty-{view.replace('/', '-')}", page)
