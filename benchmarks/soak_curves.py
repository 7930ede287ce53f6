"""What a soak saw, whether it stayed flat, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

__all__ = ["Calm", "Verdict", "draw", "judge"]

_MIB = 2**20
_WARM_UP = 0.25
"""Share of the calm moments before those that are judged: caches fill, code is compiled."""


@dataclass(frozen=True, slots=True)
class Calm:
    """The service in a moment in which nobody watches, no job runs and all cameras do.

    Args:
        seconds: Since the beginning.
        service: Bytes of the main process (its share of what is shared, PSS).
        detector: Bytes of the detector's process.
        readers: Bytes of all readers.
        handles: Open file handles of all processes.
        threads: Threads of all processes.
        rings: Bytes of frames in shared memory.
        store: Bytes of the store with its log.
        latency: 95th percentile of the seconds that reads by HTTP took since the last moment.
        age: Mean seconds from capture to tracks since the last moment.
    """

    seconds: float
    service: float
    detector: float
    readers: float
    handles: float
    threads: float
    rings: float
    store: float
    latency: float
    age: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a curve is read.

    Args:
        label: What it shows, with its unit.
        unit: What one of the unit is.
        share: Growth that is allowed, as a share of the median.
        amount: And besides, in the unit.
    """

    label: str
    unit: float
    share: float
    amount: float


_KINDS = {
    "service": _Kind("main process, MiB", _MIB, 0.05, 8),
    "detector": _Kind("detector, MiB", _MIB, 0.05, 8),
    "readers": _Kind("readers, MiB", _MIB, 0.05, 8),
    "handles": _Kind("file handles", 1, 0, 2),
    "threads": _Kind("threads", 1, 0, 2),
    "rings": _Kind("frames in shared memory, MiB", _MIB, 0, 1),
    "store": _Kind("store, MiB", _MIB, 0.1, 0.5),
    "latency": _Kind("reads by HTTP, p95 ms", 1e-3, 0.5, 20),
    "age": _Kind("frame age, mean ms", 1e-3, 0.5, 20),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a curve is flat.

    Args:
        label: What it shows, with its unit.
        median: Its middle.
        growth: What it grew by from the first judged moment to the last, by its slope.
        surely: What it grew by at least, with a confidence of 95 %.
        allowed: What it may grow by.
        is_flat: Whether `surely` is not more than that.
    """

    label: str
    median: float
    growth: float
    surely: float
    allowed: float
    is_flat: bool


def judge(moments: Sequence[Calm], settled: float = 0.0) -> dict[str, Verdict]:
    """A verdict for each curve, without the first quarter.

    Slopes are medians of the slopes of all pairs (Theil 1950, Sen 1968), which one odd moment does
    not move.

    Args:
        moments: At least four.
        settled: Seconds before which the store is not judged: what is too old is not deleted yet.
    """
    judged = moments[int(_WARM_UP * len(moments)) :]
    full = [moment for moment in moments if moment.seconds >= settled]
    verdicts = {name: _verdict(name, judged) for name in _KINDS if name != "store"}
    if len(full) >= 4:
        verdicts["store"] = _verdict("store", full)
    return verdicts


def draw(moments: Sequence[Calm], path: Path) -> None:
    """Draw all curves over minutes into one picture; its name says whether PNG or SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "sightline"}):
        figure, axes = plt.subplots(3, 3, figsize=(10, 6.5), sharex=True, layout="constrained")
        minutes = [moment.seconds / 60 for moment in moments]
        for axis, (name, kind) in zip(axes.flat, _KINDS.items(), strict=True):
            values = _values(name, moments)
            axis.plot(minutes, values, marker=".", markersize=3, linewidth=1)
            axis.set_title(kind.label, fontsize=8)
            axis.set_ylim(0, 1.25 * max(values.max(), 1e-9))
            axis.grid(alpha=0.3)
        for axis in axes[-1]:
            axis.set_xlabel("minutes")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
        plt.close(figure)


def _verdict(name: str, moments: Sequence[Calm]) -> Verdict:
    kind, values = _KINDS[name], _values(name, moments)
    span = len(values) - 1
    slope, _, low, _ = theilslopes(values, np.arange(len(values)))
    median = float(np.median(values))
    allowed = kind.share * median + kind.amount
    surely = float(low) * span
    return Verdict(kind.label, median, float(slope) * span, surely, allowed, surely <= allowed)


def _values(name: str, moments: Sequence[Calm]) -> np.ndarray:
    assert name in {field.name for field in fields(Calm)}
    return np.array([getattr(moment, name) for moment in moments]) / _KINDS[name].unit
