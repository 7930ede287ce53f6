"""Where identities break: gaps, lengths and switches, from a sequence's timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from sightline.eval.counts import Timeline

__all__ = ["GAP_BINS", "GAP_LABELS", "gap_recovery", "missed_gaps", "switch_times", "track_seconds"]

GAP_BINS = (0.5, 1.0, 2.0, 5.0)
"""Seconds at which gaps are divided into bins."""

GAP_LABELS = ("< 0.5 s", "0.5–1 s", "1–2 s", "2–5 s", "> 5 s")

_VISIBLE = 0.25

Floats = npt.NDArray[np.float64]


def gap_recovery(timelines: Iterable[Timeline]) -> npt.NDArray[np.int64]:
    """After which gaps of the ground truth a tracker gave the same identity again.

    A gap is a stretch in which an object is absent from the ground truth, or less than a quarter
    visible, between two frames in which it is visible: it does not depend on the tracker. It
    counts if the object had an identity before it. The identity is kept if the first one that
    the object has before its next gap is the last one that it had before this gap.

    Returns:
        (5, 2) gaps whose identity was kept, and all gaps, by `GAP_LABELS`.
    """
    counts = np.zeros((len(GAP_LABELS), 2), np.int64)
    for timeline in timelines:
        for frames, visible, matched in _objects(timeline):
            seen = np.flatnonzero(visible)
            jumps = np.flatnonzero(np.diff(frames[seen]) > 1)
            ends = [*seen[jumps[1:]], len(frames) - 1]
            for jump, end in zip(jumps, ends, strict=False):
                left, back = seen[jump], seen[jump + 1]
                before = matched[: left + 1]
                before = before[before >= 0]
                if not len(before):
                    continue
                after = matched[back : end + 1]
                after = after[after >= 0]
                seconds = (frames[back] - frames[left] - 1) / timeline.rate
                row = int(np.searchsorted(GAP_BINS, seconds, side="right"))
                counts[row, 0] += bool(len(after)) and after[0] == before[-1]
                counts[row, 1] += 1
    return counts


def missed_gaps(timelines: Iterable[Timeline]) -> Floats:
    """Seconds for which objects went without a tracker's box between two matched frames."""
    found = []
    for timeline in timelines:
        for frames, _, matched in _objects(timeline):
            steps = np.diff(frames[matched >= 0]) - 1
            found.append(steps[steps > 0] / timeline.rate)
    return np.concatenate([np.zeros(0), *found])


def track_seconds(timelines: Iterable[Timeline]) -> tuple[Floats, Floats]:
    """Seconds of boxes that each track, and each ground-truth identity, has."""
    tracks, truths = [np.zeros(0)], [np.zeros(0)]
    for timeline in timelines:
        tracks.append(timeline.track_lengths / timeline.rate)
        truths.append(np.unique(timeline.ids, return_counts=True)[1] / timeline.rate)
    return np.concatenate(tracks), np.concatenate(truths)


def switch_times(timeline: Timeline) -> Floats:
    """Seconds from the first scored frame at which identities switched."""
    times: Floats = timeline.frames[timeline.switched] / timeline.rate
    return times


def _objects(
    timeline: Timeline,
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]]:
    """Frames, visibility and matched identities of each ground-truth object, in order of time."""
    order = np.argsort(timeline.ids, kind="stable")
    ids = timeline.ids[order]
    visible = (timeline.visibilities < 0) | (timeline.visibilities >= _VISIBLE)
    for rows in np.split(order, np.flatnonzero(np.diff(ids)) + 1):
        if len(rows):
            yield timeline.frames[rows], visible[rows], timeline.matched[rows]
