"""The way in and out."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.page.conftest import OpenPage, Room, Screenshot


def test_a_person_logs_in_with_a_token_and_out_again(
    room: Room, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page()
    token = page.get_by_label("Access token")
    expect(token).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Please enter a token.")
    token.fill("sl_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not known")
    expect(token).to_have_value("sl_wrong")
    screenshot("login", page)
    token.fill(room.key("viewer", name="front desk")["token"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_focused()
    expect(page.get_by_text("front desk · viewer")).to_be_visible()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    # A page that is opened anew finds the login by its cookie.
    page.reload()
    expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


def test_an_expired_login_is_renewed_over_what_was_on_the_screen(
    room: Room, open_page: OpenPage
) -> None:
    key = room.key("viewer")
    page = open_page(key["token"])
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    room.client.delete(f"/v1/keys/{key['id']}").raise_for_status()
    expect(page.get_by_text("The login has ended.")).to_be_visible()
    # What was there is under it still.
    expect(page.locator("h1", has_text="Cameras")).to_have_count(1)
    page.get_by_label("Access token").fill(room.key("viewer")["token"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
