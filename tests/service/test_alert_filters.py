"""Which events an alert wants, how soon after another, and who can tell that we sent them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.alerts.filters import Cooldowns, wants
from sightline.service.alerts.signature import sign, verify
from sightline.service.alerts.targets import Message
from sightline.service.config.alerts import Alert
from sightline.service.rules.events import Event

WEBHOOK = {"url": "https://example.org", "secret": "a long secret"}
CROSSING = Event("yard", "line_cross", "gate", 10.0, 10.5, 7, class_name="person", direction="in")


def alert(**filters: Any) -> Alert:
    return Alert.model_validate({"id": "night", "webhook": WEBHOOK, **filters})


def at(time: float, rule: str = "gate") -> Event:
    return Event("yard", "line_cross", rule, time, time)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, True),
        ({"kinds": ["line_cross"]}, True),
        ({"kinds": ["zone_enter", "loitering"]}, False),
        ({"streams": ["door", "yard"]}, True),
        ({"streams": ["door"]}, False),
        ({"rules": ["gate"]}, True),
        ({"rules": ["fence"]}, False),
        ({"classes": ["person"]}, True),
        ({"classes": ["car"]}, False),
        ({"kinds": ["line_cross"], "classes": ["car"]}, False),
    ],
)
def test_an_alert_wants_what_all_its_filters_let_through(
    filters: dict[str, Any], wanted: bool
) -> None:
    assert wants(alert(**filters), CROSSING) is wanted


def test_events_without_a_class_do_not_pass_a_filter_by_class() -> None:
    lost = Event("yard", "stream_state", "", 1.0, 1.0)
    assert wants(alert(), lost)
    assert not wants(alert(classes=["person"]), lost)


def test_cooldown_holds_back_the_same_kind_stream_and_rule_alone() -> None:
    cooldowns = Cooldowns(60)
    first = cooldowns.passing([at(0), at(30), at(30, "door"), at(60), at(61)])
    assert {key[2]: [event.time for event in events] for key, events in first.items()} == {
        "gate": [0, 60],
        "door": [30],
    }
    cooldowns.note(first)
    assert not cooldowns.passing([at(89, "door"), at(119)])
    assert len(cooldowns.passing([at(90, "door"), at(120)])) == 2


def test_asking_twice_what_passes_gives_the_same_until_it_is_noted() -> None:
    cooldowns = Cooldowns(60)
    assert cooldowns.passing([at(0)]) == cooldowns.passing([at(0)])


def test_cooldown_goes_on_after_a_restart() -> None:
    cooldowns = Cooldowns(60, {("line_cross", "yard", "gate"): 100.0}.items())
    assert not cooldowns.passing([at(159)])
    assert cooldowns.passing([at(160)])


def test_cooldowns_that_are_over_are_forgotten() -> None:
    cooldowns = Cooldowns(10)
    for number in range(1000):
        cooldowns.note(cooldowns.passing([at(float(number), f"rule-{number}")]))
    assert len(cooldowns._last) <= 11


@given(
    secret=st.text(min_size=1), body=st.binary(), sent=st.integers(0, 2**33), late=st.floats(0, 300)
)
def test_signature_is_good_for_its_body_and_time(
    secret: str, body: bytes, sent: int, late: float
) -> None:
    header = sign(secret, body, sent)
    assert verify(secret, body, header, now=sent + int(late))
    assert not verify(secret, body + b" ", header, now=sent)
    assert not verify(secret + "x", body, header, now=sent)
    assert not verify(secret, body, header, now=sent + 301)
    assert not verify(secret, body, header, now=sent - 301)


def test_signature_is_plain_hmac_sha256_of_time_dot_body() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a long secret'
    assert sign("a long secret", b'{"a":1}', 1_700_000_000) == (
        "t=1700000000,v1=591e6b21850ef86eab5c60f47d45b19e148ec927475b43113a5d28e219810fbc"
    )


def test_receivers_can_verify_with_the_code_of_the_guide() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs/alerts.md").read_text()
    code = guide.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    now = int(time.time())
    good = sign("a long secret", b"body", now)
    assert names["is_ours"]("a long secret", b"body", good)
    assert not names["is_ours"]("another secret", b"body", good)
    assert not names["is_ours"]("a long secret", b"other", good)
    assert not names["is_ours"]("a long secret", b"body", sign("a long secret", b"body", now - 400))
    assert not names["is_ours"]("a long secret", b"body", "t=1")


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=x,v1=" + "0" * 64, "t=1,v1=" + "g" * 64])
def test_headers_of_another_form_are_refused(header: str) -> None:
    assert not verify("a long secret", b"", header, now=1)


def test_message_names_the_event_as_the_interface_does() -> None:
    message = Message.of_event("0198-d", "night", "0198-e", CROSSING)
    assert json.loads(message.body) == {
        "id": "0198-d",
        "alert": "night",
        "type": "event",
        "event": {
            "id": "0198-e",
            "stream": "yard",
            "kind": "line_cross",
            "rule": "gate",
            "time": "1970-01-01T00:00:10.000Z",
            "decided": "1970-01-01T00:00:10.500Z",
            "track": "yard:7",
            "class_name": "person",
            "direction": "in",
        },
    }
