"""Looking inside a network: what its layers answer to a picture, and which cells made each box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from sightline.detector.exported import PREPROCESSING
from sightline.detector.network.base import DetectorNetwork
from sightline.detector.network.pretrained import TorchvisionBackbone
from sightline.detector.nms import nms
from sightline.detector.preprocessing import PixelWriter
from sightline.detector.sizes import PixelBudget
from sightline.geometry import iou_matrix

__all__ = ["IOU_THRESHOLD", "Found", "Inside", "look_inside"]

IOU_THRESHOLD = 0.55
"""Overlap above which a weaker box is dropped, as in the exported files."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A box and the cells that it comes from, in pixels of the picture.

    Args:
        box: (4,) x1 y1 x2 y2.
        score: Its score.
        class_index: Its class.
        points: (P, 2) x y, centres of the cells whose boxes were taken for this object: the one
            whose box is shown first, then those that were dropped for it, the best first.
        strides: (P,) their strides in input pixels.
        scores: (P,) their scores.
    """

    box: Floats
    score: float
    class_index: int
    points: Floats
    strides: npt.NDArray[np.int32]
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """What a network has to say of one picture.

    Args:
        input_size: Height and width of its input in pixels.
        covered: Width and height, in pixels of the picture, that the input covers; the grids of
            the features span it. More than the picture where there is padding.
        features: (c, H/s, W/s) by stride s: what the head looks at.
        filters: (n, 3, k, k) BGR, the kernels of the first convolution.
        found: Boxes, the best first.
        cells: Cells that could have made one.
    """

    input_size: tuple[int, int]
    covered: tuple[float, float]
    features: dict[int, Floats]
    filters: Floats
    found: list[Found]
    cells: int


def look_inside(
    network: DetectorNetwork, image: npt.NDArray[np.uint8], size: int, confidence: float
) -> Inside:
    """Run a network on a picture and keep what is usually thrown away.

    Args:
        network: In evaluation mode, on the CPU.
        image: (H, W, 3) uint8 BGR.
        size: Side of a square; the input has at most as many pixels, in the picture's shape.
        confidence: A cell fires where its best score is above this.
    """
    height, width = PixelBudget(size).input_for(*image.shape[:2])
    writer = PixelWriter(PREPROCESSING, height, width)
    canvas = np.empty(writer.shape, np.uint8)
    placement = writer.write(image, canvas)
    pictures = torch.from_numpy(canvas).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        features = network.features(pictures)
        boxes, scores = network.predict(pictures)
        centres, strides = network.anchors(height, width)
    best, classes = scores[0].max(dim=1)
    fired = best > confidence
    points = torch.cat([centres, centres], dim=1)[fired].numpy()
    found = _group(
        placement.to_picture(boxes[0][fired].numpy()),
        best[fired].numpy(),
        classes[fired].numpy().astype(np.int32),
        placement.to_picture(points)[:, :2],
        strides[fired].numpy().astype(np.int32),
    )
    return Inside(
        (height, width),
        (width / placement.scale_x, height / placement.scale_y),
        {stride: maps[0].numpy() for stride, maps in features.items()},
        _first_filters(network),
        found,
        len(centres),
    )


def _group(
    boxes: Floats,
    scores: Floats,
    classes: npt.NDArray[np.int32],
    points: Floats,
    strides: npt.NDArray[np.int32],
) -> list[Found]:
    """Each box that suppression keeps, with those that it drops for it."""
    kept = nms(boxes, scores, classes, IOU_THRESHOLD)
    if not len(kept):
        return []
    overlaps = iou_matrix(boxes, boxes[kept])
    same = (overlaps > IOU_THRESHOLD) & (classes[:, None] == classes[kept])
    owner = np.where(same.any(axis=1), same.argmax(axis=1), -1)  # the best of those it overlaps
    owner[kept] = np.arange(len(kept))
    found = []
    for number, row in enumerate(kept.tolist()):
        members = np.flatnonzero(owner == number)
        members = members[np.argsort(-scores[members], kind="stable")]
        members = np.concatenate([[row], members[members != row]])
        found.append(
            Found(
                boxes[row],
                float(scores[row]),
                int(classes[row]),
                points[members],
                strides[members],
                scores[members],
            )
        )
    return found


def _first_filters(network: DetectorNetwork) -> Floats:
    """The first kernels as BGR: torchvision's backbones are handed RGB."""
    first = next(part for part in network.backbone.modules() if isinstance(part, nn.Conv2d))
    kernels: Floats = first.weight.detach().numpy()
    turned = isinstance(network.backbone, TorchvisionBackbone)
    return kernels[:, ::-1].copy() if turned else kernels
