"""What every setting of the service shares: strict keys, secrets from files, errors in one line.

A key that no model knows is refused with the nearest name. A field that `from_file` marks may be
given as `NAME_file`, the path of a file that holds the value; relative paths start at the folder
of the configuration. Messages never repeat what was given for a secret.
"""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pydantic
import yaml

from sightline.errors import ConfigError

__all__ = [
    "Identifier",
    "Settings",
    "describe_problem",
    "field_at",
    "file_fields",
    "fill_from_files",
    "from_file",
    "nested_model",
    "read_yaml",
    "validate",
]

from_file: dict[str, pydantic.JsonValue] = {"x-from-file": True}
"""`json_schema_extra` of a field that may be given as `NAME_file`."""

Identifier = Annotated[str, pydantic.StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""What names a stream, a zone, a line or an alert in addresses and events."""


class Settings(pydantic.BaseModel):
    """Base of every part of the configuration: frozen, without unknown keys.

    Attributes:
        from_files: Whether values may come from files of this machine; never for what comes by the
            interface, whose models are subclasses that say False.
    """

    from_files: ClassVar[bool] = True
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _read_files(cls, data: Any, info: pydantic.ValidationInfo) -> Any:
        return fill_from_files(cls, data, info)


def fill_from_files(
    model: type[pydantic.BaseModel], data: Any, info: pydantic.ValidationInfo
) -> Any:
    """The values of a model with every `NAME_file` replaced by what the file holds.

    Raises:
        ValueError: A file cannot be read, or the value is given as well.
    """
    if not isinstance(data, Mapping):
        return data
    folder = (info.context or {}).get("folder", Path())
    given = dict(data)
    for name in file_fields(model):
        path = given.pop(f"{name}_file", None)
        if path is None:
            continue
        if given.get(name) is not None:
            raise ValueError(f"{name} and {name}_file are both given; keep one")
        try:
            text = (folder / str(path)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ValueError(f"{name}_file {path} cannot be read: {reason}") from error
        given[name] = text.rstrip("\r\n")
    return given


def file_fields(model: type[pydantic.BaseModel]) -> list[str]:
    """Names of the fields that may be given as `NAME_file`."""
    if not getattr(model, "from_files", False):
        return []
    return [
        name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and "x-from-file" in field.json_schema_extra
    ]


def nested_model(annotation: Any) -> type[pydantic.BaseModel] | None:
    """The model in an annotation such as `Model`, `Model | None` or `tuple[Model, ...]`."""
    if inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    found = map(nested_model, typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def field_at(
    model: type[pydantic.BaseModel], path: typing.Sequence[str | int]
) -> pydantic.fields.FieldInfo | None:
    """The field that a path of keys and list indices leads to, or None."""
    field = None
    inside: type[pydantic.BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or part.isdecimal():
            continue
        field = None if inside is None else inside.model_fields.get(part)
        if field is None:
            return None
        inside = nested_model(field.annotation)
    return field


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; an empty file is an empty one.

    Raises:
        ConfigError: It cannot be read, is not YAML or not a mapping, or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        # S506: a subclass of the safe loader.
        values = yaml.load(text, _UniqueKeys)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        # PyYAML quotes the line itself, which may hold a secret.
        mark = error.problem_mark
        line = "" if mark is None else f":{mark.line + 1}"
        raise ConfigError(f"{path}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: not YAML ({type(error).__name__})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}: expected a mapping such as `streams: […]`, got a {_kind(values)}"
        )
    return values


Model = typing.TypeVar("Model", bound=pydantic.BaseModel)


def validate(model: type[Model], values: Any, origin: str, folder: Path) -> Model:
    """An instance of a model from plain values.

    Args:
        model: What the values are to be.
        values: Mappings, lists and scalars as YAML or JSON gives them.
        origin: What errors call it.
        folder: Where relative paths of `NAME_file` start.

    Raises:
        ConfigError: A key is unknown or a value is wrong (names it; never shows a secret).
    """
    try:
        return model.model_validate(values, context={"folder": folder})
    except pydantic.ValidationError as error:
        # From None: pydantic's own text repeats what was given.
        raise ConfigError(f"{origin}: {describe_problem(error, model)}") from None


def describe_problem(error: pydantic.ValidationError, model: type[pydantic.BaseModel]) -> str:
    """The first problem in one line: where, what came, what was expected.

    An unknown key comes first, since what is missing besides is often what it was meant to be.
    """
    problems = error.errors(include_url=False)
    first = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    location = list(first["loc"])
    where = ".".join(map(str, location))
    if first["type"] == "extra_forbidden":
        text = f"{where}: no such key; {_hint(model, location)}"
    else:
        message = first["msg"].removeprefix("Value error, ")
        given = "" if first["type"] == "missing" else _given(model, location, first["input"])
        text = f"{where}: {message}{given}" if where else message
    more = len(problems) - 1
    return f"{text} (and {more} more problem{'s' * (more > 1)})" if more else text


def _hint(model: type[pydantic.BaseModel], location: list[str | int]) -> str:
    parent: type[pydantic.BaseModel] | None = model
    if any(isinstance(part, str) for part in location[:-1]):
        field = field_at(model, location[:-1])
        parent = None if field is None else nested_model(field.annotation)
    if parent is None:
        return "docs/configuration.md lists the keys"
    known = [*parent.model_fields, *(f"{name}_file" for name in file_fields(parent))]
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def _given(model: type[pydantic.BaseModel], location: list[str | int], value: Any) -> str:
    field = field_at(model, location)
    secret = field is None or "Secret" in str(field.annotation) or bool(field.json_schema_extra)
    if secret or not isinstance(value, str | int | float | bool | None):
        return ""
    return f", got {value!r}" if len(str(value)) <= 80 else ""


def _kind(values: Any) -> str:
    return "list" if isinstance(values, list) else "single value"


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        double = next((key for key in keys if keys.count(key) > 1 and key != "<<"), None)
        if double is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {double!r} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep)
