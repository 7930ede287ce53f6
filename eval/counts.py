"""Additive counts and the scores made from them.

Everything that a tracking score needs is a row of `FIELDS` counts. Frames, blocks of time,
sequences and benchmarks are sums of such rows, so combined scores are scores of sums (never
averages of scores), and a bootstrap adds rows up again instead of matching boxes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = [
    "ALPHAS",
    "COUNT_FIELDS",
    "CURVE_FIELDS",
    "SCORE_FIELDS",
    "SequenceCounts",
    "Timeline",
    "combine",
    "counts_of",
    "curves_from_counts",
    "plain_scores",
    "scores_from_counts",
]

ALPHAS: npt.NDArray[np.float64] = np.arange(0.05, 0.99, 0.05)
"""The 19 localisation thresholds of HOTA."""

SCALARS = (
    "frames",
    "truth_boxes",
    "track_boxes",
    "truth_ids",
    "track_ids",
    "clear_matches",
    "similarity_sum",
    "switches",
    "mostly_tracked",
    "partly_tracked",
    "mostly_lost",
    "fragmentations",
    "identity_matches",
)
"""Counts with one value a row."""

PER_ALPHA = (
    "matches",
    "localisation",
    "association",
    "association_recall",
    "association_precision",
)
"""Counts with a value for each of ALPHAS; all but `matches` are sums over the matches."""

FIELDS = len(SCALARS) + len(PER_ALPHA) * len(ALPHAS)
"""Length of a row of counts."""

COUNT_FIELDS = (
    "IDSW", "TP", "FP", "FN", "MT", "PT", "ML", "Frag", "IDTP", "IDFP", "IDFN",
    "Dets", "GT_Dets", "IDs", "GT_IDs", "Frames",
)  # fmt: skip
"""Scores that are integers."""

SCORE_FIELDS = (
    "HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA",
    "MOTA", "MOTP", "IDF1", "IDP", "IDR",
)  # fmt: skip
"""Scores that are fractions."""

CURVE_FIELDS = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
"""Scores that depend on the localisation threshold; their score is the mean over ALPHAS."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """What happened to each scored ground-truth box, for pictures and diagnosis.

    Args:
        frames: (R,) int64 frame, from 0 at the first frame that is scored.
        ids: (R,) int64 the ground truth's number of the object.
        visibilities: (R,) float64 visible share, -1 where the file has none.
        matched: (R,) int64 the tracker's number that CLEAR matched, -1 where none.
        switched: (R,) bool whether an identity switch was counted here.
        track_lengths: (I,) int64 boxes of each track of the tracker.
        rate: Frames per second.
    """

    frames: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    visibilities: Floats
    matched: npt.NDArray[np.int64]
    switched: npt.NDArray[np.bool_]
    track_lengths: npt.NDArray[np.int64]
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class SequenceCounts:
    """The counts of one sequence, a row a frame.

    Args:
        by_frame: (F, FIELDS) float64 counts. What belongs to a whole identity (its number, its
            being mostly tracked) is counted in the frame where the identity first appears.
        timeline: What happened to each ground-truth box.
        removed: Tracker boxes that were removed because they matched a distractor.
    """

    by_frame: Floats
    timeline: Timeline
    removed: int = 0

    @property
    def total(self) -> Floats:
        """(FIELDS,) counts of the sequence."""
        total: Floats = self.by_frame.sum(axis=0)
        return total

    def blocks(self, count: int) -> Floats:
        """(B, FIELDS) counts of at most `count` blocks of time of equal length."""
        frames = len(self.by_frame)
        starts = np.unique(np.arange(count) * frames // count)
        blocks: Floats = np.add.reduceat(self.by_frame, starts, axis=0)
        return blocks

    def scores(self) -> dict[str, float | int]:
        """The sequence's scores by TrackEval's field names."""
        return combine([self])


def combine(sequences: Iterable[SequenceCounts]) -> dict[str, float | int]:
    """Scores of several sequences together, from the sums of their counts.

    Returns:
        `SCORE_FIELDS` as fractions and `COUNT_FIELDS` as integers, by TrackEval's names.

    Raises:
        InputError: There are no sequences.
    """
    totals = [sequence.total for sequence in sequences]
    if not totals:
        raise InputError("no sequences to combine; evaluate at least one")
    return plain_scores(scores_from_counts(np.sum(totals, axis=0)))


def plain_scores(scores: Mapping[str, npt.NDArray[np.float64]]) -> dict[str, float | int]:
    """Scores of one row of counts as Python numbers, in the order of the report's columns."""
    return {
        name: int(scores[name]) if name in COUNT_FIELDS else float(scores[name])
        for name in (*SCORE_FIELDS, *COUNT_FIELDS)
    }


def counts_of(rows: Floats, name: str) -> Floats:
    """One count of (…, FIELDS) rows: (…,), or (…, 19) for those of PER_ALPHA."""
    if name in SCALARS:
        return rows[..., SCALARS.index(name)]
    start = len(SCALARS) + PER_ALPHA.index(name) * len(ALPHAS)
    return rows[..., start : start + len(ALPHAS)]


def curves_from_counts(rows: Floats) -> dict[str, Floats]:
    """The scores of CURVE_FIELDS at each of ALPHAS.

    HOTA: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking",
    IJCV 2021.

    Args:
        rows: (…, FIELDS) counts.

    Returns:
        (…, 19) by name.
    """
    matches = counts_of(rows, "matches")
    truth = counts_of(rows, "truth_boxes")[..., None]
    tracks = counts_of(rows, "track_boxes")[..., None]
    at_least_one = np.maximum(1.0, matches)
    curves = {
        "DetA": matches / np.maximum(1.0, truth + tracks - matches),
        "DetRe": matches / np.maximum(1.0, truth),
        "DetPr": matches / np.maximum(1.0, tracks),
        "AssA": counts_of(rows, "association") / at_least_one,
        "AssRe": counts_of(rows, "association_recall") / at_least_one,
        "AssPr": counts_of(rows, "association_precision") / at_least_one,
        # Without a match there is nothing badly located: 1, as the reference has it.
        "LocA": np.maximum(1e-10, counts_of(rows, "localisation")) / np.maximum(1e-10, matches),
    }
    curves["HOTA"] = np.sqrt(curves["DetA"] * curves["AssA"])
    return {name: curves[name] for name in CURVE_FIELDS}


def scores_from_counts(rows: Floats) -> dict[str, Floats]:
    """Every score of rows of counts.

    CLEAR: Bernardin and Stiefelhagen, 2008. Identity: Ristani et al., 2016.

    Args:
        rows: (…, FIELDS) counts.

    Returns:
        (…,) by name: SCORE_FIELDS as fractions, COUNT_FIELDS as whole numbers.
    """
    scores = {name: curve.mean(axis=-1) for name, curve in curves_from_counts(rows).items()}
    truth = counts_of(rows, "truth_boxes")
    tracks = counts_of(rows, "track_boxes")
    matches = counts_of(rows, "clear_matches")
    switches = counts_of(rows, "switches")
    identity = counts_of(rows, "identity_matches")
    # Where there is nothing to find, accuracy is 0 rather than a large negative number.
    accurate = (2 * matches - tracks - switches) / np.maximum(1.0, truth)
    scores["MOTA"] = np.where(truth > 0, accurate, 0.0)
    scores["MOTP"] = counts_of(rows, "similarity_sum") / np.maximum(1.0, matches)
    scores["IDF1"] = identity / np.maximum(1.0, (truth + tracks) / 2)
    scores["IDP"] = identity / np.maximum(1.0, tracks)
    scores["IDR"] = identity / np.maximum(1.0, truth)
    scores["IDSW"] = switches
    scores["TP"] = matches
    scores["FP"] = tracks - matches
    scores["FN"] = truth - matches
    scores["MT"] = counts_of(rows, "mostly_tracked")
    scores["PT"] = counts_of(rows, "partly_tracked")
    scores["ML"] = counts_of(rows, "mostly_lost")
    scores["Frag"] = counts_of(rows, "fragmentations")
    scores["IDTP"] = identity
    scores["IDFP"] = tracks - identity
    scores["IDFN"] = truth - identity
    scores["Dets"] = tracks
    scores["GT_Dets"] = truth
    scores["IDs"] = counts_of(rows, "track_ids")
    scores["GT_IDs"] = counts_of(rows, "truth_ids")
    scores["Frames"] = counts_of(rows, "frames")
    return scores
