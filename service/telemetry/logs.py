"""Log lines of the whole service: a JSON object or plain text each, without credentials."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from dataclasses import dataclass
from typing import Any, Literal, TextIO

from sightline.service.steady import rfc3339
from sightline.service.telemetry.context import request_id
from sightline.video.address import hide_credentials

__all__ = [
    "JsonFormatter",
    "LogSettings",
    "TextFormatter",
    "log_settings",
    "redact",
    "start_logging",
]

_log = logging.getLogger(__name__)

# What `logging` itself, uvicorn and Ray put into a record; the rest came by `extra` and is ours.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
    "_ray_timestamp_ns",
}
_SECRET = re.compile(r"(?i)\b(password|passwd|secret|token|api_?key|cookie|sightline_session)")
_NAMED = re.compile(_SECRET.pattern + r"(['\"]?\s*[:=]\s*['\"]?)[^\s'\"&,;}]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")

_REFUSALS = {
    f"ASGI callable returned without {verb} handshake." for verb in ("sending", "completing")
}
"""What uvicorn writes where a WebSocket was refused, by either of its implementations."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written, and how.

    Args:
        level: The lowest that is written.
        kind: A JSON object a line, or plain text.
    """

    level: Literal["debug", "info", "warning", "error"]
    kind: Literal["json", "text"]


_started: LogSettings | None = None


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request, what `extra` gave."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        request = request_id.get()
        if request is not None:
            fields["request_id"] = request
        for name, value in vars(record).items():
            if name not in _STANDARD:
                fields[name] = _redact_field(name, value)
        if record.exc_info:
            fields["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(fields, default=lambda value: redact(str(value)), ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people: time, level, message, request; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        request = request_id.get()
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        parts = [
            rfc3339(record.created),
            f"{record.levelname.lower():7}",
            record.getMessage(),
            *(f"{name}={value}" for name, value in extra.items()),
            *([f"request_id={request}"] if request is not None else []),
        ]
        line = " ".join(parts)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def redact(text: str) -> str:
    """A text without user names and passwords of addresses, tokens, passwords and cookies.

    The last net: what writes a log line leaves secrets out by itself.

    Example:
        >>> redact("rtsp://root:hunter2@10.0.0.5/1 with token=abcdefgh and Bearer abcdefgh")
        'rtsp://***@10.0.0.5/1 with token=*** and Bearer ***'
    """
    return _BEARER.sub(r"\1 ***", _NAMED.sub(r"\1\2***", hide_credentials(text)))


def start_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send every log line of this process to one place; whatever was set up before is replaced.

    Uvicorn's own lines go the same way, but not its line a request: ours has the request's id.
    Warnings, and errors that end a thread, become log lines too.

    Args:
        settings: What is written, and how.
        stream: Where to; standard error if not given.
    """
    global _started
    _started = settings
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.kind == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_end_of_thread
    logging.getLogger("sightline").setLevel(settings.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    server = logging.getLogger("uvicorn.error")
    # At INFO it writes a line a WebSocket with its address, and so would whatever is in it.
    server.setLevel(logging.WARNING)
    server.addFilter(_is_no_refusal)


def log_settings() -> LogSettings | None:
    """What `start_logging` was given in this process, for the processes that it starts."""
    return _started


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Leave out what uvicorn calls an error whenever a WebSocket is refused.

    A refusal of ours answers with an HTTP status before the handshake (ASGI's "WebSocket Denial
    Response"), as it must for a wrong key or origin, and our own line of the request tells it.
    """
    return record.getMessage() not in _REFUSALS


def _log_end_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = "" if args.thread is None else args.thread.name
    _log.error(
        "thread %s ended with an error",
        name,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )


def _redact_field(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return "***" if _SECRET.fullmatch(name) else redact(value)
