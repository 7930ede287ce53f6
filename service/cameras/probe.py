"""A first look at a camera before it is taken on."""

from __future__ import annotations

import os
import secrets
from typing import cast, get_args

import numpy as np
import numpy.typing as npt

from sightline.errors import SourceCode, SourceError, StateError
from sightline.service.cameras.messages import Beat, Connect, Ended, Guard, Ready, RingMade
from sightline.service.cameras.reader import read_camera
from sightline.service.cameras.ring import FrameRing
from sightline.service.cameras.slot import source_of
from sightline.service.config import Stream
from sightline.service.processes import Child, start_child
from sightline.service.steady import SteadyClock

__all__ = ["probe"]

_STARTS_WITHIN = 60.0  # seconds, of the process


def probe(stream: Stream, guard: Guard | None = None) -> npt.NDArray[np.uint8]:
    """The first picture of a camera; it is read in a process of its own, which ends with this.

    Args:
        stream: Its configuration.
        guard: How its address is checked, if that came by the interface.

    Returns:
        (H, W, 3) uint8 BGR, with masks black.

    Raises:
        SourceError: It cannot be read; its `code` says why.
        StateError: The reader itself failed.
    """
    clock = SteadyClock.start()
    name = f"sightline-{os.getpid()}-{secrets.token_hex(4)}"
    child = start_child(
        read_camera, clock.offset, name, 0.0, stream.privacy.masks, name="sightline-probe"
    )
    try:
        child.pipe.send(Connect(source_of(stream, guard), 0, 0.0))
        return _first_picture(child, stream, clock)
    finally:
        child.kill()


def _first_picture(child: Child, stream: Stream, clock: SteadyClock) -> npt.NDArray[np.uint8]:
    patience = 3 * stream.timeout + 2
    end = clock.now() + _STARTS_WITHIN
    ring: FrameRing | None = None
    try:
        while child.pipe.poll(max(end - clock.now(), 0.0)):
            message = child.pipe.recv()
            match message:
                case Ready():
                    end = clock.now() + patience
                case RingMade():
                    ring = FrameRing.attach(message.name)
                case Beat(pictures=pictures) if pictures:
                    frame = ring.read(0) if ring is not None else None
                    if frame is not None:
                        return frame.image
                case Ended(code=code, error=error):
                    if code not in get_args(SourceCode):
                        raise StateError(f"{stream.id}: {error}")
                    raise SourceError(error or "", cast(SourceCode, code))
    except (EOFError, OSError):
        raise StateError(f"{stream.id}: the reader ended by itself") from None
    finally:
        if ring is not None:
            ring.close()
            ring.unlink()
    raise SourceError(f"{stream.url}: no picture within {patience:.0f} s", "stream_timeout")
