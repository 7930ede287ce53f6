"""Pictures of how a training went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from sightline.detector.training.examples import Example
from sightline.detector.training.validation import detect_examples

__all__ = ["draw_curves", "draw_samples"]

_TILE = 320
_COLUMNS = 4
_SHOWN = 0.3  # lowest score of a detection that is drawn
_FOUND, _TRUTH = (60, 200, 60), (240, 240, 240)


def draw_curves(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Losses, learning rate and AP50 over the epochs, as a PNG.

    Args:
        rows: The lines of `metrics.jsonl`.
        path: The picture.
    """
    from matplotlib.figure import Figure

    epochs = [row["epoch"] + 1 for row in rows]
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for name in [name for name in rows[0]["losses"] if name != "positives"]:
        left.plot(epochs, [row["losses"][name] for row in rows], label=name)
    left.set(title="losses", xlabel="epoch", yscale="log")
    left.legend()
    middle.plot(epochs, [row["rate"] for row in rows])
    middle.set(title="learning rate", xlabel="epoch")
    tested = [row for row in rows if row.get("scores")]
    for name in tested[-1]["scores"] if tested else ():
        values = [100 * row["scores"].get(name, float("nan")) for row in tested]
        right.plot([row["epoch"] + 1 for row in tested], values, label=name)
    right.set(title="held-out pictures", xlabel="epoch", ylabel="percent")
    if tested:
        right.legend()
    figure.savefig(path, dpi=100)


def draw_samples(network: nn.Module, examples: Sequence[Example], size: int, path: Path) -> None:
    """Detections (green, with scores) and labels (white) in some pictures, as one PNG.

    Args:
        network: The network, in evaluation mode.
        examples: The pictures.
        size: Side of the network's input.
        path: The picture that is written.
    """
    if not examples:
        return
    found = detect_examples(network, examples, size, torch.device("cpu"))
    tiles = []
    for example, detections in zip(examples, found, strict=True):
        image = example.load()
        scale = _TILE / max(image.shape[:2])
        tile = np.zeros((_TILE, _TILE, 3), np.uint8)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile[: small.shape[0], : small.shape[1]] = small[:_TILE, :_TILE]
        for box in example.labels.boxes * scale:
            _rectangle(tile, box, _TRUTH)
        for box, score in zip(detections.boxes * scale, detections.scores, strict=True):
            if score >= _SHOWN:
                _rectangle(tile, box, _FOUND)
                corner = (int(box[0]), max(int(box[1]) - 3, 9))
                cv2.putText(tile, f"{score:.2f}", corner, 0, 0.35, _FOUND, 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[k : k + _COLUMNS]) for k in range(0, len(tiles), _COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows))


def _rectangle(tile: np.ndarray[Any, Any], box: np.ndarray[Any, Any], colour: Any) -> None:
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    cv2.rectangle(tile, (x1, y1), (x2, y2), colour, 1)
