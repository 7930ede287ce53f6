"""What is known about networks: a YAML file each.

An entry says where a network comes from and how to feed and read it. Entries come from the
registry (`configs/models/NAME.yaml`), from a YAML file beside an ONNX file (`net.yaml` for
`net.onnx`), or from a YAML file that is given in place of a model. A registry entry describes
every file with its sha256, wherever that lies and whatever it is called.
"""

from __future__ import annotations

import difflib
import functools
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import pydantic
import yaml

from sightline.detector.class_names import COCO_CLASSES
from sightline.detector.heads import Activation, HeadName
from sightline.detector.preprocessing import Channels, Preprocessing, Resize
from sightline.errors import ConfigError, ModelError

__all__ = [
    "ModelEntry",
    "entry_by_name",
    "entry_by_sha256",
    "names",
    "read_entry",
    "registry",
]

Triple = tuple[float, float, float]


class ModelEntry(pydantic.BaseModel):
    """How a network is obtained, fed and read."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str = pydantic.Field(default="", description="Name in the registry.")
    summary: str = pydantic.Field(default="", description="One line on what it is.")
    url: str | None = pydantic.Field(default=None, description="Where it is downloaded from.")
    file: str | None = pydantic.Field(
        default=None, description="File name; relative to the YAML file where that is given."
    )
    embedded: bool = pydantic.Field(
        default=False, description="The file comes with Sightline, in sightline/detector/weights."
    )
    sha256: Annotated[str, pydantic.StringConstraints(pattern="^[0-9a-f]{64}$")] | None = (
        pydantic.Field(default=None, description="Checked at every load where it is known.")
    )
    licence: str = pydantic.Field(default="unknown", description="Licence of the weights.")
    source: str = pydantic.Field(default="", description="Who made it, and from which data.")
    head: HeadName | None = pydantic.Field(
        default=None, description="How its outputs are read; found out where left out."
    )
    activation: Activation | None = pydantic.Field(
        default=None, description="DETR-style only: sigmoid (C logits) or softmax (C+1)."
    )
    size: tuple[int, int] | None = pydantic.Field(
        default=None, description="Height and width of the input in pixels."
    )
    resize: Resize | None = pydantic.Field(default=None, description="How a picture is fitted.")
    channels: Channels | None = pydantic.Field(default=None, description="Order of the channels.")
    mean: Triple = pydantic.Field(
        default=(0.0, 0.0, 0.0), description="Subtracted, 0…255, in the order of the channels."
    )
    std: Triple = pydantic.Field(
        default=(1.0, 1.0, 1.0), description="Divisor, 0…255, in the order of the channels."
    )
    classes: tuple[str, ...] | Literal["coco"] | None = pydantic.Field(
        default=None, description="Class names in the network's order, or `coco` for its 80."
    )

    @pydantic.field_validator("std")
    @classmethod
    def _std_is_positive(cls, value: Triple) -> Triple:
        if min(value) <= 0:
            raise ValueError("std: every divisor is above 0")
        return value

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names, or None where the entry does not say."""
        return COCO_CLASSES if self.classes == "coco" else self.classes

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What is done to pictures, or None where the entry does not say."""
        if self.resize is None or self.channels is None:
            return None
        return Preprocessing(self.resize, self.channels, self.mean, self.std)

    @pydantic.model_validator(mode="after")
    def _embedded_has_a_file(self) -> ModelEntry:
        if self.embedded and (self.file is None or self.url is not None):
            raise ValueError("embedded: needs a file and has no url")
        return self

    @property
    def file_name(self) -> str:
        """What its file is called in the cache, or in the package."""
        if self.file:
            return Path(self.file).name
        if self.url:
            return unquote(Path(urlsplit(self.url).path).name)
        return f"{self.name}.onnx"


def names() -> list[str]:
    """Names of the registry's networks, in order."""
    return sorted(registry())


@functools.cache
def registry() -> dict[str, ModelEntry]:
    """Every network that Sightline knows, by name."""
    entries = {}
    for file in resources.files("sightline").joinpath("configs", "models").iterdir():
        if file.name.endswith(".yaml"):
            name = file.name.removesuffix(".yaml")
            text = file.read_text(encoding="utf-8")
            entries[name] = _parse(text, file.name).model_copy(update={"name": name})
    return entries


def entry_by_name(name: str) -> ModelEntry:
    """The registry's entry of a name.

    Raises:
        ModelError: There is none (names near matches).
    """
    try:
        return registry()[name]
    except KeyError:
        near = difflib.get_close_matches(name, registry(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ModelError(
            f"model {name!r}: neither a file nor a name of the registry; {hint}"
            "`sightline models list` shows the names"
        ) from None


def entry_by_sha256(digest: str) -> ModelEntry | None:
    """The registry's entry of a file with this SHA-256, or None."""
    return next((entry for entry in registry().values() if entry.sha256 == digest), None)


def read_entry(path: Path) -> ModelEntry:
    """Read an entry from a YAML file; its name is the file's stem unless it says another.

    Raises:
        ConfigError: The file cannot be read or is no such entry (names the field).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    entry = _parse(text, str(path))
    return entry if entry.name else entry.model_copy(update={"name": path.stem})


def _parse(text: str, origin: str) -> ModelEntry:
    try:
        fields = yaml.safe_load(text)
        if not isinstance(fields, dict):
            raise ConfigError(f"{origin}: a model is described by a mapping such as `head: yolox`")
        return ModelEntry.model_validate(fields)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not YAML: {' '.join(str(error).split())}") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the entry"
        raise ConfigError(
            f"{origin}: {where}: {first['msg']} (got {first['input']!r}); "
            "docs/detector.md lists the fields"
        ) from error
