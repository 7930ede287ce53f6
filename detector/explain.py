"""Pictures of the inside of a network: heat maps, first filters, and the cells behind each box.

Draws what `sightline.detector.network.inspection` found. Needs matplotlib (the `eval` extra).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sightline.detector.network.inspection import Found, Inside

__all__ = ["explain"]

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_GROUND, _INK, _FAINT = "#101318", "#f2f4f8", "#9aa4b2"
_STRIDE_COLOURS = {8: "#38d6ff", 16: "#ffd23f", 32: "#ff5fa2"}
_CHANNELS = 6  # of a stride that are shown by themselves
_ALIKE = 0.8  # correlation above which one channel repeats another
_MAP = "inferno"
_DOTS = 100  # a inch
_WIDTH = 16.0  # inches of every figure
_TOP = 24  # pixels under which a caption finds no room above its box
_LABELLED = 40  # boxes with a caption; more would cover each other


def explain(
    inside: Inside, image: Image, class_names: Sequence[str], folder: Path, stem: str
) -> list[Path]:
    """Write the pictures of one look inside.

    - `STEM-boxes.png` and `.json`: each box with the cells that it comes from;
    - `STEM-stride-S.png`: activations of each stride, the mean and the liveliest channels;
    - `STEM-filters.png`: the kernels of the first layer.

    Args:
        inside: What was found.
        image: (H, W, 3) uint8 BGR, the picture.
        class_names: Names of the classes, by index.
        folder: Where the files go; made if it is missing.
        stem: What their names begin with.

    Returns:
        The files that were written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"boxes": _draw_boxes(inside, image, class_names)}
    for stride, maps in sorted(inside.features.items()):
        figures[f"stride-{stride}"] = _draw_activations(inside, image, stride, maps)
    figures["filters"] = _draw_filters(inside.filters)
    written = []
    for name, figure in figures.items():
        written.append(folder / f"{stem}-{name}.png")
        figure.savefig(written[-1], dpi=_DOTS, facecolor=_GROUND)
    listing = folder / f"{stem}-boxes.json"
    rows = [_as_row(found, class_names) for found in inside.found]
    listing.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return [*written, listing]


def _as_row(found: Found, class_names: Sequence[str]) -> dict[str, Any]:
    cells = zip(found.points.tolist(), found.strides.tolist(), found.scores.tolist(), strict=True)
    return {
        "class": class_names[found.class_index],
        "score": round(found.score, 4),
        "box": [round(value, 1) for value in found.box.tolist()],
        "cells": [
            {"x": round(x, 1), "y": round(y, 1), "stride": stride, "score": round(score, 4)}
            for (x, y), stride, score in cells
        ],
    }


def _draw_boxes(inside: Inside, image: Image, class_names: Sequence[str]) -> Figure:
    head = 1.0  # inches
    tall = _WIDTH * image.shape[0] / image.shape[1]
    figure = _figure(head + tall)
    axes = _place(figure, 0.0, 0.0, _WIDTH, tall)
    _show(axes, (image[:, :, ::-1] * 0.72).astype(np.uint8))
    for rank, found in reversed(list(enumerate(inside.found))):
        caption = f"{class_names[found.class_index]} {100 * found.score:.0f} %"
        _draw_found(axes, found, caption if rank < _LABELLED else "")
    fired = sum(len(found.points) for found in inside.found)
    rows, columns = inside.input_size
    text = (
        f"{len(inside.found)} boxes from {fired} of {inside.cells} cells, input {columns} × {rows}"
    )
    _write(figure, 0.34, text, large=True)
    text = "A dot is the centre of a cell that found the object; the ringed one gave the box."
    _write(figure, 0.72, text, large=False)
    _draw_legend(figure, inside)
    return figure


def _draw_found(axes: Axes, found: Found, caption: str) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = found.box.tolist()
    colours = [_stride_colour(stride) for stride in found.strides.tolist()]
    axes.add_patch(
        Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colours[0], linewidth=1.8)
    )
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    links = [(middle, tuple(point)) for point in found.points.tolist()]
    axes.add_collection(LineCollection(links, colors=colours, linewidths=0.9, alpha=0.85))
    sizes = 12 + 60 * found.scores
    x, y = found.points[:, 0], found.points[:, 1]
    axes.scatter(x, y, s=sizes, c=colours, edgecolors=_GROUND, linewidths=0.7, zorder=3)
    axes.scatter(
        x[:1],
        y[:1],
        s=sizes[:1] * 2.4,
        facecolors="none",
        edgecolors=_INK,
        linewidths=1.4,
        zorder=4,
    )
    if caption:
        axes.annotate(
            caption,
            (max(x1, 0.0), max(y1, 0.0)),
            xytext=(1, 3 if y1 > _TOP else -12),
            textcoords="offset points",
            color=_GROUND,
            fontsize=9.5,
            bbox={"boxstyle": "square,pad=0.22", "facecolor": colours[0], "linewidth": 0},
            zorder=2.5,  # under the dots, over the boxes
            annotation_clip=False,
        )


def _draw_legend(figure: Figure, inside: Inside) -> None:
    from matplotlib.lines import Line2D

    strides = [stride for found in inside.found for stride in found.strides.tolist()]
    marks = [
        Line2D([], [], marker="o", linestyle="", color=_stride_colour(stride), markersize=8)
        for stride in sorted(inside.features)
    ]
    names = [
        f"stride {stride}: {strides.count(stride)} cells" for stride in sorted(inside.features)
    ]
    figure.legend(
        marks, names, loc="upper right", ncols=3, frameon=False, labelcolor=_INK, fontsize=12
    )


def _draw_activations(inside: Inside, image: Image, stride: int, maps: Floats) -> Figure:
    """The mean at the left, as high as two rows of three channels beside it."""
    ratio = max(image.shape[0] / image.shape[1], 0.1)
    edge, gap, title, head, foot = 0.2, 0.18, 0.3, 0.85, 0.5  # inches
    small = (_WIDTH - 2 * edge - 3 * gap - (gap + title) / ratio) / 5
    tall = 2 * small * ratio + gap + title
    figure = _figure(head + tall + gap + foot)

    mean = maps.mean(axis=0)
    axes = _place(figure, edge, foot + gap, tall / ratio, tall)
    scale = _draw_heat(axes, inside, image, mean, float(mean.max()))
    axes.set_title(f"mean of {len(maps)} channels", color=_INK, fontsize=12, loc="left")
    _draw_scale(figure, scale, edge, foot, tall / ratio)

    channels = _liveliest(maps)
    strongest = float(maps[channels].max())
    start = edge + tall / ratio + gap
    for number, channel in enumerate(channels):
        row, column = divmod(number, 3)
        bottom = foot + gap + (1 - row) * (small * ratio + gap + title)
        axes = _place(figure, start + column * (small + gap), bottom, small, small * ratio)
        scale = _draw_heat(axes, inside, image, maps[channel], strongest)
        axes.set_title(f"channel {channel}", color=_INK, fontsize=12, loc="left")
    _draw_scale(figure, scale, start, foot, 3 * small + 2 * gap)

    rows, columns = mean.shape
    text = f"stride {stride}: {columns} × {rows} cells, each {stride} input pixels wide"
    _write(figure, 0.32, text, large=True)
    return figure


def _liveliest(maps: Floats) -> list[int]:
    """Channels that vary most over the picture, without those that repeat another."""
    flat = maps.reshape(len(maps), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    spread = np.sqrt((flat**2).mean(axis=1))
    shapes = flat / np.maximum(spread, 1e-9)[:, None]
    order = np.argsort(-spread, kind="stable").tolist()
    chosen: list[int] = []
    for channel in order:
        alike = shapes[chosen] @ shapes[channel] / flat.shape[1]
        if len(chosen) < _CHANNELS and not (alike > _ALIKE).any():
            chosen.append(channel)
    chosen += [channel for channel in order if channel not in chosen][: _CHANNELS - len(chosen)]
    return chosen


def _draw_heat(axes: Axes, inside: Inside, image: Image, heat: Floats, strongest: float) -> Any:
    """A map over the grey picture: the stronger a cell, the less of the picture shows."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    _show(axes, np.repeat((grey * 0.8).astype(np.uint8)[:, :, None], 3, axis=2))
    strongest = max(strongest, 1e-6)
    width, height = inside.covered
    return axes.imshow(
        heat,
        cmap=_MAP,
        vmin=0,
        vmax=strongest,
        alpha=np.clip(0.15 + heat / strongest, 0, 0.9),
        extent=(0, width, height, 0),
        interpolation="nearest",
        aspect="auto",
    )


def _draw_scale(figure: Figure, scale: Any, left: float, bottom: float, width: float) -> None:
    """A bar of the colours and the activations that they stand for."""
    from matplotlib.cm import ScalarMappable

    opaque = ScalarMappable(norm=scale.norm, cmap=scale.cmap)
    axes = _place(figure, left, bottom - 0.06, width, 0.12)
    axes.set_axis_on()
    bar = figure.colorbar(opaque, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    ticks = np.linspace(0, scale.norm.vmax, 5).tolist()
    bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
    axes.tick_params(colors=_FAINT, labelsize=10, length=3)
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")


def _draw_filters(filters: Floats) -> Figure:
    columns, edge, gap, title, head = 8, 0.2, 0.2, 0.28, 1.1  # inches, all but the first
    side = (_WIDTH - 2 * edge - (columns - 1) * gap) / columns
    rows = -(-len(filters) // columns)
    figure = _figure(head + rows * (side + title) + edge)
    for number, kernel in enumerate(filters):
        row, column = divmod(number, columns)
        bottom = edge + (rows - 1 - row) * (side + title)
        axes = _place(figure, edge + column * (side + gap), bottom, side, side)
        largest = max(float(np.abs(kernel).max()), 1e-6)
        axes.imshow(0.5 + kernel[::-1].transpose(1, 2, 0) / (2 * largest), interpolation="nearest")
        axes.set_title(f"{number}   ±{largest:.2g}", color=_FAINT, fontsize=10, loc="left", pad=3)
    count, _, size, _ = filters.shape
    _write(figure, 0.32, f"first layer: {count} filters of {size} × {size} pixels", large=True)
    text = "A colour is the weights of red, green and blue: grey is 0, full colour ± the number."
    _write(figure, 0.68, text, large=False)
    return figure


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), facecolor=_GROUND)


def _place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Bare axes at a place in inches."""
    across, up = figure.get_size_inches().tolist()
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    axes.set_axis_off()
    return axes


def _write(figure: Figure, below: float, text: str, *, large: bool) -> None:
    """A line of text, so many inches below the top."""
    across, up = figure.get_size_inches().tolist()
    colour, size = (_INK, 17) if large else (_FAINT, 12)
    figure.text(0.2 / across, 1 - below / up, text, color=colour, fontsize=size, va="center")


def _show(axes: Axes, picture: Image) -> None:
    """Put an RGB picture on axes that end where it ends."""
    height, width = picture.shape[:2]
    axes.imshow(picture, extent=(0, width, height, 0), interpolation="antialiased", aspect="auto")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)


def _stride_colour(stride: int) -> str:
    return _STRIDE_COLOURS.get(stride, _INK)
