"""Telling networks apart: which head reads one, and how pictures must come to it.

A network's outputs say a lot once it has run: their shapes are then known even where the file
leaves them open. What they cannot say (the normalisation of an end-to-end network, for one)
must come from an entry (`registry.py`) or the file's metadata. Nothing is guessed: a network
that stays ambiguous is refused with the outputs that were seen and what to write down.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.detector.class_names import COCO_CLASSES
from sightline.detector.heads import (
    Activation,
    DetrHead,
    EndToEndHead,
    Head,
    HeadName,
    Yolov8Head,
    YoloxHead,
    grid_size,
)
from sightline.detector.preprocessing import Preprocessing
from sightline.detector.registry import ModelEntry
from sightline.detector.sizes import check_sides
from sightline.errors import ModelError
from sightline.inference import Session, TensorInfo

__all__ = ["Recognised", "input_size", "recognise"]

Array = npt.NDArray[Any]

_DEFAULT_SIZE = 640
_PREPROCESSING: dict[HeadName, Preprocessing] = {
    "yolox": Preprocessing("letterbox-top-left", "bgr"),
    "yolov8": Preprocessing("letterbox-centred", "rgb", std=(255.0, 255.0, 255.0)),
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """How a network is fed and read.

    Args:
        head: What decodes its outputs.
        preprocessing: What is done to pictures.
        class_names: Names of its classes, by index.
    """

    head: Head
    preprocessing: Preprocessing
    class_names: tuple[str, ...]


def input_size(
    session: Session, entry: ModelEntry, size: int | tuple[int, int] | None
) -> tuple[int, int]:
    """Height and width of a network's input in pixels.

    Args:
        session: The network.
        entry: What is known about it.
        size: What the user wishes (one number means a square); None for the network's own.

    Raises:
        ModelError: The input is no picture, or the wish does not fit the network.
    """
    if len(session.inputs) != 1:
        seen = ", ".join(str(tensor) for tensor in session.inputs)
        raise ModelError(f"{session.name}: a detector takes one input, the pictures; saw {seen}")
    tensor = session.inputs[0]
    if len(tensor.shape) != 4 or tensor.shape[1] not in (3, None) or tensor.dtype != np.float32:
        raise ModelError(
            f"{session.name}: not a detector that Sightline reads: expected an input of pictures "
            f"(B, 3, H, W) float32, got {tensor}. {_saw(session.outputs)}"
        )
    fixed = tensor.shape[2:]
    wish = (size, size) if isinstance(size, int) else size
    if wish is None:
        wish = entry.size or _metadata_size(session.metadata) or (_DEFAULT_SIZE, _DEFAULT_SIZE)
        wish = (fixed[0] or wish[0], fixed[1] or wish[1])
    height, width = wish
    if any(side not in (None, asked) for side, asked in zip(fixed, wish, strict=True)):
        raise ModelError(
            f"{session.name}: its input is fixed at {fixed[0] or '?'}x{fixed[1] or '?'} "
            f"(height x width); {height}x{width} was asked for"
        )
    if None in fixed:
        check_sides(session.name, height, width)
    return height, width


def recognise(
    session: Session, entry: ModelEntry, outputs: Sequence[Array], height: int, width: int
) -> Recognised:
    """Find out how a network is fed and read.

    Args:
        session: The network.
        entry: What is known about it; empty where nothing is.
        outputs: What it returned for one picture of the size.
        height: Height of the input in pixels.
        width: Width of the input in pixels.

    Raises:
        ModelError: It is no detector that Sightline reads, or it stays ambiguous; names the
            outputs that were seen and what to write down.
    """
    seen = [
        TensorInfo(info.name, array.shape, array.dtype)
        for info, array in zip(session.outputs, outputs, strict=True)
    ]
    task = session.metadata.get("task", "detect")
    if task != "detect":
        raise ModelError(f"{session.name}: made for the task {task!r}, not for detection")
    names = entry.class_names or _metadata_names(session.metadata)
    head, columns = _head(seen, entry, height, width, names)
    if head is None:
        raise ModelError(
            f"{session.name}: not recognised as a detector. {_saw(seen)}. Where it is one, "
            f"describe it in a YAML file beside it, {_sidecar(session.name)} (head, size, resize, "
            "channels, mean, std, classes: docs/detector.md)"
        )
    preprocessing = entry.preprocessing or _known_preprocessing(head.name, session.metadata)
    if preprocessing is None:
        raise ModelError(
            f"{session.name}: recognised as {head.name}, but the file does not say how pictures "
            f"are resized and normalised. {_saw(seen)}. Write it in a YAML file beside it, "
            f"{_sidecar(session.name)} (resize, channels, mean, std, classes: docs/detector.md)"
        )
    return Recognised(head, preprocessing, _class_names(session.name, names, columns))


def _head(
    seen: Sequence[TensorInfo],
    entry: ModelEntry,
    height: int,
    width: int,
    names: tuple[str, ...] | None,
) -> tuple[Head | None, int | None]:
    """The head and its number of classes (None where the outputs do not say it)."""
    wanted = entry.head
    anchors = grid_size(height, width)
    ranks = [len(tensor.shape) for tensor in seen]
    if ranks == [3]:
        _, rows, columns = seen[0].shape
        assert rows is not None
        assert columns is not None
        if rows == anchors and columns > 5 and wanted in (None, "yolox"):
            return YoloxHead(height, width), columns - 5
        if columns == anchors and rows > 4 and wanted in (None, "yolov8"):
            return Yolov8Head(), rows - 4
        if columns == 6 and wanted in (None, "end-to-end"):
            return EndToEndHead("rows", [0]), None
    if wanted in (None, "detr"):
        found = _detr(seen, entry, height, width, names)
        if found is not None:
            return found
    if wanted in (None, "end-to-end"):
        return _end_to_end(seen), None
    return None, None


def _detr(
    seen: Sequence[TensorInfo],
    entry: ModelEntry,
    height: int,
    width: int,
    names: tuple[str, ...] | None,
) -> tuple[Head, int] | None:
    if len(seen) != 2 or any(len(tensor.shape) != 3 for tensor in seen):
        return None
    # Logits by name: plain scores with boxes beside them are some other network's outputs.
    order = sorted(range(2), key=lambda index: "logit" not in seen[index].name.lower())
    logits, boxes = (seen[index] for index in order)
    if boxes.shape[2] != 4 or logits.shape[1] != boxes.shape[1]:
        return None
    if "logit" not in logits.name.lower() and entry.head != "detr":
        return None
    columns = logits.shape[2]
    assert columns is not None
    activation = entry.activation or _activation(columns, names)
    head = DetrHead(height, width, logits=order[0], boxes=order[1], activation=activation)
    return head, columns - (activation == "softmax")


def _activation(columns: int, names: tuple[str, ...] | None) -> Activation:
    classes = len(COCO_CLASSES) if names is None else len(names)
    return "softmax" if columns == classes + 1 else "sigmoid"


def _end_to_end(seen: Sequence[TensorInfo]) -> Head | None:
    boxes = [i for i, tensor in enumerate(seen) if tensor.shape[2:] in ((4,), (5,))]
    if len(boxes) != 1:
        return None
    rows = seen[boxes[0]].shape[:2]
    flat = [i for i, tensor in enumerate(seen) if tensor.shape == rows and i != boxes[0]]
    rest = [i for i in range(len(seen)) if i not in (*boxes, *flat)]
    if seen[boxes[0]].shape[2] == 5:
        is_pair = len(flat) == 1 and not rest
        return EndToEndHead("boxes-labels", [*boxes, *flat]) if is_pair else None
    if rows[1] == 1 and len(flat) == 3:  # K = 1: the count has the shape of the scores
        rest = [i for i in flat if _named(seen[i], "num", "count")]
        flat = [i for i in flat if i not in rest]
    classes = [i for i in flat if _is_integer(seen[i]) or _named(seen[i], "class", "label")]
    scores = [i for i in flat if i not in classes]
    counts = [i for i in rest if seen[i].shape in ((rows[0], 1), (rows[0],))]
    if len(classes) != 1 or len(scores) != 1 or len(rest) > 1 or counts != rest:
        return None
    return EndToEndHead("boxes-scores-classes", [*boxes, *scores, *classes, *counts])


def _is_integer(tensor: TensorInfo) -> bool:
    return tensor.dtype is not None and np.issubdtype(tensor.dtype, np.integer)


def _named(tensor: TensorInfo, *words: str) -> bool:
    return any(word in tensor.name.lower() for word in words)


def _known_preprocessing(head: HeadName, metadata: Mapping[str, str]) -> Preprocessing | None:
    # Files of the YOLO family that hold their suppression say so, and are fed like the others.
    if head == "end-to-end" and metadata.get("end2end", "").lower() == "true":
        return _PREPROCESSING["yolov8"]
    return _PREPROCESSING.get(head)


def _class_names(model: str, names: tuple[str, ...] | None, columns: int | None) -> tuple[str, ...]:
    if names is not None:
        if columns is not None and columns != len(names):
            raise ModelError(
                f"{model}: the network has {columns} classes, its description names {len(names)}"
            )
        return names
    if columns is None:
        raise ModelError(
            f"{model}: its outputs do not say how many classes it has; list them as `classes:` in "
            f"a YAML file beside it, {_sidecar(model)} (docs/detector.md)"
        )
    if columns == len(COCO_CLASSES):
        return COCO_CLASSES
    return tuple(f"class{index}" for index in range(columns))


def _metadata_names(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Class names as exporters write them: a dictionary by index, a list, or one a line."""
    text = metadata.get("names") or metadata.get("classes")
    if not text:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=int)]
    return tuple(str(name) for name in value) if isinstance(value, list | tuple) else None


def _metadata_size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        height, width = ast.literal_eval(metadata.get("imgsz", ""))
        return int(height), int(width)
    except (ValueError, SyntaxError, TypeError):
        return None


def _saw(tensors: Sequence[TensorInfo]) -> str:
    return "Its outputs are " + "; ".join(str(tensor) for tensor in tensors)


def _sidecar(model: str) -> str:
    return f"{model.rpartition('.')[0] or model}.yaml"
