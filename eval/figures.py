"""The figures of a report: SVG text that is the same on every run and reads in black and white.

Trackers differ by dash, marker and hatch besides shade.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.eval.counts import ALPHAS, SequenceCounts, Timeline, curves_from_counts
from sightline.eval.diagnosis import (
    GAP_LABELS,
    gap_recovery,
    missed_gaps,
    switch_times,
    track_seconds,
)

__all__ = [
    "alpha_curves",
    "gap_recovery_bars",
    "histograms",
    "precision_recall",
    "precision_recall_over_alpha",
    "svg",
    "switch_timeline",
]

Trackers = Mapping[str, Mapping[str, SequenceCounts]]
Floats = npt.NDArray[np.float64]
Named = TypeVar("Named")

_STYLE: Any = {
    "svg.hashsalt": "sightline",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
_SHADES = ("#000000", "#0b5cad", "#a33b12", "#5d5d5d", "#0d7a5f", "#8a5aa8")
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++")


def svg(figure: Figure) -> str:
    """The figure as an SVG element."""
    text = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def alpha_curves(trackers: Trackers) -> Figure:
    """HOTA, DetA and AssA over the localisation threshold."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(9.5, 3.0, 3)
        for axis, name in zip(axes, ("HOTA", "DetA", "AssA"), strict=True):
            for (tracker, sequences), look in _looks(trackers):
                curve = curves_from_counts(_total(sequences))[name]
                axis.plot(ALPHAS, 100 * curve, label=tracker, markevery=3, **_line(look))
            axis.set(title=name, xlabel="localisation threshold α", xlim=(0, 1), ylim=(0, 100))
        axes[0].set_ylabel("percent")
        axes[0].legend(loc="lower left")
    return figure


def precision_recall_over_alpha(trackers: Trackers) -> Figure:
    """Detection precision against recall as the localisation threshold grows."""
    with mpl.rc_context(_STYLE):
        figure, (axis,) = _figure(4.6, 3.4, 1)
        for (tracker, sequences), look in _looks(trackers):
            curves = curves_from_counts(_total(sequences))
            axis.plot(100 * curves["DetRe"], 100 * curves["DetPr"], label=tracker, **_line(look))
        axis.set(
            xlabel="recall, percent", ylabel="precision, percent", xlim=(0, 100), ylim=(0, 102)
        )
        axis.legend(loc="lower right")
    return figure


def precision_recall(curves: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """Precision against recall as the score threshold falls.

    Args:
        curves: (recall, precision) by name, as fractions.
    """
    with mpl.rc_context(_STYLE):
        figure, (axis,) = _figure(4.6, 3.4, 1)
        for (name, (recall, precision)), look in _looks(curves):
            line = _line(look, marked=False)
            axis.plot(100 * recall, 100 * precision, label=name, **line)
        axis.set(
            xlabel="recall, percent", ylabel="precision, percent", xlim=(0, 100), ylim=(0, 102)
        )
        axis.legend(loc="lower left")
    return figure


def switch_timeline(trackers: Trackers) -> Figure:
    """A mark for each identity switch, a row a sequence, a lane a tracker."""
    names = list(dict.fromkeys(name for sequences in trackers.values() for name in sequences))
    with mpl.rc_context(_STYLE):
        height = 0.7 + len(names) * (0.12 + 0.14 * len(trackers))
        figure, (axis,) = _figure(9.5, height, 1)
        lane = 0.8 / len(trackers)
        for number, ((tracker, sequences), look) in enumerate(_looks(trackers)):
            times, rows = [], []
            for row, name in enumerate(names):
                if name in sequences:
                    found = switch_times(sequences[name].timeline)
                    times += found.tolist()
                    rows += [row - 0.4 + lane * (number + 0.5)] * len(found)
            axis.plot(
                times, rows, label=tracker, linestyle="none", marker=look["marker"],
                markersize=3, color=look["color"], markerfacecolor="none", markeredgewidth=0.8,
            )  # fmt: skip
        axis.set(xlabel="seconds from the first scored frame", ylim=(len(names) - 0.5, -0.5))
        axis.set_yticks(range(len(names)), names)
        axis.set_xlim(left=0)
        axis.grid(axis="y", visible=False)
        for row in range(1, len(names)):
            axis.axhline(row - 0.5, color="#bbbbbb", linewidth=0.6)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper right", ncols=6)
    return figure


def histograms(trackers: Trackers) -> Figure:
    """Lengths of tracks, and of the gaps in which objects had no box."""
    bins = np.array([0.02, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60])
    with mpl.rc_context(_STYLE):
        figure, (lengths, gaps) = _figure(9.5, 3.0, 2)
        first = next(iter(trackers.values()))
        truth = np.histogram(track_seconds(_timelines(first))[1], bins)[0]
        lengths.stairs(truth, bins, fill=True, color="#d5d5d5", label="ground truth")
        for (tracker, sequences), look in _looks(trackers):
            line = _line(look, marked=False) | {"label": tracker}
            tracks = track_seconds(_timelines(sequences))[0]
            lengths.stairs(np.histogram(tracks, bins)[0], bins, **line)
            missed = missed_gaps(_timelines(sequences))
            gaps.stairs(np.histogram(missed, bins)[0], bins, **line)
        lengths.set(title="length of tracks", xlabel="seconds", ylabel="number", xscale="log")
        gaps.set(title="gaps without a box", xlabel="seconds", xscale="log")
        for axis in (lengths, gaps):
            axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
            axis.minorticks_off()
        lengths.legend()
    return figure


def gap_recovery_bars(trackers: Trackers) -> Figure:
    """Share of the ground truth's gaps after which the identity is kept, by gap length."""
    with mpl.rc_context(_STYLE):
        figure, (axis,) = _figure(9.5, 3.0, 1)
        width = 0.8 / len(trackers)
        for number, ((tracker, sequences), look) in enumerate(_looks(trackers)):
            kept, all_gaps = gap_recovery(_timelines(sequences)).T
            places = np.arange(len(GAP_LABELS)) - 0.4 + width * (number + 0.5)
            share = 100 * kept / np.maximum(all_gaps, 1)
            axis.bar(
                places, share, width * 0.92, label=tracker, hatch=look["hatch"],
                facecolor="white", edgecolor=look["color"],
            )  # fmt: skip
            for place, value, of in zip(places, share, all_gaps, strict=True):
                axis.annotate(f"{of}", (place, value), ha="center", va="bottom", fontsize=7)
        axis.set_xticks(range(len(GAP_LABELS)), GAP_LABELS)
        axis.set(ylabel="identity kept, percent", ylim=(0, 110), xlabel="length of the gap")
        axis.grid(axis="x", visible=False)
        axis.legend(loc="upper right", ncols=3)
    return figure


def _figure(width: float, height: float, columns: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(axes)


def _looks(named: Mapping[str, Named]) -> list[tuple[tuple[str, Named], dict[str, Any]]]:
    """Each name with what sets it apart, used again after six."""
    looks: list[dict[str, Any]] = [
        {"linestyle": line, "marker": marker, "color": shade, "hatch": hatch}
        for line, marker, shade, hatch in zip(_LINES, _MARKERS, _SHADES, _HATCHES, strict=True)
    ]
    return list(zip(named.items(), islice(cycle(looks), len(named)), strict=True))


def _line(look: Mapping[str, Any], *, marked: bool = True) -> dict[str, Any]:
    names = ("linestyle", "color", "marker") if marked else ("linestyle", "color")
    size = {"markersize": 4} if marked else {}
    return {name: look[name] for name in names} | size


def _timelines(sequences: Mapping[str, SequenceCounts]) -> list[Timeline]:
    return [counts.timeline for counts in sequences.values()]


def _total(sequences: Mapping[str, SequenceCounts]) -> Floats:
    total: Floats = np.sum([counts.total for counts in sequences.values()], axis=0)
    return total
