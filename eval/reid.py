"""Re-ID scores of one camera: is the same person found again, and told from the others?

Query and gallery come from the first and the last third of each track, so that time, pose and
place differ. Three questions:

- ranking (Zheng et al., "Scalable Person Re-identification", 2015): rank-1, rank-5, mAP;
- telling apart: the receiver operating characteristic of pairs of one track at least a second
  apart, against pairs of two tracks that are seen at the same time and so are surely two people.
  It needs no ground truth, only tracks;
- recovery, as a tracker needs it: a person comes back after a gap, and a frame shows some people;
  is the right one the nearest of them?
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.formats.mot import MotRows
from sightline.protocols import Embedder, Source
from sightline.reid.exemplars import choose_exemplars
from sightline.reid.matching import calibrate_threshold, match_score
from sightline.reid.ranking import Curve, rank_gallery, threshold_curve
from sightline.reid.tracklets import Mining, Sightings, mine_sightings

__all__ = [
    "GAPS",
    "Described",
    "ReidScores",
    "describe_people",
    "recovery_by_gap",
    "score_reid",
    "together",
]

GAPS = (0.5, 1.0, 2.0, 5.0, 10.0, float("inf"))
"""Edges of the classes of gaps, in seconds."""

_APART = 1.0
_RATE_OF_STILLS = 25.0
_LEAST_BOXES = 3  # a track in thirds

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """People of a video and their vectors.

    Args:
        sightings: Who was where.
        vectors: (N, D) float32, L2-normalised, for each embedder by name.
        milliseconds: CPU time of a crop, cutting included, for each embedder by name.
        tracks: (P,) every id of the text.
        spans: (P, 2) seconds from which and until which each is seen.
    """

    sightings: Sightings
    vectors: Mapping[str, npt.NDArray[np.float32]]
    milliseconds: Mapping[str, float]
    tracks: npt.NDArray[np.int64]
    spans: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ReidScores:
    """What an embedder is worth.

    Args:
        scores: rank1, rank5, mAP (of queries in the gallery); AUC, TPR@FPR=1%, EER of single
            crops; track_threshold and track_EER of whole tracks; fractions, nan where the data
            have none.
        recovery: For each class of gaps, the share found, the share that chance would find, and
            the number of tries.
        curve: The receiver operating characteristic of single crops.
        counts: People, queries, gallery entries and pairs.
    """

    scores: Mapping[str, float]
    recovery: Mapping[str, tuple[float, float, int]]
    curve: Curve
    counts: Mapping[str, int]


def describe_people(
    source: Source, rows: MotRows, embedders: Mapping[str, Embedder], mining: Mining
) -> Described:
    """Cut and describe the people of a video with one or several embedders.

    Args:
        source: The video; read to its end.
        rows: Ground truth, or a tracker's tracks.
        embedders: By the name under which they are reported.
        mining: Which boxes are taken.

    Raises:
        InputError: No box is taken, or the frames do not reach into the video.
        SourceError: The video cannot be read.
        ModelError: An embedder failed.
    """
    rate = source.rate or _RATE_OF_STILLS
    found = mine_sightings(rows, mining, rate=rate, width=source.width, height=source.height)
    if not len(found):
        raise InputError(
            f"{source.name}: none of the {len(rows)} boxes is sure, large and free enough to "
            "be scored"
        )
    wanted = dict(found.by_frame())
    parts: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in embedders}
    seconds = dict.fromkeys(embedders, 0.0)
    for frame in source:
        here = wanted.pop(frame.index, None)
        if here is None:
            continue
        for name, embedder in embedders.items():
            began = time.process_time()
            parts[name].append(embedder.embed(frame, found.boxes[here]))
            seconds[name] += time.process_time() - began
    if wanted:
        raise InputError(
            f"{source.name}: the text names frame {min(wanted) + 1}, which the video lacks; do "
            "the two belong together?"
        )
    ids = np.unique(rows.ids)
    moments = (rows.frames - 1) / rate
    spans = np.array(
        [[moments[rows.ids == id_].min(), moments[rows.ids == id_].max()] for id_ in ids.tolist()]
    )
    return Described(
        found,
        {name: np.concatenate(vectors) for name, vectors in parts.items()},
        {name: 1000 * passed / len(found) for name, passed in seconds.items()},
        ids,
        spans,
    )


def score_reid(people: Described, name: str, *, labelled: bool = True) -> ReidScores:
    """Score one embedder.

    Args:
        people: People and their vectors.
        name: Which embedder.
        labelled: Whether ids are ground truth. A tracker's ids say only that two tracks that are
            seen together are two people, so ranking and recovery are left out.

    Raises:
        InputError: There are too few people or moments to compare.
    """
    sightings, vectors = people.sightings, people.vectors[name]
    queries, gallery = _thirds(sightings)
    similarity = vectors @ vectors.T
    same, other = _pairs(people, similarity)
    curve = threshold_curve(same, other)
    threshold, error = curve.equal_error
    scores = {"AUC": curve.area, "TPR@FPR=1%": curve.true_rate_at(0.01), "EER": error}
    scores["threshold"] = threshold
    scores |= _track_scores(people, vectors, queries, gallery)
    recovery: Mapping[str, tuple[float, float, int]] = {}
    if labelled:
        ids = sightings.ids
        ranking = rank_gallery(similarity[np.ix_(queries, gallery)], ids[queries], ids[gallery])
        scores = {
            "rank1": ranking.rank(1),
            "rank5": ranking.rank(5),
            "mAP": ranking.mean_average_precision,
        } | scores
        recovery = recovery_by_gap(sightings, similarity)
    counts = {
        "people": len(np.unique(sightings.ids)),
        "queries": len(queries),
        "gallery": len(gallery),
        "same_pairs": len(same),
        "other_pairs": len(other),
    }
    return ReidScores(scores, recovery, curve, counts)


def together(people: Described) -> npt.NDArray[np.bool_]:
    """(P, P) whether two tracks are seen during the same time, and so are two people."""
    begins, ends = people.spans[:, 0], people.spans[:, 1]
    overlap: npt.NDArray[np.bool_] = (begins[:, None] <= ends[None]) & (
        begins[None] <= ends[:, None]
    )
    np.fill_diagonal(overlap, val=False)
    return overlap


def recovery_by_gap(
    sightings: Sightings, similarity: Floats
) -> dict[str, tuple[float, float, int]]:
    """How often the right person is the nearest in a later frame, by the time that passed.

    Args:
        sightings: Who was where.
        similarity: (N, N) of all sightings.

    Returns:
        By class of gaps: the share found, the share that chance would find, and the number of
        tries. Frames with one person in view are no test and do not count.
    """
    tries: dict[str, list[tuple[bool, float]]] = {}
    edges = np.array(GAPS)
    for _, here in sightings.by_frame():
        ids, moment = sightings.ids[here], sightings.times[here.start]
        if len(ids) < 2:
            continue
        nearest = ids[similarity[:, here].argmax(axis=1)]
        gaps = moment - sightings.times
        known = np.flatnonzero((gaps >= edges[0]) & np.isin(sightings.ids, ids))
        classes = np.searchsorted(edges, gaps[known], side="right") - 1
        for row, number in zip(known.tolist(), classes.tolist(), strict=True):
            label = _gap_label(number)
            right = bool(nearest[row] == sightings.ids[row])
            tries.setdefault(label, []).append((right, 1 / len(ids)))
    return {
        label: (*np.mean(tries[label], axis=0).tolist(), len(tries[label]))
        for label in map(_gap_label, range(len(GAPS) - 1))
        if label in tries
    }


def _gap_label(number: int) -> str:
    low, high = GAPS[number], GAPS[number + 1]
    return f"> {low:g} s" if high == float("inf") else f"{low:g}–{high:g} s"


def _thirds(sightings: Sightings) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the first and of the last third of each track."""
    queries: list[int] = []
    gallery: list[int] = []
    for id_ in np.unique(sightings.ids).tolist():
        rows = np.flatnonzero(sightings.ids == id_)
        if len(rows) >= _LEAST_BOXES:
            queries += rows[: len(rows) // 3].tolist()
            gallery += rows[-(len(rows) // 3) :].tolist()
    if not queries:
        raise InputError(f"no track has {_LEAST_BOXES} boxes that are free and sure enough")
    return np.array(queries), np.array(gallery)


def _pairs(people: Described, similarity: Floats) -> tuple[Floats, Floats]:
    """Similarities of pairs of one track a second apart, and of tracks that are seen together."""
    sightings = people.sightings
    places = np.searchsorted(people.tracks, sightings.ids)
    upper = np.triu(np.ones(similarity.shape, np.bool_), 1)
    same = sightings.ids[:, None] == sightings.ids[None]
    apart = np.abs(sightings.times[:, None] - sightings.times[None]) >= _APART - 1e-6
    other = together(people)[np.ix_(places, places)]
    return similarity[upper & same & apart], similarity[upper & other]


def _track_scores(
    people: Described,
    vectors: npt.NDArray[np.float32],
    queries: npt.NDArray[np.int64],
    gallery: npt.NDArray[np.int64],
) -> dict[str, float]:
    """The threshold of whole tracks: the first third of each against the last thirds of all."""
    ids = people.sightings.ids
    names = np.unique(ids[queries])
    early, late = (
        [_exemplars(vectors[rows[ids[rows] == name]]) for name in names.tolist()]
        for rows in (queries, gallery)
    )
    likeness = np.array([[match_score(first, second) for second in late] for first in early])
    places = np.searchsorted(people.tracks, names)
    other = likeness[together(people)[np.ix_(places, places)]]
    if not len(other):
        return {}
    threshold, error, _ = calibrate_threshold(np.diag(likeness), other)
    return {"track_threshold": threshold, "track_EER": error}


def _exemplars(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vectors[choose_exemplars(vectors, np.ones(len(vectors)))]
