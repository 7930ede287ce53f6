"""Log lines: readable by machines, named by their request, without credentials."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sightline.errors import ConfigError
from sightline.service.telemetry import logs
from sightline.service.telemetry.context import request_id
from sightline.service.telemetry.logs import LogSettings, redact, start_logging
from sightline.service.telemetry.tracing import Tracing, start_tracing
from tests.service.live.live_service import LiveService, until

_ROOT = Path(__file__).resolve().parents[3]
_LOGGERS = ("sightline", "uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    server = logging.getLogger("uvicorn.error")
    filters, hook = server.filters[:], threading.excepthook
    monkeypatch.setattr(logs, "_started", None)
    yield
    logging.captureWarnings(capture=False)
    server.filters[:], threading.excepthook = filters, hook
    root.handlers[:], root.level = kept
    root.setLevel(kept[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).propagate = True


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("cannot open rtsp://root:p@ss w0rd@10.0.0.5/1", ["p@ss"]),
        ("rtsp://user:hunter2@camera:554/live timed out", ["hunter2", "user:"]),
        ("Authorization: Basic cm9vdDpodW50ZXIy", ["cm9vdDpodW50ZXIy"]),
        ("header Bearer sl_0198abcd-secretsecret refused", ["secretsecret"]),
        ('{"password": "hunter2", "name": "gate"}', ["hunter2"]),
        ("GET /x?token=abcdef&page=2", ["abcdef"]),
        ("cookie=sightline_session=f00f00f00", ["f00f00f00"]),
    ],
)
def test_credentials_are_left_out(text: str, secrets: list[str]) -> None:
    cleaned = redact(text)
    assert "***" in cleaned
    for secret in secrets:
        assert secret not in cleaned


def test_json_lines_hold_what_happened() -> None:
    out = io.StringIO()
    start_logging(LogSettings("info", "json"), out)
    logger = logging.getLogger("sightline.service.test")
    token = request_id.set("r-1")
    extra = {"stream": "gate", "seconds": 1.5, "password": "secret"}
    try:
        _fail()
    except ValueError:
        logger.exception("camera %s failed", "gate", extra=extra)
    finally:
        request_id.reset(token)
    logger.debug("too little")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == 1
    line = lines[0]
    assert line["level"] == "error"
    assert line["message"] == "camera gate failed"
    assert (line["request_id"], line["stream"], line["seconds"]) == ("r-1", "gate", 1.5)
    assert "ValueError" in line["exception"]
    assert "secret" not in out.getvalue()
    assert line["time"].endswith("Z")


def _fail() -> None:
    raise ValueError("no answer from rtsp://a:secret@b/c")


def test_text_lines_are_for_people() -> None:
    out = io.StringIO()
    start_logging(LogSettings("debug", "text"), out)
    logging.getLogger("sightline.service.test").warning("slow", extra={"password": "hunter2"})
    assert "warning slow password=***" in out.getvalue()


_PARENT = """
from sightline.service.processes import start_child
from sightline.service.telemetry.logs import LogSettings, start_logging
from tests.service.telemetry.test_logs import fail, write_lines
start_logging(LogSettings("info", "json"))
for main in (write_lines, fail):
    start_child(main, name=main.__name__).stop(60)
"""


def write_lines(pipe: Connection) -> None:
    """Of a child: a line below the level, one above, a warning."""
    logger = logging.getLogger("sightline.service.test")
    logger.debug("too little")
    logger.info("cannot open rtsp://root:hunter2@camera/1")
    warnings.warn("old", stacklevel=1)
    thread = threading.Thread(target=fail, args=(pipe,), name="helper")
    thread.start()
    thread.join()


def fail(pipe: Connection) -> None:
    """Of a child: it ends with an error."""
    raise ValueError("no answer from rtsp://a:hunter2@b/c")


def test_child_processes_log_as_their_parent_does() -> None:
    """Whatever they write, also where it ends a thread or the process."""
    command = [sys.executable, "-W", "default", "-c", _PARENT]
    done = subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert "hunter2" not in done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    messages = [line["message"] for line in lines]
    assert messages[0] == "cannot open rtsp://***@camera/1"
    assert "UserWarning: old" in messages[1]
    assert messages[2:] == ["thread helper ended with an error", "the process fail failed"]
    assert all("ValueError" in line["exception"] for line in lines[2:])


def test_a_refused_websocket_is_no_error_of_ours(live: LiveService) -> None:
    out = io.StringIO()
    start_logging(LogSettings("info", "json"), out)
    with pytest.raises(InvalidStatus):
        connect(f"{live.url.replace('http', 'ws')}/v1/live", proxy=None)
    until(lambda: "/v1/live" in out.getvalue())
    logging.getLogger("uvicorn.error").error("something else")
    first, last = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (first["message"], first["status"]) == ("WEBSOCKET /v1/live", 401)
    assert last["message"] == "something else"


def test_every_request_has_an_id_in_answer_and_log(live: LiveService) -> None:
    out = io.StringIO()
    start_logging(LogSettings("info", "json"), out)
    answer = httpx.get(f"{live.url}/v1/streams/gate/tracks?token=abc", trust_env=False)
    named = httpx.get(f"{live.url}/", headers={"X-Request-ID": "mine-1"}, trust_env=False)
    forged = httpx.get(f"{live.url}/", headers={"X-Request-ID": "a b\x7f"}, trust_env=False)
    until(lambda: out.getvalue().count("\n") >= 3)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert named.headers["x-request-id"] == "mine-1"
    assert forged.headers["x-request-id"] != "a b\x7f"
    ids = [one.headers["x-request-id"] for one in (answer, named, forged)]
    assert [line["request_id"] for line in lines] == ids
    assert [line["status"] for line in lines] == [401, 200, 200]
    assert lines[0]["message"] == "GET /v1/streams/gate/tracks"
    assert "abc" not in out.getvalue()


def test_a_span_tells_route_and_status_and_joins_the_callers_trace() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.request("GET", {"traceparent": parent}) as span:
        span.finish("/v1/streams/{stream_id}", "GET", 503)
    tracing.close()
    (found,) = exporter.get_finished_spans()
    assert found.name == "GET /v1/streams/{stream_id}"
    assert found.context is not None
    assert f"{found.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert found.attributes is not None
    assert found.attributes["http.response.status_code"] == 503
    assert not found.status.is_ok


def test_traces_without_their_packages_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        __import__("sys").modules,
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        None,
    )
    with pytest.raises(ConfigError, match=r"pip install 'sightline\[telemetry\]'"):
        start_tracing("http://collector:4318")
