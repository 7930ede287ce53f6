"""The listening socket: it says what is wrong, and ends who takes nothing."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import ConfigError
from sightline.service.live.listening import open_listener
from tests.service.live.live_service import LiveService, make_result, until


def test_a_port_that_is_taken_is_named() -> None:
    with open_listener("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}: Address already in use"):
            open_listener("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1 port 0"):
        open_listener("192.0.2.1", 0)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux ends such clients")
def test_who_takes_no_moving_picture_is_ended(
    new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.live.listening._UNREAD_MILLISECONDS", 500)
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    store = Path(shutil.copy(new_store, tmp_path / "store.db"))
    with LiveService(store) as live, socket.socket() as client:
        live.streams.tell("gate")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", live.port))
        lines = (
            "GET /v1/streams/gate/live.mjpeg?fps=60 HTTP/1.1",
            f"Host: 127.0.0.1:{live.port}",
            f"Authorization: {live.headers()['Authorization']}",
        )
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        until(lambda: live.pictures.statistics.viewers == 1)
        sequence = 0

        def ended() -> bool:
            nonlocal sequence
            sequence += 1
            live.show(noise, make_result("gate", sequence, size=(1280, 720)))
            return live.pictures.statistics.viewers == 0

        until(ended)
