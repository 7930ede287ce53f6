"""The folder of a run: `recipe.yaml`, `metrics.jsonl`, `curves.png`, `last.pt`, `best.pt`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sightline.errors import ConfigError, InputError, StateError
from sightline.reid.training.recipe import Recipe

__all__ = ["RunFolder"]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run keeps what it has reached.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def last(self) -> Path:
        """Checkpoint of the last epoch."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """Averaged weights of the best epoch."""
        return self.path / "best.pt"

    def begin(self, recipe: Recipe, *, resume: bool) -> None:
        """Make the folder, or check that it is this recipe's.

        Raises:
            StateError: A run lies there already and is not to go on, or has another recipe.
            InputError: The folder cannot be written.
        """
        noted = self.path / "recipe.yaml"
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
        if self.last.is_file():
            if not resume:
                raise StateError(f"{self.path}: a run lies there; --resume goes on with it")
            if noted.is_file() and noted.read_text(encoding="utf-8") != text:
                raise StateError(
                    f"{self.path}: the run there has another recipe ({noted}); take another --out"
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            noted.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written: {error.strerror or error}"
            ) from error

    def note(self, earlier: Sequence[Mapping[str, Any]]) -> None:
        """Write the metrics of all epochs so far, whole or not at all."""
        path = self.path / "metrics.jsonl"
        part = path.with_name(path.name + ".part")
        part.write_text("".join(json.dumps(row) + "\n" for row in earlier), encoding="utf-8")
        part.replace(path)

    def draw(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Draw the losses and the validation over the epochs.

        Raises:
            ConfigError: matplotlib is not installed.
        """
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ConfigError("curves need: pip install 'sightline[eval]'") from error
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        epochs = [row["epoch"] for row in rows]
        for name in rows[0]["losses"]:
            left.plot(epochs, [row["losses"][name] for row in rows], label=name)
        left.set(xlabel="epoch", title="losses", yscale="log")
        for name in ("rank1", "mAP"):
            right.plot(epochs, [row[name] for row in rows], label=name)
        right.set(xlabel="epoch", title="people held out")
        for axes in (left, right):
            axes.legend(frameon=False)
            axes.grid(alpha=0.3)
        figure.savefig(self.path / "curves.png", dpi=110)
