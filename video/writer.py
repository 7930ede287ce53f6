"""Writes annotated video: H.264 in MP4, with the times of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigError, InputError, StateError
from sightline.structures import Frame, Tracks
from sightline.video.draw import TrackPainter

__all__ = ["VideoWriter"]

_UNIT = Fraction(1, 90_000)
_BT601, _LIMITED = 6, 1  # what OpenCV's BGR to YUV conversion makes; players read it from the tags
_ENCODER = "libx264"
_OPTIONS = {
    # The cheapest preset: a third of the time of `veryfast` for three times its bytes, at no less
    # quality. Figures: docs/benchmarks.md; licence: docs/adr/0004-video-encoder.md.
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "23",
}


class VideoWriter:
    """Draws tracks on frames and writes them as H.264; implements `protocols.Sink`.

    The file plays at the times of the frames, however uneven, from 0 at the first one; it is
    yuv420p with its index at the front, for browsers. Pictures with an odd side get a row or
    column of pixels more; a frame of another size than the first is scaled to it.

    Without a single frame no file is left.

    Args:
        path: The file; replaced if it exists. MP4, whatever its suffix.
        class_names: Name of each class index, for the labels.
        rate: Nominal frames per second, for how long the last frame stays; 0 where unknown.
        trails: Whether to draw where tracks came from.

    Raises:
        InputError: The file cannot be written there.
        ConfigError: This build of FFmpeg lacks the encoder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        class_names: Sequence[str] = (),
        rate: float = 0.0,
        trails: bool = True,
    ) -> None:
        self.path = Path(path)
        self.rate = rate
        self._painter = TrackPainter(class_names, trails=trails)
        self._container: Any = None
        self._stream: Any = None
        self._first_time = 0.0
        self._last_tick = -1
        self._closed = False
        if _ENCODER not in av.codecs_available:
            raise ConfigError(
                f"this FFmpeg has no encoder {_ENCODER}; install PyAV's own wheel (pip install av) "
                "or go without --save-video"
            )
        try:
            with self.path.open("wb"):
                pass
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Add a frame with its tracks; the frame's own image stays as it is.

        Raises:
            InputError: The disk is full or went away.
            StateError: The writer is closed.
        """
        if self._closed:
            raise StateError(f"{self.path}: the writer is closed")
        try:
            if self._container is None:
                self._open(frame)
            self._fill_canvas(frame.image)
            self._painter.draw(self._canvas, tracks)
            self._encode(frame.time)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from None

    def close(self) -> None:
        """Finish the file; what was written so far plays to its end."""
        if self._closed:
            return
        self._closed = True
        if self._container is None:
            self.path.unlink(missing_ok=True)
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, frame: Frame) -> None:
        # yuv420p has a sample of colour for two by two pixels: both sides are even.
        width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
        self._canvas = np.empty((height, width, 3), np.uint8)
        self._yuv = np.empty((height * 3 // 2, width), np.uint8)
        self._size = (frame.width, frame.height)
        self._first_time = frame.time
        self._container = av.open(
            str(self.path), "w", format="mp4", options={"movflags": "faststart"}
        )
        rate = Fraction(self.rate if self.rate > 0 else 30.0).limit_denominator(1001)
        stream: Any = self._container.add_stream(_ENCODER, rate=rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = _UNIT
        stream.codec_context.colorspace = _BT601
        stream.codec_context.color_range = _LIMITED
        stream.codec_context.thread_count = 2
        stream.options = dict(_OPTIONS)
        self._stream = stream

    def _fill_canvas(self, image: npt.NDArray[np.uint8]) -> None:
        width, height = self._size
        if image.shape[:2] != (height, width):
            scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            image = np.asarray(scaled, dtype=np.uint8)
        self._canvas[:height, :width] = image
        self._canvas[height:, :width] = image[-1:]
        self._canvas[:, width:] = self._canvas[:, width - 1 : width]

    def _encode(self, time: float) -> None:
        cv2.cvtColor(self._canvas, cv2.COLOR_BGR2YUV_I420, dst=self._yuv)
        # PyAV 18 takes a buffer without a copy, but miscounts heights that 4 does not divide.
        divisible = self._stream.height % 4 == 0
        make = av.VideoFrame.from_numpy_buffer if divisible else av.VideoFrame.from_ndarray
        picture = make(self._yuv, format="yuv420p")
        # A player needs times that grow, whatever the frames say.
        tick = max(round((time - self._first_time) / _UNIT), self._last_tick + 1)
        self._last_tick = tick
        picture.pts, picture.time_base = tick, _UNIT
        self._container.mux(self._stream.encode(picture))

    def _failure(self, error: BaseException) -> InputError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return InputError(f"{self.path}: cannot be written: {reason}")
