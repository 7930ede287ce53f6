"""A network on held-out pictures: what it finds there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from sightline.detector.nms import nms
from sightline.detector.training.examples import Example
from sightline.structures import Detections

__all__ = ["Score", "detect_examples", "letterboxed"]

Score = Callable[[Sequence[Example], Sequence[Detections]], dict[str, float]]
"""Average precision of detections in examples: `AP50`, `AP` and `AP50/CLASS`, as fractions."""

_LEAST_SCORE = 0.01
_NMS = 0.65  # what COCO's results are usually taken with
_BEST = 300
_GREY = 114


def detect_examples(
    network: nn.Module, examples: Sequence[Example], size: int, device: torch.device
) -> list[Detections]:
    """Detections in each example, in pixels of its picture.

    Args:
        network: In evaluation mode; `predict` says what every cell sees.
        examples: Pictures.
        size: Side of the network's input.
        device: Where the network is.

    Raises:
        InputError: A picture is missing or damaged.
    """
    found = []
    for example in examples:
        canvas, scale = letterboxed(example.load(), size)
        pictures = torch.from_numpy(canvas).to(device).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            boxes, scores = network.predict(pictures)  # type: ignore[operator]
        best, classes = scores[0].max(dim=1)
        likely = best > _LEAST_SCORE
        part = (boxes[0][likely] / scale, best[likely], classes[likely])
        rows = [tensor.cpu().numpy() for tensor in part]
        kept = nms(rows[0], rows[1], rows[2], _NMS)[:_BEST]
        found.append(Detections(rows[0][kept], rows[1][kept], rows[2][kept].astype(np.int32)))
    return found


def letterboxed(image: npt.NDArray[np.uint8], size: int) -> tuple[npt.NDArray[np.uint8], float]:
    """A picture fitted into the top left of a grey square, (size, size, 3), and its scale."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    sides = (max(round(width * scale), 1), max(round(height * scale), 1))
    canvas = np.full((size, size, 3), _GREY, np.uint8)
    canvas[: sides[1], : sides[0]] = cv2.resize(image, sides, interpolation=cv2.INTER_LINEAR)
    return canvas, scale
