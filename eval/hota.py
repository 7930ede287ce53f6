"""HOTA over 19 localisation thresholds.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021.

One assignment a frame serves all thresholds: it maximises the sum of IoU weighted by how well
the two identities fit over the whole sequence. What the matches of one pair of identities are
worth (its association score) is counted at each of its matches, so that counts stay additive
over frames.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from sightline.eval.assignment import match_pairs
from sightline.eval.counts import ALPHAS, PER_ALPHA
from sightline.eval.matching import EPSILON, Floats, Ints, Overlaps

__all__ = ["hota"]


def hota(
    overlaps: Overlaps, pairs: Ints, truth_labels: Ints, track_labels: Ints
) -> npt.NDArray[np.float64]:
    """Counts of HOTA.

    Args:
        overlaps: The boxes and the pairs of them that overlap.
        pairs: (P,) int64 number of the pair of identities of each overlapping pair of boxes.
        truth_labels: (U,) int64 ground-truth identity of each pair of identities.
        track_labels: (U,) int64 track of each pair of identities.

    Returns:
        (F, 5 * 19) float64: the counts of `PER_ALPHA` for each frame.
    """
    truth_lengths = np.bincount(overlaps.truth.labels, minlength=1)
    track_lengths = np.bincount(overlaps.tracks.labels, minlength=1)
    return _count(
        overlaps.truth.offsets,
        overlaps.tracks.offsets,
        overlaps.offsets,
        overlaps.truth_rows,
        overlaps.track_rows,
        overlaps.similarities,
        pairs,
        truth_lengths[truth_labels].astype(np.float64),
        track_lengths[track_labels].astype(np.float64),
        ALPHAS - EPSILON,
        len(PER_ALPHA),
    )


@njit(cache=True, nogil=True)
def _count(
    truth_offsets: Ints,
    track_offsets: Ints,
    pair_offsets: Ints,
    truth_rows: npt.NDArray[np.int32],
    track_rows: npt.NDArray[np.int32],
    similarities: Floats,
    pairs: Ints,
    truth_lengths: Floats,
    track_lengths: Floats,
    thresholds: Floats,
    kinds: int,
) -> Floats:
    frame_count = len(pair_offsets) - 1
    levels = len(thresholds)
    counts = np.zeros((frame_count, kinds * levels))
    alignment = _alignment(
        truth_offsets, track_offsets, pair_offsets, truth_rows, track_rows, similarities, pairs,
        truth_lengths, track_lengths,
    )  # fmt: skip
    common = np.zeros((len(truth_lengths), levels))
    matched = np.zeros(len(similarities), np.bool_)
    for frame in range(frame_count):
        start, stop = pair_offsets[frame], pair_offsets[frame + 1]
        scores = np.empty(stop - start)
        for pair in range(start, stop):
            scores[pair - start] = alignment[pairs[pair]] * similarities[pair]
        match_pairs(
            truth_offsets[frame + 1] - truth_offsets[frame],
            track_offsets[frame + 1] - track_offsets[frame],
            truth_rows[start:stop],
            track_rows[start:stop],
            scores,
            matched[start:stop],
        )
        for pair in range(start, stop):
            if matched[pair]:
                for level in range(levels):
                    if similarities[pair] < thresholds[level]:
                        break
                    common[pairs[pair], level] += 1
    for frame in range(frame_count):
        for pair in range(pair_offsets[frame], pair_offsets[frame + 1]):
            if not matched[pair]:
                continue
            truth_length, track_length = truth_lengths[pairs[pair]], track_lengths[pairs[pair]]
            for level in range(levels):
                if similarities[pair] < thresholds[level]:
                    break
                shared = common[pairs[pair], level]
                counts[frame, level] += 1
                counts[frame, levels + level] += similarities[pair]
                counts[frame, 2 * levels + level] += shared / (truth_length + track_length - shared)
                counts[frame, 3 * levels + level] += shared / truth_length
                counts[frame, 4 * levels + level] += shared / track_length
    return counts


@njit(cache=True, nogil=True)
def _alignment(
    truth_offsets: Ints,
    track_offsets: Ints,
    pair_offsets: Ints,
    truth_rows: npt.NDArray[np.int32],
    track_rows: npt.NDArray[np.int32],
    similarities: Floats,
    pairs: Ints,
    truth_lengths: Floats,
    track_lengths: Floats,
) -> Floats:
    """(U,) how well two identities fit over the sequence, before boxes are matched one to one."""
    potential = np.zeros(len(truth_lengths))
    for frame in range(len(pair_offsets) - 1):
        start, stop = pair_offsets[frame], pair_offsets[frame + 1]
        truth_sums = np.zeros(truth_offsets[frame + 1] - truth_offsets[frame])
        track_sums = np.zeros(track_offsets[frame + 1] - track_offsets[frame])
        for pair in range(start, stop):
            truth_sums[truth_rows[pair]] += similarities[pair]
            track_sums[track_rows[pair]] += similarities[pair]
        for pair in range(start, stop):
            # Written as the reference adds it up, so that equal pairs stay exactly equal.
            union = track_sums[track_rows[pair]] + truth_sums[truth_rows[pair]] - similarities[pair]
            if union > EPSILON:
                potential[pairs[pair]] += similarities[pair] / union
    return potential / (truth_lengths + track_lengths - potential)
