"""The last lines that FFmpeg writes, without credentials.

FFmpeg logs from threads of its own, so it is left its plain way, standard error, instead of
Python's logging, which would take the interpreter's lock there.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from contextlib import suppress
from urllib.parse import quote, quote_plus

import av

from sightline.video.address import hide_credentials

__all__ = ["LogLines"]

_LINES = 20
_LENGTH = 300
_PIPE = 65_536
_POINTER = re.compile(r" @ 0x[0-9a-f]+")


class LogLines:
    """Takes over standard error of this process and remembers its end."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._secrets: tuple[str, ...] = ()
        self._reading, writing = os.pipe()
        # Lines that nobody has fetched are lost when the pipe is full: FFmpeg must not wait.
        for end in (self._reading, writing):
            os.set_blocking(end, False)
        os.dup2(writing, 2)
        os.close(writing)
        self._fetching = threading.Lock()
        self._rest = b""
        av.logging.restore_default_callback()
        av.logging.set_libav_level(av.logging.WARNING)

    def hide(self, *secrets: str | None) -> None:
        """Leave these out of every line, raw and encoded as in addresses."""
        plain = [secret for secret in secrets if secret]
        forms = {form for secret in plain for form in (secret, quote(secret, safe=""))}
        forms |= {quote_plus(secret) for secret in plain}
        self._secrets = tuple(sorted(forms, key=len, reverse=True))

    def clear(self) -> None:
        """Forget the lines so far."""
        self.last()
        self._lines.clear()

    def last(self) -> tuple[str, ...]:
        """The last lines, oldest first."""
        with self._fetching:
            with suppress(BlockingIOError):
                while part := os.read(self._reading, _PIPE):
                    *lines, self._rest = (self._rest + part).split(b"\n")
                    self._rest = self._rest[-_PIPE:]
                    for line in lines:
                        self._keep(line.decode("utf-8", "replace"))
            return tuple(self._lines)

    def _keep(self, line: str) -> None:
        text = hide_credentials(_POINTER.sub("", line.strip()))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if text and (not self._lines or self._lines[-1] != text[:_LENGTH]):
            self._lines.append(text[:_LENGTH])
