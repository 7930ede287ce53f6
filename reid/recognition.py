"""How a re-ID network wants its crops, found out from the file.

| network | input | pixels |
| --- | --- | --- |
| our own export | uint8 (N, H, W, 3), metadata `sightline.task: reid` | BGR as they are |
| OSNet and torchreid's others | float32 (N, 3, H, W) | RGB, ImageNet mean and deviation |
| Open Model Zoo, converted | float32 (N, H, W, 3) | BGR 0…255 |

Every one returns (N, D).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sightline.errors import ModelError
from sightline.inference import Session, TensorInfo

__all__ = ["DISTANCE_KEY", "TASK_KEY", "TASK_VALUE", "THRESHOLD_KEY", "CropInput", "recognise"]

TASK_KEY = "sightline.task"
TASK_VALUE = "reid"
DISTANCE_KEY = "sightline.match_distance"
THRESHOLD_KEY = "sightline.track_threshold"

_IMAGENET_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_IMAGENET_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)

_MATCH_DISTANCES = {"bytes": 0.5, "planes": 0.33, "pixels": 0.2}

Layout = Literal["bytes", "planes", "pixels"]


@dataclass(frozen=True, slots=True)
class CropInput:
    """What a network wants.

    Args:
        name: Name of the input.
        layout: `bytes`: uint8 NHWC BGR; `planes`: float32 NCHW RGB normalised; `pixels`:
            float32 NHWC BGR 0…255.
        height: Height of a crop in pixels.
        width: Width of a crop in pixels.
        batch: Crops that one run takes, None where that is free.
    """

    name: str
    layout: Layout
    height: int
    width: int
    batch: int | None

    @property
    def match_distance(self) -> float:
        """Cosine distance at which one person and two are equally likely, if the file is silent.

        Of a network of this kind; what docs/benchmarks-reid-tracking.md was measured with.
        """
        return _MATCH_DISTANCES[self.layout]

    def prepare(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8 | np.float32]:
        """(N, height, width, 3) uint8 BGR crops as the network's input."""
        if self.layout == "bytes":
            return np.ascontiguousarray(crops)
        if self.layout == "pixels":
            return crops.astype(np.float32)
        scaled = (crops[..., ::-1].astype(np.float32) - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def recognise(session: Session) -> CropInput:
    """Find out how a network is fed.

    Raises:
        ModelError: It is no network that takes crops and returns a vector each.
    """
    tensor = session.inputs[0] if len(session.inputs) == 1 else None
    shape = None if tensor is None else tensor.shape
    output = session.outputs[0].shape if len(session.outputs) == 1 else None
    if tensor is None or shape is None or len(shape) != 4 or output is None or len(output) != 2:
        raise _unknown(session, "one input of crops and one output (N, D) are expected")
    own = session.metadata.get(TASK_KEY) == TASK_VALUE
    if shape[3] == 3 and tensor.dtype == np.uint8 and own:
        return _crop_input(session, tensor, "bytes", shape[1], shape[2])
    if shape[1] == 3 and tensor.dtype == np.float32:
        return _crop_input(session, tensor, "planes", shape[2], shape[3])
    if shape[3] == 3 and tensor.dtype == np.float32:
        return _crop_input(session, tensor, "pixels", shape[1], shape[2])
    raise _unknown(session, "the input is none of the kinds that docs/reid.md lists")


def _crop_input(
    session: Session, tensor: TensorInfo, layout: Layout, height: int | None, width: int | None
) -> CropInput:
    if height is None or width is None:
        raise _unknown(session, "the size of the crops is left open")
    return CropInput(tensor.name, layout, height, width, tensor.shape[0])


def _unknown(session: Session, reason: str) -> ModelError:
    tensors = ", ".join(str(tensor) for tensor in (*session.inputs, *session.outputs))
    return ModelError(f"{session.name}: not a re-ID network: {reason}; it has {tensors}")
