"""From a frame to a network's input, and from the network's boxes back to the frame.

The picture is scaled by one factor for both axes and padded with grey (a letterbox), or
stretched; then it becomes a float32 plane a channel, or stays bytes as it is. Sizes in pixels
are whole, so the true factors of the two axes differ a little from the wished one: `Placement`
keeps the true ones, and going back is exact. `cv2.resize` maps continuous coordinates by exactly
these factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

__all__ = [
    "Channels",
    "PixelWriter",
    "Placement",
    "PlaneWriter",
    "Preprocessing",
    "Resize",
    "Writer",
    "place",
]

Resize = Literal["letterbox-top-left", "letterbox-centred", "stretch"]
Channels = Literal["bgr", "rgb"]
Float = TypeVar("Float", bound=np.floating[Any])

_PADDING = 114  # the grey of YOLOX, the YOLO family and RTMDet


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a network wants done to a picture: (pixel - mean) / std, per channel.

    Args:
        resize: How the picture is fitted to the input.
        channels: Order of the channels; mean and std stand in the same order.
        mean: What is subtracted, on the scale 0…255.
        std: What it is divided by, on the scale 0…255.
    """

    resize: Resize
    channels: Channels
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in a network's input: x_input = x_picture · scale + offset.

    Args:
        width: Width of the scaled picture in input pixels.
        height: Height of the scaled picture in input pixels.
        left: Input pixels left of it.
        top: Input pixels above it.
        scale_x: Input pixels a picture pixel along x.
        scale_y: Input pixels a picture pixel along y.
    """

    width: int
    height: int
    left: int
    top: int
    scale_x: float
    scale_y: float

    def to_input(self, boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
        """(N, 4) x1 y1 x2 y2 in the picture to the same boxes in the network's input."""
        placed: npt.NDArray[Float] = boxes * self._scales(boxes.dtype) + self._offsets(boxes.dtype)
        return placed

    def to_picture(self, boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
        """(N, 4) x1 y1 x2 y2 in the network's input to the same boxes in the picture."""
        back: npt.NDArray[Float] = (boxes - self._offsets(boxes.dtype)) / self._scales(boxes.dtype)
        return back

    def _scales(self, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        return np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], dtype)

    def _offsets(self, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        return np.array([self.left, self.top, self.left, self.top], dtype)


class Writer(Protocol):
    """Writes pictures into a network's input; serves one thread at a time.

    Attributes:
        shape: Of one picture in the input.
        dtype: Of the input.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]

    def write(self, image: npt.NDArray[np.uint8], target: npt.NDArray[Any]) -> Placement:
        """Fit one picture.

        Args:
            image: (H, W, 3) uint8 BGR.
            target: Of the writer's shape and dtype, written in place.

        Returns:
            Where the picture now lies.
        """
        ...


class PixelWriter:
    """Writes pictures as the bytes that they are, (height, width, 3) uint8 BGR.

    For networks that normalise by themselves: a quarter of the memory, and one pass.

    Args:
        preprocessing: What the network wants; mean and std are left to it.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
    """

    def __init__(self, preprocessing: Preprocessing, height: int, width: int) -> None:
        self.preprocessing = preprocessing
        self.shape = (height, width, 3)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def write(self, image: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8]) -> Placement:
        """Fit one picture; see `Writer.write`."""
        height, width = self.shape[:2]
        placement = place(image.shape[0], image.shape[1], height, width, self.preprocessing.resize)
        bottom, right = placement.top + placement.height, placement.left + placement.width
        inner = target[placement.top : bottom, placement.left : right]
        if inner.shape == image.shape:
            inner[:] = image
        else:
            size = (placement.width, placement.height)
            cv2.resize(image, size, dst=inner, interpolation=cv2.INTER_LINEAR)
        target[: placement.top] = _PADDING
        target[bottom:] = _PADDING
        target[placement.top : bottom, : placement.left] = _PADDING
        target[placement.top : bottom, right:] = _PADDING
        return placement


class PlaneWriter:
    """Writes pictures as normalised planes, (3, height, width) float32.

    Keeps buffers between pictures.

    Args:
        preprocessing: What the network wants.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
    """

    def __init__(self, preprocessing: Preprocessing, height: int, width: int) -> None:
        self.preprocessing = preprocessing
        self.shape = (3, height, width)
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self._scaled = np.empty((0, 0, 3), dtype=np.uint8)
        self._planes = [np.empty((0, 0), dtype=np.uint8) for _ in range(3)]
        self._order = (0, 1, 2) if preprocessing.channels == "bgr" else (2, 1, 0)
        self._mean = np.array(preprocessing.mean, dtype=np.float32)
        self._factor = (1 / np.array(preprocessing.std)).astype(np.float32)
        self._padding = (np.float32(_PADDING) - self._mean) * self._factor

    def write(self, image: npt.NDArray[np.uint8], target: npt.NDArray[np.float32]) -> Placement:
        """Fit one picture; see `Writer.write`."""
        _, height, width = self.shape
        placement = place(image.shape[0], image.shape[1], height, width, self.preprocessing.resize)
        shape = (placement.height, placement.width)
        if self._scaled.shape[:2] != shape:
            self._scaled = np.empty((*shape, 3), dtype=np.uint8)
            self._planes = [np.empty(shape, dtype=np.uint8) for _ in range(3)]
        scaled = image
        if image.shape[:2] != shape:
            scaled = self._scaled
            size = (placement.width, placement.height)
            cv2.resize(image, size, dst=scaled, interpolation=cv2.INTER_LINEAR)
        cv2.split(scaled, self._planes)
        bottom, right = placement.top + placement.height, placement.left + placement.width
        for channel, source in enumerate(self._order):
            plane = target[channel]
            padding = self._padding[channel]
            plane[: placement.top] = padding
            plane[bottom:] = padding
            plane[placement.top : bottom, : placement.left] = padding
            plane[placement.top : bottom, right:] = padding
            inner = plane[placement.top : bottom, placement.left : right]
            self._normalise(self._planes[source], channel, inner)
        return placement

    def _normalise(
        self, pixels: npt.NDArray[np.uint8], channel: int, target: npt.NDArray[np.float32]
    ) -> None:
        """(pixel - mean) / std, in as few passes as the numbers allow."""
        mean, factor = self._mean[channel], self._factor[channel]
        if mean:
            np.subtract(pixels, mean, out=target)
            np.multiply(target, factor, out=target)
        elif factor != 1:
            np.multiply(pixels, factor, out=target)
        else:
            target[:] = pixels


def place(
    height: int, width: int, input_height: int, input_width: int, resize: Resize
) -> Placement:
    """Where a picture of a size lies in an input of a size.

    Args:
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        input_height: Height of the input in pixels.
        input_width: Width of the input in pixels.
        resize: How the picture is fitted.

    Example:
        >>> place(576, 768, 416, 416, "letterbox-top-left").height
        312
    """
    if resize == "stretch":
        inner_width, inner_height = input_width, input_height
    else:
        scale = min(input_height / height, input_width / width)
        # A picture of extreme shape keeps a row or column of pixels.
        inner_width = min(max(round(width * scale), 1), input_width)
        inner_height = min(max(round(height * scale), 1), input_height)
    centred = resize == "letterbox-centred"
    return Placement(
        width=inner_width,
        height=inner_height,
        left=(input_width - inner_width) // 2 if centred else 0,
        top=(input_height - inner_height) // 2 if centred else 0,
        scale_x=inner_width / width,
        scale_y=inner_height / height,
    )
