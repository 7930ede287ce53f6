"""What happens to pictures before the network learns from them.

Mosaic: Bochkovskiy et al., "YOLOv4: Optimal Speed and Accuracy of Object Detection", 2020.
Copy-paste: Dwibedi et al., "Cut, Paste and Learn", 2017, and Ghiasi et al., 2021, here with boxes
in place of masks. Pictures are scaled once, straight from their file to the canvas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sightline.detector.training.appearance import (
    jitter_colour,
    jpeg_noise,
    low_light,
    motion_blur,
)
from sightline.detector.training.examples import Example, Image, Labels
from sightline.detector.training.paste import Crop, croppable, cut_crops, paste_crops
from sightline.detector.training.placement import (
    GREY,
    Region,
    clip_labels,
    draw_window,
    flip,
    join_labels,
    letterbox_scale,
    move_labels,
    place_window,
)

__all__ = ["Augmentation", "augment"]

Probability = Annotated[float, Field(ge=0, le=1)]
Scale = Annotated[float, Field(ge=0.05, le=4)]
Load = Callable[[Example, int], Image]
"""The picture of an example, decoded at 1/1, 1/2, 1/4 or 1/8."""

_DONORS = 8  # pictures that are looked through for people to paste


class Augmentation(BaseModel):
    """How strong, and for what share of the pictures; the defaults suit surveillance cameras.

    Ranges are drawn from evenly, scales evenly in their logarithm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mosaic: Probability = Field(default=0.5, description="Share of canvases made of four pictures")
    mosaic_scale: tuple[Scale, Scale] = Field(
        default=(0.35, 1.2), description="Scale of a mosaic's pictures; 1 fits the whole canvas"
    )
    scale: tuple[Scale, Scale] = Field(
        default=(0.5, 1.6), description="Scale of a single picture; 1 fits the canvas"
    )
    aspect: float = Field(default=0.1, ge=0, le=0.5, description="Most that x and y scale apart")
    translate: Probability = Field(
        default=1.0, description="Share of its free range that a picture moves"
    )
    flip: Probability = Field(default=0.5, description="Share of pictures mirrored left for right")
    hue: float = Field(
        default=0.015, ge=0, le=0.5, description="Most that the hue turns, of the circle"
    )
    saturation: float = Field(default=0.5, ge=0, lt=1, description="Most that saturation changes")
    value: float = Field(default=0.4, ge=0, lt=1, description="Most that brightness changes")
    copy_paste: Probability = Field(
        default=0.15, description="Share of canvases with people pasted in"
    )
    copy_paste_most: int = Field(
        default=4, ge=1, le=32, description="Most people pasted into a canvas"
    )
    copy_paste_height: tuple[int, int] = Field(
        default=(16, 160), description="Height of a pasted person in pixels of the canvas"
    )
    motion_blur: Probability = Field(default=0.05, description="Share of canvases blurred")
    motion_blur_length: tuple[int, int] = Field(
        default=(3, 9), description="Length of the blur in pixels"
    )
    jpeg: Probability = Field(default=0.1, description="Share of canvases compressed again")
    jpeg_quality: tuple[int, int] = Field(
        default=(30, 80), description="Quality of that JPEG, 1 to 100"
    )
    low_light: Probability = Field(default=0.05, description="Share of canvases darkened")
    low_light_gamma: tuple[float, float] = Field(
        default=(1.5, 3.0), description="Exponent of brightness"
    )
    low_light_noise: float = Field(
        default=10.0, ge=0, le=64, description="Most noise, in levels of 255"
    )
    least_visible: Probability = Field(
        default=0.2, description="An object of which less than this is left is ignored"
    )
    least_side: float = Field(
        default=2.0, ge=0, description="An object thinner than this is ignored, px"
    )

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        limits = {
            "mosaic_scale": (0.05, 4),
            "scale": (0.05, 4),
            "copy_paste_height": (4, 4096),
            "motion_blur_length": (1, 64),
            "jpeg_quality": (1, 100),
            "low_light_gamma": (1, 8),
        }
        for name, (least, most) in limits.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(
                    f"{name}: expected {least} ≤ low ≤ high ≤ {most}; got [{low}, {high}]"
                )
        return self


def augment(
    example: Example,
    partner: Callable[[], Example],
    load: Load,
    height: int,
    width: int,
    augmentation: Augmentation,
    random: np.random.Generator,
    person: int | None = None,
) -> tuple[Image, Labels]:
    """One canvas to learn from.

    Args:
        example: The picture that it is made of.
        partner: Draws another one, for a mosaic and for people to paste.
        load: Decodes.
        height: Height of the canvas, a multiple of 32.
        width: Width of the canvas, a multiple of 32.
        augmentation: How strong.
        random: Draws everything that is random.
        person: The class whose objects are pasted; None pastes nothing.

    Returns:
        (height, width, 3) uint8 BGR and its labels in canvas pixels.

    Raises:
        InputError: A picture is missing or damaged.
    """
    canvas = np.full((height, width, 3), GREY, np.uint8)
    if random.random() < augmentation.mosaic:
        examples = [example, partner(), partner(), partner()]
        labels, regions = _mosaic(examples, load, canvas, augmentation, random)
    else:
        whole = (0, 0, width, height)
        labels, drawn = _draw(
            example, whole, augmentation.scale, load, canvas, augmentation, random
        )
        regions = [drawn]
    if person is not None and random.random() < augmentation.copy_paste:
        crops = _people(person, partner, load, augmentation, random)
        labels = paste_crops(canvas, labels, crops, regions, augmentation.copy_paste_height, random)
    if random.random() < augmentation.flip:
        canvas, labels = flip(canvas, labels)
    return _change_look(canvas, augmentation, random), labels


def _mosaic(
    examples: list[Example],
    load: Load,
    canvas: Image,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> tuple[Labels, list[Region]]:
    """Four pictures around a point of the canvas; the labels, and where each lies."""
    height, width = canvas.shape[:2]
    x, y = (round(side * random.uniform(0.3, 0.7)) for side in (width, height))
    quadrants = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    parts, drawn = zip(
        *(
            _draw(example, quadrant, augmentation.mosaic_scale, load, canvas, augmentation, random)
            for example, quadrant in zip(examples, quadrants, strict=True)
        ),
        strict=True,
    )
    return join_labels(parts, drawn), list(drawn)


def _draw(
    example: Example,
    region: Region,
    limits: tuple[float, float],
    load: Load,
    canvas: Image,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> tuple[Labels, Region]:
    """Draw a picture into a region at a random scale and place; its labels, and where it lies."""
    height, width = canvas.shape[:2]
    scale = letterbox_scale(example.width, example.height, width, height)
    scale *= float(np.exp(random.uniform(*np.log(limits))))
    stretch = float(np.exp(random.uniform(-0.5, 0.5) * np.log1p(augmentation.aspect)))
    reduction = _reduction(scale * max(stretch, 1 / stretch))
    image = load(example, reduction)
    window = place_window(
        (image.shape[1], image.shape[0]),
        region,
        (scale * reduction * stretch, scale * reduction / stretch),
        (augmentation.translate * random.random(), augmentation.translate * random.random()),
    )
    # The runtime scales linearly, which is coarse where pictures shrink; both ways are learned.
    smooth = random.random() < 0.5 and max(window.scales) < 1
    draw_window(image, window, canvas, cv2.INTER_AREA if smooth else cv2.INTER_LINEAR)
    x1, y1, x2, y2 = window.target
    hue, saturation, value = (
        random.uniform(-most, most)
        for most in (augmentation.hue, augmentation.saturation, augmentation.value)
    )
    canvas[y1:y2, x1:x2] = jitter_colour(canvas[y1:y2, x1:x2], hue, 1 + saturation, 1 + value)
    labels = clip_labels(
        move_labels(example.labels, window, reduction),
        window.target,
        augmentation.least_visible,
        augmentation.least_side,
    )
    return labels, window.target


def _reduction(scale: float) -> int:
    """The smallest size to decode at that is no smaller than what is drawn."""
    return next(reduction for reduction in (8, 4, 2, 1) if scale * reduction <= 1 or reduction == 1)


def _people(
    person: int,
    partner: Callable[[], Example],
    load: Load,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> list[Crop]:
    """People of another picture; none where a few pictures have none to cut out."""
    for _ in range(_DONORS):
        donor = partner()
        rows = croppable(donor.labels, person, (donor.width, donor.height))
        if rows.size:
            count = min(int(random.integers(1, augmentation.copy_paste_most + 1)), rows.size)
            chosen = random.choice(rows, count, replace=False)
            return cut_crops(load(donor, 1), donor.labels, chosen)
    return []


def _change_look(canvas: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    """Darkness first, then the lens, then the encoder, as in a camera."""
    if random.random() < augmentation.low_light:
        gamma = random.uniform(*augmentation.low_light_gamma)
        noise = random.uniform(0, augmentation.low_light_noise)
        canvas = low_light(canvas, gamma, noise, random)
    if random.random() < augmentation.motion_blur:
        shortest, longest = augmentation.motion_blur_length
        length = int(random.integers(shortest, longest + 1))
        canvas = motion_blur(canvas, length, random.uniform(0, np.pi))
    if random.random() < augmentation.jpeg:
        lowest, highest = augmentation.jpeg_quality
        canvas = jpeg_noise(canvas, int(random.integers(lowest, highest + 1)))
    return canvas
