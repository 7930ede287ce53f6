"""Who may see what, by whatever way: the page, its WebSocket, addresses, other sites."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import expect

from tests.e2e.running_service import wait_for
from tests.page.conftest import OpenPage, Room

# What the socket is told within three seconds, and the code that it was closed with.
LISTEN = """
(topics) => new Promise((done) => {
  const heard = [];
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/live?topics=${topics}`);
  socket.onmessage = ({ data }) => typeof data === "string" && heard.push(JSON.parse(data));
  socket.onclose = ({ code }) => done({ heard, code });
  setTimeout(() => socket.close(), 3000);
})
"""
ASK = "async (path) => { const a = await fetch(path); return [a.status, await a.text()]; }"
ADDRESSES = (
    "/v1/streams/{}",
    "/v1/streams/{}/snapshot.jpg",
    "/v1/streams/{}/live.mjpeg",
    "/v1/streams/{}/tracks",
    "/v1/streams/{}/zones",
    "/v1/events?stream={}",
    "/v1/counts?stream={}",
    "/v1/tracks?stream={}",
    "/v1/live/sse?topics=tracks:{}",
)
CLOSED = ("/v1/keys", "/v1/config", "/v1/audit", "/v1/storage", "/v1/alerts")

EVIL = """<!doctype html><title>evil</title>
<script>
  const service = "{url}";
  window.done = (async () => {
    const body = JSON.stringify({ name: "evil", role: "admin" });
    const sent = { method: "POST", mode: "no-cors", credentials: "include", body };
    await fetch(`${service}/v1/keys`, { ...sent, headers: { "Content-Type": "text/plain" } })
      .catch(() => 0);
    await fetch(`${service}/v1/keys`, { ...sent, mode: "cors",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": "guessed" } }).catch(() => 0);
    await fetch(`${service}/v1/session`, { method: "DELETE", mode: "cors", credentials: "include" })
      .catch(() => 0);
    const read = await fetch(`${service}/v1/keys`, { credentials: "include" })
      .then((answer) => answer.text(), () => "nothing");
    const heard = await new Promise((done) => {
      const socket = new WebSocket(`${service.replace("http", "ws")}/v1/live?topics=events,states`);
      socket.onmessage = () => done("something");
      socket.onclose = () => done("nothing");
    });
    const picture = await new Promise((done) => {
      const image = new Image();
      image.onload = () => done("something");
      image.onerror = () => done("nothing");
      image.src = `${service}/v1/streams/gate/snapshot.jpg`;
    });
    return { read, heard, picture };
  })();
</script>
<iframe name="framed" src="{url}/"></iframe>
<form method="post" action="{url}/v1/keys" enctype="text/plain">
  <input name='{"name": "evil", "role": "admin", "x": "' value='"}'>
</form>
"""


def test_a_viewer_sees_the_granted_cameras_alone(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("viewer", ["gate"])["token"])
    expect(page.get_by_text("Gate").first).to_be_visible()
    expect(page.get_by_text("Plaza")).to_have_count(0)
    navigation = page.get_by_role("navigation", name="Views")
    expect(navigation.get_by_role("link", name="Administration")).to_have_count(0)
    expect(navigation.get_by_role("link", name="Rules")).to_have_count(0)
    for view in ("administration", "administration/keys", "rules", "rules/plaza"):
        page.goto(f"/#/{view}")
        expect(page.get_by_text("There is no such view")).to_be_visible()
    page.goto("/#/cameras/plaza")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Plaza")).to_have_count(0)


def test_a_viewer_hears_of_the_granted_cameras_alone(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("viewer", ["gate"])["token"])
    told = page.evaluate(LISTEN, "events,states,tracks:gate")
    assert {message["stream"] for message in told["heard"] if "stream" in message} == {"gate"}
    # A camera that is hidden is refused as one that is not there.
    hidden = page.evaluate(LISTEN, "states,tracks:plaza")
    nowhere = page.evaluate(LISTEN, "states,tracks:nowhere")
    assert hidden == nowhere
    assert hidden["heard"] == []


def test_a_viewer_finds_nothing_by_guessing_addresses(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("viewer", ["gate"])["token"])
    expect(page.get_by_text("Gate").first).to_be_visible()
    for address in ADDRESSES:
        hidden = page.evaluate(ASK, address.format("plaza"))
        nowhere = page.evaluate(ASK, address.format("nowhere"))
        assert hidden[0] == 404, (address, hidden)
        assert hidden[1].replace("plaza", "nowhere") == nowhere[1], address
    for address in CLOSED:
        assert page.evaluate(ASK, address)[0] == 403, address


def test_a_session_ends_in_every_tab_at_log_out(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.key("operator")["token"])
    other = page.context.new_page()
    other.goto("/#/events")
    expect(other.get_by_text("Connected", exact=True)).to_be_visible()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    page.get_by_role("button", name="Log out").click()
    for tab in (page, other):
        expect(tab.get_by_text("You are logged out.")).to_be_visible()
    # Nothing of what it showed is left in the other tab, and a kept cookie is worth nothing.
    expect(other.get_by_role("heading", name="Events")).to_have_count(0)
    assert room.client.get("/v1/session").status_code == 200
    with room.service.client() as thief:
        del thief.headers["Authorization"]
        assert thief.get("/v1/session", headers={"Cookie": cookie}).status_code == 401


def test_a_page_of_another_site_can_do_nothing(room: Room, open_page: OpenPage) -> None:
    page = open_page(room.service.token)
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    keys = {key["id"] for key in room.client.get("/v1/keys").json()["items"]}
    # Another port is the same site to a browser: it sends the cookie along, which is worse.
    with serving(EVIL.replace("{url}", room.url)) as url:
        evil = page.context.new_page()
        evil.goto(url)
        assert evil.evaluate("window.done") == {
            "read": "nothing",
            "heard": "nothing",
            "picture": "nothing",
        }
        framed = evil.frame("framed")
        assert framed is not None
        assert framed.locator("#root").count() == 0
        with evil.expect_response("**/v1/keys") as answer:
            evil.evaluate("document.forms[0].submit()")
        assert answer.value.status == 403
    assert {key["id"] for key in room.client.get("/v1/keys").json()["items"]} <= keys
    page.reload()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


def test_a_script_in_a_name_is_a_name(room: Room, open_page: OpenPage) -> None:
    name = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
    camera = {"id": "scripted", "name": name, "url": room.sources.url("none"), "enabled": False}
    room.client.post("/v1/streams", json=camera).raise_for_status()
    key = room.key("operator", name=name)
    try:
        page = open_page(room.service.token)
        expect(page.get_by_text("onerror='window.hacked = 1'").first).to_be_visible()
        page.goto("/#/administration/keys")
        expect(page.get_by_role("row", name="onerror")).to_be_visible()
        for view in ("events", "rules/scripted", "numbers", "search", "administration/audit"):
            page.goto(f"/#/{view}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("window.hacked") is None
    finally:
        room.client.delete("/v1/streams/scripted").raise_for_status()
        room.client.delete(f"/v1/keys/{key['id']}").raise_for_status()


def test_a_key_that_is_revoked_ends_what_it_shows_within_seconds(
    room: Room, open_page: OpenPage
) -> None:
    key = room.key("viewer")
    page = open_page(key["token"])
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    room.client.delete(f"/v1/keys/{key['id']}").raise_for_status()
    expect(page.get_by_text("The login has ended.")).to_be_visible()
    wait_for(lambda: page.evaluate(ASK, "/v1/streams")[0] == 401, "refused")


def test_grants_that_change_hold_for_a_page_that_is_open(room: Room, open_page: OpenPage) -> None:
    key = room.key("viewer", ["gate", "plaza"])
    page = open_page(key["token"])
    expect(page.get_by_text("Plaza").first).to_be_visible()
    changes = {"streams": ["gate"]}
    room.client.patch(f"/v1/keys/{key['id']}", json=changes).raise_for_status()
    expect(page.get_by_text("Plaza")).to_have_count(0)
    expect(page.get_by_text("Gate").first).to_be_visible()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


@contextmanager
def serving(document: str) -> Iterator[str]:
    """A web site of somebody else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(document.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
