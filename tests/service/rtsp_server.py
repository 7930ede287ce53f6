"""A real RTSP server with several cameras, which can fall silent, die and return."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.video.conftest import missing_gstreamer

__all__ = ["RtspServer", "missing_gstreamer"]

_SYSTEM_PYTHON = "/usr/bin/python3"
_SCRIPT = Path(__file__).resolve().parent.parent / "video" / "rtsp_server.py"


class RtspServer:
    """GStreamer's RTSP server in a child process; every client sees a clip from its beginning.

    Clips are sent at their own rate and end; `endless.mp4` made by the fixture `endless_clip` lasts
    as long as a test may. Started when made.

    Args:
        clips: H.264 in MP4 by the name of its camera.
        user: Who may watch; empty for everybody.
        password: The user's.
        method: How the password is asked for.
    """

    def __init__(
        self,
        clips: Mapping[str, Path],
        user: str = "",
        password: str = "",
        method: Literal["basic", "digest"] = "digest",
    ) -> None:
        self._mounts = [f"{name}={path}" for name, path in clips.items()]
        self._access = (method if user else "none", user, password)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def url(self, name: str) -> str:
        """Address of a camera, without user and password."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Listen; again at the port of the first time."""
        assert self._process is None
        self._process = subprocess.Popen(
            [_SYSTEM_PYTHON, str(_SCRIPT), str(self.port), *self._access, *self._mounts],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def fall_silent(self) -> None:
        """Keep every connection and say nothing any more, as when a cable is pulled."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def speak_again(self) -> None:
        """End the silence."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def die(self) -> None:
        """End at once, as when the power fails; nothing happens if it is dead."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
