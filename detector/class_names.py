"""Names of classes: the 80 of COCO, and looking up the ones that a user asks for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from sightline.errors import InputError

__all__ = ["COCO_CLASSES", "class_indices"]

# fmt: off
COCO_CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote",
    "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book",
    "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on
"""The 80 classes of COCO 2017 in the order that networks trained on it use."""


def class_indices(wanted: Sequence[str], names: Sequence[str]) -> list[int]:
    """Indices of the wanted classes among a network's class names, ascending.

    Case and surrounding white space do not matter.

    Raises:
        InputError: Nothing is wanted, or a class is unknown (names near matches).

    Example:
        >>> class_indices(["Car", "person"], COCO_CLASSES)
        [0, 2]
    """
    known = {name.casefold(): index for index, name in enumerate(names)}
    cleaned = [name.strip().casefold() for name in wanted]
    if not cleaned:
        raise InputError("classes: expected at least one class name; leave it out to keep all")
    for name in cleaned:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(near)}?"
                if near
                else f"it knows {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
            )
            raise InputError(f"class {name!r} is not among the model's {len(names)}: {hint}")
    return sorted({known[name] for name in cleaned})
