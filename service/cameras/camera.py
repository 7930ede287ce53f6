"""What state a camera is in, and what to do next: no process, no pipe and no clock in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from sightline.service.cameras.messages import Beat, Ended
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Reconnect

__all__ = ["Action", "Camera"]

Action = Literal["connect", "kill"]
"""Tell the reader to connect (start it, if there is none); end the reader, which hangs."""

# A person has to change something; asking again may lock an account or annoy somebody.
_NEVER_AGAIN = {"stream_auth_failed", "stream_refused"}
# The same, unless it worked before: then something is being started again, or plugged in.
_UNLESS_IT_RAN = {"stream_not_found", "stream_tls", "stream_codec"}
# Seconds without news that are no stall yet: the reader tells twice a second.
_QUIET = 1.5
# Seconds that a process may take to start when many do at once: killing it would make it worse.
_STARTS_WITHIN = 60.0
_STEADY = 10.0  # seconds that a camera has to run until its failures are forgotten


class Camera:
    """The states of one camera; it is told what happens and says what is to be done.

    All times are UNIX seconds of the service's steady clock.

    Args:
        stream: Identifier.
        timeout: Seconds without a packet after which it counts as gone.
        reconnect: How long to wait between attempts.
        random: Numbers in 0…1 that vary the waits.
        now: The time.
    """

    def __init__(
        self,
        stream: str,
        timeout: float,
        reconnect: Reconnect,
        random: Callable[[], float],
        now: float,
    ) -> None:
        self.status = StreamStatus(stream, "STOPPED", now)
        self.timeout = timeout
        self.reconnect = reconnect
        self._random = random
        self._ran = False
        self._ready = False
        self._progress = 0
        self._progress_at = now
        self._corrupt_before = self._corrupt = 0

    @property
    def connected(self) -> bool:
        """Whether a reader is at it."""
        return self.status.state in ("CONNECTING", "RUNNING", "STALLED")

    def start(self, now: float) -> Action | None:
        """Run from now on; a camera that failed is tried again, one that waits at once."""
        if self.connected:
            return None
        self._enter("CONNECTING", now, attempts=1, retry_at=None)
        self._progress_at = now
        return "connect"

    def stop(self, now: float) -> None:
        """Run no more."""
        self._enter("STOPPED", now, retry_at=None, error_code=None, error=None, fps=0.0)

    def source_changed(self) -> None:
        """What is read is another from now on: nothing is known of it."""
        self._ran = False

    def beat(self, beat: Beat, now: float) -> None:
        """The reader told how it goes."""
        if not self.connected:
            return
        if beat.progress != self._progress:
            self._progress, self._progress_at = beat.progress, now
        self._corrupt = beat.corrupt
        self.status = replace(
            self.status,
            fps=round(beat.fps, 2),
            width=beat.width or self.status.width,
            height=beat.height or self.status.height,
            received=max(self.status.received, beat.sequence),
            corrupt=self._corrupt_before + beat.corrupt,
            last_frame_at=beat.captured_at or self.status.last_frame_at,
            log=beat.log or self.status.log,
        )
        state = self.status.state
        if (state == "CONNECTING" and beat.pictures) or (
            state == "STALLED" and self._progress_at == now
        ):
            self._ran = True
            self._enter("RUNNING", now, error_code=None, error=None)

    def settle(self, sequence: int) -> None:
        """No reader is left; this was the last frame that it laid out."""
        self.status = replace(self.status, received=max(self.status.received, sequence))

    def ended(self, ended: Ended, now: float) -> None:
        """The reader gave up, or came to the end of a file."""
        if not self.connected:
            return
        self.status = replace(self.status, log=ended.log or self.status.log)
        if ended.code is None:
            self.stop(now)
            self.status = replace(self.status, error="the file was read to its end")
        else:
            self._fail(ended.code, ended.error or "", now)

    def reader_ready(self, now: float) -> None:
        """The reader's process has started."""
        self._ready, self._progress_at = True, now

    def reader_left(self) -> None:
        """There is no reader any more; the next counts from 0."""
        self._ready = False
        self._corrupt_before += self._corrupt
        self._corrupt = self._progress = 0

    def died(self, reason: str, now: float) -> None:
        """The reader ended unasked, for a reason as far as it is known."""
        if self.connected:
            self._fail("reader_failed", reason, now)

    def tick(self, now: float) -> Action | None:
        """What time alone changes; to be called at `deadline`, and besides as one likes."""
        state, silence = self.status.state, now - self._progress_at
        if state == "BACKOFF" and now >= (self.status.retry_at or 0.0):
            self._enter("CONNECTING", now, attempts=self.status.attempts + 1, retry_at=None)
            self._progress_at = now
            return "connect"
        if self.connected and silence >= self._hangs_after:
            self._fail(
                "stream_timeout", f"no sign of life for {silence:.0f} s; the reader hung", now
            )
            return "kill"
        if state == "RUNNING" and silence >= self._stalls_after:
            self._enter("STALLED", now, error_code="stream_timeout", error="no data is coming")
        return None

    def deadline(self) -> float | None:
        """When `tick` has something to do, if nothing happens until then."""
        if self.status.state == "BACKOFF":
            return self.status.retry_at
        if self.status.state == "RUNNING":
            return self._progress_at + self._stalls_after
        return self._progress_at + self._hangs_after if self.connected else None

    @property
    def _stalls_after(self) -> float:
        return max(self.timeout / 2, _QUIET)

    @property
    def _hangs_after(self) -> float:
        if not self._ready:
            return _STARTS_WITHIN
        # FFmpeg gives up after one time-out, PyAV after two, and finding out why may take another.
        return 3 * self.timeout + 2

    def _fail(self, code: str, error: str, now: float) -> None:
        status = self.status
        steady = status.state != "CONNECTING" and now - status.since >= _STEADY
        attempts = 1 if steady else max(status.attempts, 1)
        if code in _NEVER_AGAIN or (code in _UNLESS_IT_RAN and not self._ran):
            self._enter("FAILED", now, error_code=code, error=error, fps=0.0)
            return
        wait = min(self.reconnect.first * 2.0 ** min(attempts - 1, 30), self.reconnect.longest)
        wait *= 1 + self.reconnect.jitter * (2 * self._random() - 1)
        self._enter(
            "BACKOFF",
            now,
            error_code=code,
            error=error,
            attempts=attempts,
            retry_at=now + wait,
            fps=0.0,
        )

    def _enter(self, state: str, now: float, **changes: object) -> None:
        since = self.status.since if state == self.status.state else now
        self.status = replace(self.status, state=state, since=since, **changes)  # type: ignore[arg-type]
