"""The folder of a training: what lies in it, and what a resumed one finds there.

| file | what |
| --- | --- |
| `recipe.yaml` | the recipe as it was resolved |
| `last.pt` | everything that a resumed training needs, of the last complete epoch |
| `best.pt` | the averaged network with the best AP50 so far |
| `metrics.jsonl` | a line an epoch |
| `curves.png`, `samples.png` | losses and AP over the epochs; detections in held-out pictures |
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sightline.detector.network import NETWORKS, DetectorNetwork
from sightline.detector.training.recipe import Recipe, read_recipe, write_recipe
from sightline.errors import ConfigError, InputError, ModelError
from sightline.learning.checkpoints import read_checkpoint, write_checkpoint

__all__ = ["RunFolder", "load_network"]

_FORMAT = "sightline-detector-1"


class RunFolder:
    """A folder that a training writes to.

    Args:
        path: The folder; made if it is missing.

    Raises:
        InputError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: the folder cannot be made: {error}") from error
        self.last = path / "last.pt"
        self.best = path / "best.pt"
        self.metrics = path / "metrics.jsonl"
        self.recipe = path / "recipe.yaml"

    def begin(self, recipe: Recipe) -> None:
        """Start a run here.

        Raises:
            InputError: There is one already.
        """
        if self.last.exists():
            raise InputError(
                f"{self.path}: holds a training already; go on with it by --resume, or choose "
                "another --out"
            )
        with _file_errors(self.path):
            write_recipe(self.recipe, recipe)
            self.metrics.write_text("")

    def resolved_recipe(self) -> Recipe:
        """The recipe of the run that is here.

        Raises:
            ConfigError: There is none.
        """
        if not self.recipe.exists():
            raise ConfigError(f"{self.path}: no training to resume: recipe.yaml is missing")
        return read_recipe(self.recipe)

    def append(self, row: dict[str, Any]) -> None:
        """Add an epoch to the log.

        Raises:
            InputError: It cannot be written.
        """
        with _file_errors(self.metrics), self.metrics.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def rows(self, epochs: int | None = None) -> list[dict[str, Any]]:
        """The log's epochs; with a number, those before it, and the log is cut to them.

        Raises:
            InputError: The log cannot be read or written.
        """
        rows = []
        with _file_errors(self.metrics):
            lines = self.metrics.read_text(encoding="utf-8").splitlines()
        for line in lines:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # the line that was being written at a kill
                continue
            if epochs is None or row["epoch"] < epochs:
                rows.append(row)
        if epochs is not None:
            part = self.metrics.with_name(self.metrics.name + ".part")
            with _file_errors(self.metrics):
                part.write_text("".join(json.dumps(row) + "\n" for row in rows))
                part.replace(self.metrics)
        return rows

    def write_network(
        self, network: DetectorNetwork, recipe: Recipe, facts: dict[str, Any]
    ) -> None:
        """Write `best.pt`: weights, how to build the network around them, and what is known."""
        state = {
            "format": _FORMAT,
            "class_names": list(network.class_names),
            "scale": network.scale,
            "backbone": network.backbone_name,
            "recipe": recipe.model_dump_json(),
            "facts": json.dumps(facts),
            "network": network.state_dict(),
        }
        write_checkpoint(self.best, state)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def load_network(path: Path) -> tuple[DetectorNetwork, Recipe, dict[str, Any]]:
    """A trained network from a run's folder or its `best.pt`.

    Returns:
        The network in evaluation mode, its recipe, and what was measured in training.

    Raises:
        ModelError: The file is missing, damaged or no network of ours.
    """
    file = path / "best.pt" if path.is_dir() else path
    state = read_checkpoint(file)
    if state.get("format") != _FORMAT:
        raise ModelError(f"{file}: not a detector that Sightline trained")
    recipe = Recipe.model_validate_json(state["recipe"])
    network = NETWORKS[recipe.head](state["class_names"], state["scale"], state["backbone"])
    network.load_state_dict(state["network"])
    return network.eval(), recipe, json.loads(state["facts"])
