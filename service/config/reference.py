"""The configuration described: JSON schema, a table for the docs, an example."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pydantic

from sightline.service.config.config import Config
from sightline.service.settings import file_fields, nested_model

__all__ = ["config_example", "config_schema", "config_table"]


def config_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the configuration file, for editors and checkers."""
    schema = Config.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        properties = model.get("properties", {})
        for name, field in list(properties.items()):
            if field.pop("x-from-file", False):
                properties[f"{name}_file"] = {
                    "type": "string",
                    "title": f"{field['title']}, from a file",
                    "description": f"Path of a file that holds `{name}`.",
                }
                if name in model.get("required", []):
                    model["required"].remove(name)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def config_table() -> str:
    """Markdown: a table a section, with every key, its default, its bounds and what it does."""
    parts: list[str] = []
    for name, field in Config.model_fields.items():
        model = nested_model(field.annotation)
        assert model is not None
        heading = f"`{name}`" if field.default != () else f"`{name}[]`"
        rows = _rows(model, "")
        parts.append(
            f"### {heading}\n{field.description}\n\n| key | default | allowed | what |\n"
            f"| --- | --- | --- | --- |\n{''.join(rows)}"
        )
    return "\n".join(parts)


def config_example() -> str:
    """An example with comments, `configs/service/example.yaml`."""
    file = resources.files("sightline").joinpath("configs", "service", "example.yaml")
    return file.read_text(encoding="utf-8")


def _rows(model: type[pydantic.BaseModel], prefix: str) -> list[str]:
    rows: list[str] = []
    nested_rows: list[str] = []
    properties = model.model_json_schema()
    definitions = properties.get("$defs", {})
    for name, field in model.model_fields.items():
        nested = nested_model(field.annotation)
        key = f"{prefix}{name}"
        if nested is not None:
            listed = isinstance(field.default, tuple)
            nested_rows += _rows(nested, f"{key}[]." if listed else f"{key}.")
            continue
        shown = f"`{key}`, `{key}_file`" if name in file_fields(model) else f"`{key}`"
        allowed = _allowed(properties["properties"][name], definitions)
        rows.append(f"| {shown} | {_default(field)} | {allowed} | {field.description} |\n")
    return rows + nested_rows


def _default(field: pydantic.fields.FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, pydantic.SecretStr):
        value = value.get_secret_value()
    if value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(value) if isinstance(value, float) else str(value)


def _allowed(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _allowed(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        choices = [_allowed(part, definitions) for part in schema["anyOf"]]
        return " or ".join(choice for choice in choices if choice != "nothing")
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "array":
            if "prefixItems" in schema:
                inner = [_allowed(part, definitions) for part in schema["prefixItems"]]
                return f"[{', '.join(inner)}]"
            return f"list of {_allowed(schema['items'], definitions)}"
        case "number" | "integer":
            return _bounds(schema)
        case "boolean":
            return "true, false"
        case "null":
            return "nothing"
        case "object":
            return "names and values"
    return "secret" if schema.get("writeOnly") else "text"


def _bounds(schema: dict[str, Any]) -> str:
    if "maximum" not in schema:
        return "number"
    high = _number(schema["maximum"])
    if "minimum" in schema:
        return f"{_number(schema['minimum'])} … {high}"
    return f"above {_number(schema['exclusiveMinimum'])}, to {high}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
