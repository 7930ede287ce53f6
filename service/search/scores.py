"""Likeness of one person to many tracks at once: `sightline.reid.matching.match_score`, in blocks.

Exact, and bounded in memory: a block of stored float16 vectors is made float32, multiplied, and
forgotten before the next one comes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.service.store.exemplars import ExemplarBlock
from sightline.service.store.tracks import StoredTrack

__all__ = ["Found", "Ranking", "block_scores", "rank"]


@dataclass(frozen=True, slots=True)
class Found:
    """A track and how like the query it is.

    Args:
        track: The track.
        score: Likeness, at most 1.
    """

    track: StoredTrack
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best of many tracks.

    Args:
        found: The best, best first; among equals the one that began last.
        searched: Tracks that were compared.
    """

    found: list[Found]
    searched: int


def rank(
    query: npt.NDArray[np.floating[Any]], blocks: Iterable[ExemplarBlock], limit: int
) -> Ranking:
    """The tracks that are most like a query.

    Args:
        query: (K, D) vectors of one person, L2-normalised.
        blocks: Tracks with their vectors.
        limit: Most tracks of the answer.

    Raises:
        StateError: Stored vectors have another length than the query's.
    """
    best: list[tuple[float, int, StoredTrack]] = []
    order = itertools.count(0, -1)
    searched = 0
    for block in blocks:
        searched += len(block.tracks)
        for score, track in _best_of(query, block, limit):
            entry = (score, next(order), track)
            if len(best) < limit:
                heapq.heappush(best, entry)
            elif entry[:2] > best[0][:2]:
                heapq.heapreplace(best, entry)
    ordered = sorted(best, key=lambda entry: (-entry[0], -entry[1]))
    return Ranking([Found(track, score) for score, _, track in ordered], searched)


def block_scores(
    query: npt.NDArray[np.floating[Any]],
    vectors: npt.NDArray[np.floating[Any]],
    counts: npt.NDArray[np.integer[Any]],
) -> npt.NDArray[np.float32]:
    """Likeness of one person to each track of a block.

    Args:
        query: (K, D) vectors, L2-normalised.
        vectors: (N, D) vectors of all tracks, one after the other, L2-normalised.
        counts: (T,) number of vectors of each track, at least 1; their sum is N.

    Returns:
        (T,) the mean, both ways, of each vector's nearest cosine.
    """
    likeness = vectors.astype(np.float32) @ query.astype(np.float32).T
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    of_query = np.maximum.reduceat(likeness, starts, axis=0).mean(axis=1)
    of_track = np.add.reduceat(likeness.max(axis=1), starts) / counts
    scores: npt.NDArray[np.float32] = ((of_query + of_track) / 2).astype(np.float32)
    return scores


def _best_of(
    query: npt.NDArray[np.floating[Any]], block: ExemplarBlock, limit: int
) -> Iterator[tuple[float, StoredTrack]]:
    if block.vectors.shape[1] != query.shape[1]:
        raise StateError(
            f"stored vectors have {block.vectors.shape[1]} numbers and the query {query.shape[1]}, "
            "though the network's name is the same; erase the older tracks"
        )
    scores = block_scores(query, block.vectors, block.counts)
    for row in np.argsort(-scores, kind="stable")[:limit].tolist():
        yield float(scores[row]), block.tracks[row]
