"""Log lines of the whole service: a JSON object or plain text each, without credentials."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any, Literal, TextIO

from sightline.service.steady import rfc3339
from sightline.service.telemetry.context import request_id
from sightline.video.address import hide_credentials

__all__ = ["JsonFormatter", "TextFormatter", "redact", "start_logging"]

# What `logging` itself puts into a record; the rest came by `extra` and is ours.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_SECRET = re.compile(r"(?i)\b(password|passwd|secret|token|api_?key|cookie|sightline_session)")
_NAMED = re.compile(_SECRET.pattern + r"(['\"]?\s*[:=]\s*['\"]?)[^\s'\"&,;}]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")


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


def start_logging(
    level: Literal["debug", "info", "warning", "error"],
    kind: Literal["json", "text"],
    stream: TextIO | None = None,
) -> None:
    """Send every log line of this process to one place; whatever was set up before is replaced.

    Uvicorn's own lines go the same way, but not its line a request: ours has the request's id.

    Args:
        level: The lowest that is written.
        kind: A JSON object a line, or plain text.
        stream: Where to; standard error if not given.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("sightline").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    # At INFO it writes a line a WebSocket with its address, and so would whatever is in it.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _redact_field(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return "***" if _SECRET.fullmatch(name) else redact(value)
