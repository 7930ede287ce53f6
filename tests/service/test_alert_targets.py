"""Webhooks and MQTT against real receivers: what arrives, and what a bad one cannot do."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from sightline.service.alerts.addresses import Reachable
from sightline.service.alerts.mqtt import MqttTarget
from sightline.service.alerts.signature import verify
from sightline.service.alerts.targets import DeliveryError, Message, Target
from sightline.service.alerts.webhook import WebhookTarget
from sightline.service.config.alerts import Mqtt, Webhook
from tests.service.receivers import Receiver, free_port, mqtt_broker, status

SECRET = "a long secret"
MESSAGE = Message.of_test("0198-1", "night")
ANYWHERE = Reachable(trusted=True)


def webhook(url: str, reachable: Reachable = ANYWHERE, timeout: float = 10) -> WebhookTarget:
    return WebhookTarget(
        Webhook.model_validate({"url": url, "secret": SECRET}), reachable, lambda: 1e9, timeout
    )


def send(target: Target) -> None:
    async def once() -> None:
        try:
            await target.send(MESSAGE)
        finally:
            await target.close()

    asyncio.run(once())


def failure(target: Target) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(target)
    return caught.value


def test_webhook_arrives_signed_with_the_delivery_in_its_head() -> None:
    with Receiver().running() as receiver:
        send(webhook(receiver.url + "?token=x%2Fy"))
    headers, body = receiver.taken[0]
    assert body == MESSAGE.body
    assert verify(SECRET, body, headers["Sightline-Signature"], now=1e9)
    assert headers["Sightline-Delivery"] == "0198-1"
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == receiver.url.split("/")[2]


def test_user_and_password_of_an_address_are_sent_and_never_shown() -> None:
    with Receiver(status(500)).running() as receiver:
        error = failure(webhook(receiver.url.replace("://", "://ann:s3cret@")))
    headers, _ = receiver.taken[0]
    assert headers["Authorization"].startswith("Basic ")
    assert "s3cret" not in headers["Host"]
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(("code", "words"), [(400, "400"), (500, "500"), (204 + 100, "304")])
def test_every_status_but_success_is_a_failure(code: int, words: str) -> None:
    with Receiver(status(code)).running() as receiver:
        assert words in str(failure(webhook(receiver.url)))


def test_redirects_are_not_followed() -> None:
    with Receiver().running() as other:
        with Receiver(status(307, Location=other.url)).running() as receiver:
            assert "redirects are not followed" in str(failure(webhook(receiver.url)))
        assert not other.taken


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("999999999", 3600.0), ("-1", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None)],
)
def test_retry_after_is_understood_within_reason(header: str, seconds: float | None) -> None:
    with Receiver(status(503, Retry_After=header)).running() as receiver:
        assert failure(webhook(receiver.url)).retry_after == seconds


def test_refused_connection_is_a_failure() -> None:
    assert "ConnectError" in str(failure(webhook(f"http://127.0.0.1:{free_port()}/")))


def _endless_body(stop: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        status_line = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
        handler.wfile.write(status_line)
        while not stop.is_set():
            handler.wfile.write(b"x" * 65536)

    return answer


def _endless_head(stop: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.is_set():
            handler.wfile.write(b"X-Filler: " + b"x" * 65536 + b"\r\n")

    return answer


def _dripping_head(stop: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        while not stop.wait(0.02):
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    return answer


@pytest.fixture
def stop() -> Any:
    event = threading.Event()
    yield event
    event.set()


def test_body_of_an_answer_is_never_read(stop: threading.Event) -> None:
    with Receiver(_endless_body(stop)).running() as receiver:
        send(webhook(receiver.url))
        stop.set()


def test_endless_head_of_an_answer_is_a_failure(stop: threading.Event) -> None:
    with Receiver(_endless_head(stop)).running() as receiver:
        assert "ProtocolError" in str(failure(webhook(receiver.url)))
        stop.set()


def test_answer_that_drips_ends_with_the_time_of_the_attempt(stop: threading.Event) -> None:
    with Receiver(_dripping_head(stop)).running() as receiver:
        assert "no answer within 0.2 s" in str(failure(webhook(receiver.url, timeout=0.2)))
        stop.set()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "169.254.169.254", "[fe80::1]", "0.0.0.0", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]",
        "224.0.0.1", "2130706433", "127.1",
    ],
)  # fmt: skip
def test_alerts_of_the_interface_do_not_reach_into_the_machine(host: str) -> None:
    error = failure(webhook(f"http://{host}:{free_port()}/", Reachable(trusted=False)))
    assert "security.allowed_networks" in str(error)


def test_networks_that_are_named_are_reached() -> None:
    with Receiver().running() as receiver:
        send(webhook(receiver.url, Reachable(trusted=False, allowed=["127.0.0.0/8"])))
    assert len(receiver.taken) == 1


def test_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    monkeypatch.setattr(
        "sightline.service.alerts.addresses.resolve", lambda host, port: answers.pop(0)
    )
    with Receiver().running() as receiver:
        url = receiver.url.replace("127.0.0.1", "hooks.example.org")
        send(webhook(url, Reachable(trusted=False, allowed=["127.0.0.0/8"])))
        assert receiver.taken[0][0]["Host"] == url.split("/")[2]


def test_unknown_host_is_a_failure() -> None:
    assert "has no address" in str(failure(webhook("http://nobody.invalid/")))


def broker_target(port: int, **fields: Any) -> MqttTarget:
    values = {"host": "127.0.0.1", "port": port, "topic": "site/alarms", **fields}
    return MqttTarget(Mqtt.model_validate(values), ANYWHERE, timeout=5)


async def heard(
    port: int, work: Callable[[], Awaitable[None]], count: int = 1, **options: Any
) -> list[bytes]:
    async with aiomqtt.Client("127.0.0.1", port, **options) as client:
        await client.subscribe("site/#", qos=1)
        await work()
        async with asyncio.timeout(10):
            payloads: list[bytes] = []
            async for message in client.messages:
                assert message.qos == 1
                assert isinstance(message.payload, bytes)
                payloads.append(message.payload)
                if len(payloads) == count:
                    break
            return payloads


def test_mqtt_message_arrives_with_qos_1(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path, "allow_anonymous true") as port:

        async def twice() -> None:
            target = broker_target(port)
            await target.send(MESSAGE)
            await target.send(MESSAGE)
            await target.close()

        payloads = asyncio.run(heard(port, twice, 2))
    assert [json.loads(payload)["id"] for payload in payloads] == ["0198-1", "0198-1"]


def test_broker_that_went_while_nothing_was_sent_is_connected_again(tmp_path: Path) -> None:
    async def over_a_restart() -> None:
        with mqtt_broker(tmp_path, "allow_anonymous true") as port:
            target = broker_target(port)
            await target.send(MESSAGE)
        with mqtt_broker(tmp_path, "allow_anonymous true", port=port):
            await heard(port, lambda: target.send(MESSAGE))
            await target.close()

    asyncio.run(over_a_restart())


def test_broker_asks_for_a_password(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "ann", "p@ss"], check=True)
    with mqtt_broker(tmp_path, f"password_file {passwords}") as port:
        send(broker_target(port, username="ann", password="p@ss"))
        error = failure(broker_target(port, username="ann", password="wr0ng"))
    assert "uthori" in str(error)
    assert "wr0ng" not in str(error)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_broker_with_tls_has_to_prove_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
         "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    lines = (f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true")
    with mqtt_broker(tmp_path, *lines) as port:
        send(broker_target(port, host="localhost", tls=True))
        assert "certificate" in str(failure(broker_target(port, tls=True)))
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in str(failure(broker_target(port, host="localhost", tls=True)))
    gc.collect()


def test_broker_that_never_answers_ends_with_the_time_of_the_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mqtt = Mqtt.model_validate({"host": "127.0.0.1", "port": silent.getsockname()[1]})
        error = failure(MqttTarget(mqtt, ANYWHERE, timeout=0.3))
    assert "no acknowledgement within 0.3 s" in str(error)
