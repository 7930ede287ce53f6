"""What our own exported networks say of themselves, and what they take and return.

They take `images` (B, H, W, 3) uint8 BGR, letterboxed top-left, and return `detections` (N, 7)
float32: picture, x1, y1, x2, y2, score, class. The rest stands in the file's metadata. Needs
nothing that only training needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.detector.heads import STRIDES
from sightline.detector.preprocessing import Preprocessing
from sightline.errors import ModelError
from sightline.inference import Session

__all__ = ["FORMAT", "FORMAT_KEY", "PREPROCESSING", "Exported", "describe", "read_exported"]

FORMAT_KEY = "sightline"
FORMAT = "detector-1"
"""The value under that key; a reader of another value does not know the file."""

PREPROCESSING = Preprocessing("letterbox-top-left", "bgr")
"""How pictures come to every one of them."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What one of our own files says.

    Args:
        class_names: Names of its classes, by index.
        size: Side of the square whose pixels it was trained for.
        facts: The rest of its metadata: version, recipe, data, licence, scores.
    """

    class_names: tuple[str, ...]
    size: int
    facts: Mapping[str, str]


def describe(
    class_names: Sequence[str],
    *,
    size: int,
    scale: str,
    backbone: str,
    version: str,
    recipe_sha256: str,
    training_data: str,
    licence: str,
    average_precision: Mapping[str, Any],
) -> dict[str, str]:
    """The metadata of a file.

    Args:
        class_names: Names of the classes, by index.
        size: Side of the square whose pixels it was trained for.
        scale: The network's scale, such as `n`.
        backbone: The network's backbone.
        version: Of Sightline.
        recipe_sha256: SHA-256 of the resolved recipe.
        training_data: Names of the data, and where from.
        licence: Of the weights.
        average_precision: What was measured, by name.
    """
    return {
        "classes": json.dumps(list(class_names)),
        "strides": json.dumps(list(STRIDES)),
        "size": str(size),
        "scale": scale,
        "backbone": backbone,
        "version": version,
        "recipe_sha256": recipe_sha256,
        "training_data": training_data,
        "licence": licence,
        "average_precision": json.dumps(dict(average_precision)),
    }


def read_exported(session: Session) -> Exported | None:
    """What a file of ours says of itself; None for any other network.

    Raises:
        ModelError: It is one of ours, but of another format, or its inputs or metadata are not
            what that format has.
    """
    metadata = session.metadata
    known = metadata.get(FORMAT_KEY)
    if known is None:
        return None
    if known != FORMAT:
        raise ModelError(
            f"{session.name}: written as {known!r}; this version of Sightline reads {FORMAT!r}: "
            "install the version that wrote it, or export the network again"
        )
    inputs = [(tensor.name, tensor.shape[3:], tensor.dtype) for tensor in session.inputs]
    outputs = [tensor.shape[1:] for tensor in session.outputs]
    if inputs != [("images", (3,), np.dtype(np.uint8))] or outputs != [(7,)]:
        seen = "; ".join(str(tensor) for tensor in (*session.inputs, *session.outputs))
        raise ModelError(
            f"{session.name}: says that it is {FORMAT!r}, which takes images (B, H, W, 3) uint8 "
            f"and returns detections (N, 7); it has {seen}"
        )
    try:
        class_names = tuple(str(name) for name in json.loads(metadata["classes"]))
        size = int(metadata["size"])
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{session.name}: its metadata do not say classes and size ({error}); export it again"
        ) from error
    hidden = {FORMAT_KEY, "classes", "size"}
    facts = {key: value for key, value in metadata.items() if key not in hidden}
    return Exported(class_names, size, facts)
