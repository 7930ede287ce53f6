"""docs/training.md says what the code does."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
import typer.main

from sightline.cli.app import app
from sightline.detector.training.recipe import Recipe, read_recipe, recipe_names

GUIDE = Path(__file__).resolve().parents[3] / "docs/training.md"
_HEADING = "## Every key of a recipe\n\n"


def key_table(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[str]:
    """A row for each key of a recipe, those of its parts after them."""
    parts = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            parts.append((name, field.annotation))
            continue
        default: Any = field.get_default(call_default_factory=True)
        shown = list(default) if isinstance(default, tuple) else default
        shown = "none" if default is None else str(shown).replace("'", "").lower()
        text = (field.description or "").rstrip(".").replace("|", "\\|")
        assert text, f"{prefix}{name} is not described"
        yield f"| `{prefix}{name}` | {shown} | {text} |"
    for name, part in parts:
        yield from key_table(part, f"{prefix}{name}.")


def _commands() -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [line for line in lines if line.startswith("sightline ")]


def test_the_guide_lists_every_key_with_its_default() -> None:
    expected = "\n".join(["| key | default | what |", "| --- | --- | --- |", *key_table(Recipe)])
    assert GUIDE.read_text().split(_HEADING)[1] == expected + "\n"


def test_the_guide_names_every_recipe() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", GUIDE.read_text().split(_HEADING)[0], re.MULTILINE)
    assert set(recipe_names()) <= set(rows)


@pytest.mark.parametrize("command", _commands())
def test_the_guide_s_commands_have_these_options(command: str) -> None:
    name, *words = shlex.split(command)[1:]
    parameters = typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]
    known = {option for parameter in parameters for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    if name != "train":
        return
    pairs = list(itertools.pairwise(words))
    recipe = next((value for option, value in pairs if option == "--recipe"), None)
    read_recipe(recipe, [value for option, value in pairs if option == "--set"])
