"""A recipe: everything that decides a training, as one YAML file.

Paths are relative to the folder that `--data` names, so that a recipe says what a network was
trained on without saying where that lies on somebody's machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pydantic
import yaml

from sightline.errors import ConfigError
from sightline.learning.schedules import Schedule
from sightline.reid.network import NetworkScale
from sightline.reid.tracklets import Mining

__all__ = [
    "Augmentation",
    "Clip",
    "Losses",
    "Optimisation",
    "Photographs",
    "Recipe",
    "Teacher",
    "read_recipe",
]

Share = Annotated[float, pydantic.Field(ge=0, le=1)]
Weight = Annotated[float, pydantic.Field(ge=0)]
Count = Annotated[int, pydantic.Field(ge=1)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Clip(_Part):
    """A video and who is where in it."""

    video: str = pydantic.Field(description="Video file, picture folder or MOT sequence folder.")
    tracks: str = pydantic.Field(
        description="MOT text: tracks (`sightline track`) or ground truth, in the folder of tracks."
    )


class Photographs(_Part):
    """Single pictures with boxes of people; they teach what people look like, not who is who."""

    images: str = pydantic.Field(description="Folder of the pictures.")
    annotations: str = pydantic.Field(description="COCO JSON; the category `person` is taken.")


class Teacher(_Part):
    """A foreign network whose vectors are imitated."""

    model: str = pydantic.Field(description="ONNX file.")
    weight: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=1.0, description="Share of the joint similarity."
    )


class Augmentation(_Part):
    """How a crop is changed; mild in colour, because clothes are told apart by it."""

    shift: Annotated[float, pydantic.Field(ge=0, le=0.0625)] = pydantic.Field(
        default=0.06, description="Largest move of each side of the box, of its length."
    )
    flip: Share = pydantic.Field(default=0.5, description="Probability of a mirror image.")
    low_resolution: Share = pydantic.Field(default=0.5, description="Probability of few pixels.")
    least_pixels: Count = pydantic.Field(default=28, description="Least height of those.")
    blur: Share = pydantic.Field(default=0.15, description="Probability of a blur.")
    compression: Share = pydantic.Field(default=0.25, description="Probability of JPEG's marks.")
    brightness: Share = pydantic.Field(default=0.2, description="Largest change of brightness.")
    contrast: Share = pydantic.Field(default=0.2, description="Largest change of contrast.")
    saturation: Share = pydantic.Field(default=0.25, description="Largest change of saturation.")
    tint: Share = pydantic.Field(default=0.05, description="Largest change of one channel.")
    erasing: Share = pydantic.Field(default=0.4, description="Probability of an erased rectangle.")


class Losses(_Part):
    """What the network is asked for, and how much of each."""

    imitation: Weight = pydantic.Field(default=4.0, description="1 - cosine to the teachers'.")
    relations: Weight = pydantic.Field(
        default=20.0, description="Squared error of the pairwise similarities to the teachers'."
    )
    agreement: Share = pydantic.Field(
        default=0.5, description="Share of a track's mean in what is imitated for its crops."
    )
    triplet: Weight = pydantic.Field(default=0.3, description="Batch-hard triplets.")
    identity: Weight = pydantic.Field(default=0.2, description="Cross entropy over the tracks.")
    label_smoothing: Share = pydantic.Field(default=0.1, description="Of the cross entropy.")


class Optimisation(_Part):
    """How the weights move."""

    epochs: Count = pydantic.Field(default=24, description="Rounds; after each a checkpoint.")
    steps: Count = pydantic.Field(default=100, description="Batches of a round.")
    people: Count = pydantic.Field(default=12, description="Tracks in a batch (P).")
    views: Annotated[int, pydantic.Field(ge=2)] = pydantic.Field(
        default=4, description="Crops of each of them (K)."
    )
    others: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=64, description="Further crops in a batch, which only imitate."
    )
    growth: tuple[tuple[Share, Count], ...] = pydantic.Field(
        default=(),
        description="Smaller crops at first: (until this share of the training, height).",
    )
    frozen_stages: Annotated[int, pydantic.Field(ge=0, le=3)] = pydantic.Field(
        default=0,
        description="So many stages, and the stem before them, keep the weights they begin with: "
        "on large pictures half of a step's cost.",
    )
    learning_rate: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(default=2e-3)
    weight_decay: Weight = pydantic.Field(default=0.02)
    schedule: Schedule = pydantic.Field(default_factory=Schedule)
    average_decay: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.998, description="Of the averaged weights, which are what is kept."
    )
    average_warm_up: Count = pydantic.Field(
        default=200, description="Updates until the average is slow."
    )
    bfloat16: bool = pydantic.Field(default=False, description="Whether to compute in bfloat16.")


class Recipe(_Part):
    """Everything that decides a training."""

    licence: str = pydantic.Field(default="", description="Licence of the weights, for the file.")
    training_data: str = pydantic.Field(
        default="", description="What it learns from, in words, for the file."
    )
    seed: Annotated[int, pydantic.Field(ge=0)] = 0
    network: NetworkScale = pydantic.Field(default_factory=NetworkScale)
    clips: tuple[Clip, ...] = ()
    photographs: tuple[Photographs, ...] = ()
    made_people: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0,
        description="Crops put together from two photographed people each, for imitation.",
    )
    teachers: tuple[Teacher, ...] = ()
    mining: Mining = pydantic.Field(default_factory=Mining)
    augmentation: Augmentation = pydantic.Field(default_factory=Augmentation)
    losses: Losses = pydantic.Field(default_factory=Losses)
    optimisation: Optimisation = pydantic.Field(default_factory=Optimisation)
    least_crops: Annotated[int, pydantic.Field(ge=2)] = pydantic.Field(
        default=4, description="Crops from which a track is an identity; others only imitate."
    )
    validation_share: Annotated[float, pydantic.Field(gt=0, lt=1)] = pydantic.Field(
        default=0.15, description="Tracks that are kept out to choose the best checkpoint."
    )

    validation_seed: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0, description="Chooses them; a run that begins with another's weights keeps it."
    )

    @pydantic.model_validator(mode="after")
    def _has_data(self) -> Recipe:
        if not self.clips:
            raise ValueError("clips: at least one is needed, to tell people apart")
        if self.losses.imitation + self.losses.relations > 0 and not self.teachers:
            raise ValueError("teachers: none given, but losses.imitation or losses.relations is")
        for _, height in self.optimisation.growth:
            if height > self.network.height or not self.network.fits(height):
                raise ValueError(
                    f"optimisation.growth: {height} is above network.height or no multiple of "
                    f"{self.network.row_unit}, for its stripes"
                )
        return self


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: The file cannot be read or is no recipe (names the field).
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    try:
        return Recipe.model_validate(fields or {})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the recipe"
        raise ConfigError(f"{path}: {where}: {first['msg']}; docs/reid.md lists the fields") from (
            error
        )
