from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.video.address import hide_credentials, hide_credentials_in_logs, parse_address

_PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="%#?"), min_size=1
)


@pytest.mark.parametrize(
    ("text", "user", "password", "host", "port", "path"),
    [
        ("rtsp://10.0.0.5/live", None, None, "10.0.0.5", None, "/live"),
        ("rtsp://admin@10.0.0.5/live", "admin", None, "10.0.0.5", None, "/live"),
        ("RTSP://u:p@10.0.0.5:554/live", "u", "p", "10.0.0.5", 554, "/live"),
        ("rtsp://u:p@ss:w/rd@10.0.0.5/live", "u", "p@ss:w/rd", "10.0.0.5", None, "/live"),
        ("rtsp://u:p@ss/w@camera:554/live", "u", "p@ss/w", "camera", 554, "/live"),
        ("rtsp://u:a/b@localhost/x", "u", "a/b", "localhost", None, "/x"),
        ("rtsp://u:p%40ss%3Aw%2Frd@camera/live", "u", "p@ss:w/rd", "camera", None, "/live"),
        ("rtsp://u:p@camera/cam@home", "u", "p", "camera", None, "/cam@home"),
        ("rtsp://camera:554/cam@home", None, None, "camera", 554, "/cam@home"),
        ("http://camera/x?mail=a:b@c.org", None, None, "camera", None, "/x?mail=a:b@c.org"),
        ("http://u:p?ss@10.0.0.5/x", "u", "p?ss", "10.0.0.5", None, "/x"),
        ("rtsp://u:p@[fe80::1]:554/x", "u", "p", "fe80::1", 554, "/x"),
        ("rtsp://u:@10.0.0.5", "u", "", "10.0.0.5", None, ""),
    ],
)
def test_credentials_end_where_the_host_begins(
    text: str, user: str | None, password: str | None, host: str, port: int | None, path: str
) -> None:
    address = parse_address(text)
    assert (address.username, address.password) == (user, password)
    assert (address.host, address.port, address.path) == (host, port, path)


@given(password=_PASSWORDS, port=st.integers(1, 65535))
def test_any_password_survives_before_a_host_that_cannot_be_mistaken(
    password: str, port: int
) -> None:
    address = parse_address("rtsp://10.1.2.3/x").with_credentials("admin", password)
    assert parse_address(address.url).password == password


@given(password=st.text("@:/abc", min_size=1))
def test_at_colon_and_slash_need_no_encoding(password: str) -> None:
    address = parse_address(f"rtsp://admin:{password}@10.1.2.3:554/live")
    assert (address.password, address.host) == (password, "10.1.2.3")


@pytest.mark.parametrize("text", ["rtsp://", "rtsp:///x", "rtsp://u:p@/x", "not an address"])
def test_an_address_without_a_host_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_address(text)
    assert "u:p" not in str(caught.value)


def test_text_forms_hide_the_credentials() -> None:
    address = parse_address("rtsp://admin:hush@10.0.0.5:554/live")
    assert str(address) == "rtsp://10.0.0.5:554/live"
    assert "hush" not in repr(address)
    assert address.url == "rtsp://admin:hush@10.0.0.5:554/live"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("open 'http://u:hush@h/x' now", "open 'http://***@h/x' now"),
        (
            "GET /\r\nAuthorization: Basic aHVzaA==\r\nHost: h",
            "GET /\r\nAuthorization: ***\r\nHost: h",
        ),
        ("rtsp://h/x and nothing else", "rtsp://h/x and nothing else"),
    ],
)
def test_credentials_in_any_text_are_hidden(text: str, hidden: str) -> None:
    assert hide_credentials(text) == hidden


def test_ffmpeg_logs_leave_credentials_out(caplog: pytest.LogCaptureFixture) -> None:
    hide_credentials_in_logs()
    hide_credentials_in_logs()
    with caplog.at_level(logging.DEBUG, "libav"):
        logging.getLogger("libav.http").info("Opening '%s' for reading", "http://u:hush@h/x")
    assert caplog.messages == ["Opening 'http://***@h/x' for reading"]
