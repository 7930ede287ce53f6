"""CLEAR MOT, as the MOTChallenge counts it.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT
Metrics", 2008; TrackEval is the reference for the counts.

Two rules decide the counts. Matching prefers the identity that a ground-truth object had in the
previous frame that held boxes of both sides; then the sum of IoU. An identity switch is counted
against the last identity that the object ever had, however long ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from sightline.eval.assignment import match_pairs
from sightline.eval.matching import EPSILON, Bools, Floats, Ints, Overlaps

__all__ = ["ClearResult", "clear"]

_THRESHOLD = 0.5
# Larger than any sum of IoU of one frame could repay.
_CONTINUATION = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class ClearResult:
    """CLEAR's matches of one sequence, a row a scored ground-truth box.

    Args:
        matched: (R,) int64 label of the matched track, -1 where none.
        similarities: (R,) float64 IoU of the match, 0 where none.
        switched: (R,) bool identity switch here.
        resumed: (R,) bool a track begins or begins again here (first starts included).
    """

    matched: Ints
    similarities: Floats
    switched: Bools
    resumed: Bools


def clear(overlaps: Overlaps) -> ClearResult:
    """Match a sequence frame by frame."""
    return ClearResult(
        *_match(
            overlaps.truth.offsets,
            overlaps.truth.labels,
            len(overlaps.truth.names),
            overlaps.tracks.offsets,
            overlaps.tracks.labels,
            overlaps.offsets,
            overlaps.truth_rows,
            overlaps.track_rows,
            overlaps.similarities,
        )
    )


@njit(cache=True, nogil=True)
def _match(
    truth_offsets: Ints,
    truth_labels: Ints,
    truth_count: int,
    track_offsets: Ints,
    track_labels: Ints,
    pair_offsets: Ints,
    truth_rows: npt.NDArray[np.int32],
    track_rows: npt.NDArray[np.int32],
    similarities: Floats,
) -> tuple[Ints, Floats, Bools, Bools]:
    matched = np.full(len(truth_labels), -1, np.int64)
    matched_similarities = np.zeros(len(truth_labels))
    switched = np.zeros(len(truth_labels), np.bool_)
    resumed = np.zeros(len(truth_labels), np.bool_)
    last_ever = np.full(truth_count, -1, np.int64)
    previous = np.full(truth_count, -1, np.int64)
    current = np.full(truth_count, -1, np.int64)
    for frame in range(len(truth_offsets) - 1):
        truth_start, track_start = truth_offsets[frame], track_offsets[frame]
        truth_in_frame = truth_offsets[frame + 1] - truth_start
        tracks_in_frame = track_offsets[frame + 1] - track_start
        if truth_in_frame == 0 or tracks_in_frame == 0:
            continue  # such a frame does not count as the previous one
        start, stop = pair_offsets[frame], pair_offsets[frame + 1]
        scores = np.zeros(stop - start)
        for pair in range(start, stop):
            if similarities[pair] >= _THRESHOLD - EPSILON:
                truth = truth_labels[truth_start + truth_rows[pair]]
                track = track_labels[track_start + track_rows[pair]]
                bonus = _CONTINUATION if previous[truth] == track else 0.0
                scores[pair - start] = bonus + similarities[pair]
        chosen = np.empty(stop - start, np.bool_)
        match_pairs(
            truth_in_frame,
            tracks_in_frame,
            truth_rows[start:stop],
            track_rows[start:stop],
            scores,
            chosen,
        )
        current[:] = -1
        for pair in range(start, stop):
            if not chosen[pair - start]:
                continue
            row = truth_start + truth_rows[pair]
            truth = truth_labels[row]
            track = track_labels[track_start + track_rows[pair]]
            matched[row] = track
            matched_similarities[row] = similarities[pair]
            switched[row] = last_ever[truth] >= 0 and last_ever[truth] != track
            resumed[row] = previous[truth] < 0
            last_ever[truth] = track
            current[truth] = track
        previous, current = current, previous
    return matched, matched_similarities, switched, resumed
