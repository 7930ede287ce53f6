"""A recipe: everything that a training depends on, in one YAML file.

`sightline train` writes the recipe as it was resolved beside the weights, so that a run can be
done again and a resumed one goes on with the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml

from sightline.detector.training.augmentation import Augmentation
from sightline.detector.training.examples import CLASSES
from sightline.detector.training.losses import LossWeights
from sightline.detector.training.yolov1_loss import YoloV1Weights
from sightline.errors import ConfigError
from sightline.learning.schedules import Schedule

__all__ = [
    "Optimizer",
    "Recipe",
    "Validation",
    "read_recipe",
    "recipe_names",
    "write_recipe",
]

_FOLDER = resources.files("sightline.configs") / "train"

Side = Annotated[int, pydantic.Field(ge=64, multiple_of=32)]
Share = Annotated[float, pydantic.Field(ge=0, le=1)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Optimizer(_Part):
    """How weights follow gradients."""

    name: Literal["adamw", "sgd"] = pydantic.Field(
        default="adamw", description="AdamW, or SGD with Nesterov momentum."
    )
    rate: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=1e-3, description="Learning rate that the schedule's factors multiply."
    )
    weight_decay: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=0.02, description="Weight decay of kernels; norms and biases have none."
    )
    momentum: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.9, description="SGD's momentum, or AdamW's first beta."
    )
    backbone_factor: Share = pydantic.Field(
        default=1.0, description="Factor of the rate in the backbone; below 1 for pre-trained ones."
    )
    clip: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=10.0, description="Longest gradient; longer ones are shortened to it."
    )


class Validation(_Part):
    """How a network is tested during its training."""

    every: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=1, description="Epochs from one test to the next; the last epoch is always tested."
    )
    share: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.05, description="Share of the pictures held out where no validation set is given."
    )
    pictures: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=300, description="At most so many pictures are tested."
    )
    size: Side = pydantic.Field(default=416, description="Side of the input at the test.")
    patience: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0, description="Tests without a better AP50 that end the training; 0 for never."
    )


class Recipe(_Part):
    """A training of the detector."""

    name: str = pydantic.Field(default="detector", description="What the network is called.")
    licence: str = pydantic.Field(default="unknown", description="Licence of the weights.")
    classes: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        default=CLASSES, description="Class names, in the order of the scores."
    )
    skip_classes: tuple[str, ...] = pydantic.Field(
        default=(), description="Categories of the data that are left out."
    )
    head: Literal["yolo", "yolov1"] = pydantic.Field(
        default="yolo",
        description="yolo: anchor-free with SimOTA and the weights under `loss`; yolov1: the grid "
        "of the first YOLO with its loss and the weights under `yolov1`, for teaching.",
    )
    scale: Literal["p", "n", "s", "m", "l"] = pydantic.Field(
        default="n", description="Size of the network."
    )
    backbone: str = pydantic.Field(
        default="csp", description="csp, or a classification model of torchvision."
    )
    backbone_weights: str | None = pydantic.Field(
        default=None,
        description="Pre-trained weights: a file, or `torchvision` to download its own.",
    )
    weights: str | None = pydantic.Field(
        default=None,
        description="A trained network of ours to start from: the name of an embedded one "
        "(sightline-n), or a run's `best.pt`; classes may differ.",
    )
    frozen_layers: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0, description="First layers of the backbone that keep their weights."
    )
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.0, description="Share of the head's shared features dropped in training."
    )
    epochs: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=100, description="Epochs."
    )
    set_weights: dict[str, Annotated[float, pydantic.Field(ge=0)]] = pydantic.Field(
        default_factory=dict,
        description="How often an epoch shows the pictures of a set, by its name; 1 if not named.",
    )
    batch: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=16, description="Pictures a step."
    )
    sizes: Annotated[tuple[Side, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        default=(416,), description="Sides of the input; each step draws one."
    )
    late: Share = pydantic.Field(
        default=0.1,
        description="Share of the epochs at the end with the L1 loss and without mosaic.",
    )
    optimizer: Optimizer = pydantic.Field(default_factory=Optimizer)
    schedule: Schedule = pydantic.Field(default_factory=Schedule)
    loss: LossWeights = pydantic.Field(default_factory=LossWeights)
    yolov1: YoloV1Weights = pydantic.Field(default_factory=YoloV1Weights)
    augmentation: Augmentation = pydantic.Field(default_factory=Augmentation)
    validation: Validation = pydantic.Field(default_factory=Validation)
    average_decay: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.9998, description="Decay of the averaged weights, which are tested and exported."
    )
    average_warm_up: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=2000, description="Steps in which that decay grows from 0."
    )
    mixed_precision: bool = pydantic.Field(
        default=True, description="bfloat16 on a GPU; a CPU always trains in float32."
    )
    compile: bool = pydantic.Field(
        default=False,
        description="Compile the network first (torch.compile, needs a C++ compiler): a minute "
        "for each size, then up to twice as fast.",
    )
    seed: int = pydantic.Field(default=0, description="Seed of everything that is drawn.")


def recipe_names() -> list[str]:
    """Names of the detector's recipes that come with the package, `configs/train/NAME.yaml`."""
    names = []
    for entry in _FOLDER.iterdir():
        if entry.name.endswith(".yaml"):
            fields = yaml.safe_load(entry.read_text(encoding="utf-8"))
            if Recipe.model_fields.keys() >= fields.keys():  # those of re-ID have other keys
                names.append(entry.name.removesuffix(".yaml"))
    return sorted(names)


def read_recipe(recipe: str | Path | None, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        recipe: Name of a recipe that comes with the package, or a YAML file; None for the
            defaults.
        settings: Keys that replace the recipe's, as `KEY=VALUE` or `PART.KEY=VALUE`, each value
            as YAML has it.

    Raises:
        ConfigError: It cannot be read, or a key is unknown or wrong (names it and near ones).
    """
    name = "the recipe" if recipe is None else str(recipe)
    fields = {} if recipe is None else _fields(recipe)
    for setting in settings:
        _put(fields, setting)
    try:
        return Recipe.model_validate(fields)
    except pydantic.ValidationError as error:
        raise ConfigError(f"{name}: {_problem(error)}") from error


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe with every field, so that later defaults do not change its meaning."""
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def _fields(recipe: str | Path) -> dict[str, Any]:
    name = str(recipe)
    is_file = isinstance(recipe, Path) or name.endswith((".yaml", ".yml")) or "/" in name
    source = Path(name) if is_file else _FOLDER / f"{name}.yaml"
    try:
        fields = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        if is_file:
            raise ConfigError(f"{name}: there is no such recipe") from error
        hint = _near(name, recipe_names())
        raise ConfigError(f"no recipe {name!r} and no such YAML file; {hint}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: the recipe cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{name}: a recipe is a mapping such as `scale: n`")
    return fields


def _put(fields: dict[str, Any], setting: str) -> None:
    """Put `PART.KEY=VALUE` into a mapping of mappings."""
    keys, equals, text = setting.partition("=")
    *parts, key = keys.split(".")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"setting {setting!r}: the value is not YAML") from error
    for part in parts:
        fields = fields.setdefault(part, {})
        if not isinstance(fields, dict):
            raise ConfigError(f"setting {setting!r}: {part} has no keys of its own")
    if not equals or not key:
        raise ConfigError(f"setting {setting!r}: expected KEY=VALUE, such as epochs=30")
    fields[key] = value


def _problem(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    where = ".".join(place) or "the recipe"
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg']}, got {first['input']!r}"
    model: Any = Recipe
    for part in place[:-1]:
        model = model.model_fields[part].annotation
    return f"{where}: no such key; {_near(place[-1], list(model.model_fields))}"


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
