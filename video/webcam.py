"""Webcams of this machine."""

from __future__ import annotations

import sys

import av

from sightline.errors import SourceError
from sightline.video.container import ContainerSource, Taps
from sightline.video.selection import Selection

__all__ = ["open_webcam"]

# FFmpeg's input device and how it calls the camera with a number.
_DEVICES = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}:none"),
    "win32": ("vfwcap", "{}"),
}


def open_webcam(
    camera: str, selection: Selection, *, timeout: float, taps: Taps | None = None
) -> ContainerSource:
    """Open a webcam.

    Args:
        camera: Its number from 0, or the device's path on Linux.
        selection: Which frames are wanted; times count from the first frame.
        timeout: Seconds without a picture after which it is given up.
        taps: Who is told of packets, and what arrivals are told by.

    Raises:
        SourceError: There is no such camera, or it is in use or forbidden.
    """
    device_format, pattern = _DEVICES.get(sys.platform, _DEVICES["linux"])
    device = pattern.format(camera) if camera.isdigit() else camera

    def name_failure(error: BaseException, _seconds: float) -> SourceError:
        return _failure(device, error)

    try:
        container = av.open(device, format=device_format, timeout=timeout)
    except (av.FFmpegError, OSError) as error:
        raise name_failure(error, 0.0) from None
    return ContainerSource(
        container,
        name=device.rpartition("/")[2],
        label=f"webcam {device}",
        live=True,
        selection=selection,
        name_failure=name_failure,
        taps=taps,
    )


def _failure(device: str, error: BaseException) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(
            f"webcam {device}: no such device; is it plugged in?", "stream_not_found"
        )
    if isinstance(error, PermissionError):
        return SourceError(
            f"webcam {device}: not allowed to use it; on Linux join the group `video`",
            "stream_auth_failed",
        )
    if isinstance(error, TimeoutError | av.error.ExitError):
        return SourceError(f"webcam {device}: it sends no pictures", "stream_timeout")
    reason = getattr(error, "strerror", None) or type(error).__name__
    return SourceError(f"webcam {device}: cannot be read: {reason}", "stream_ended")
