"""The ranking equals what comparing every pair of tracks gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import StateError
from sightline.reid.embedder import normalised
from sightline.reid.matching import match_score
from sightline.service.search.scores import block_scores, rank
from sightline.service.store.exemplars import ExemplarBlock
from sightline.service.store.tracks import StoredTrack


def make_blocks(seed: int, sizes: list[int], dimension: int = 16) -> list[ExemplarBlock]:
    """Tracks of one to eight random vectors, in blocks of some sizes."""
    random = np.random.default_rng(seed)
    blocks, number = [], 0
    for size in sizes:
        counts = random.integers(1, 9, size).astype(np.int32)
        vectors = random.normal(size=(int(counts.sum()), dimension)).astype(np.float32)
        tracks = tuple(
            StoredTrack("yard", number + row, "person", 0.0, 1.0, True) for row in range(size)
        )
        number += size
        blocks.append(ExemplarBlock(tracks, counts, normalised(vectors).astype(np.float16)))
    return blocks


@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    queries=st.integers(1, 8),
    limit=st.integers(1, 40),
)
def test_the_ranking_is_that_of_every_pair(
    seed: int, sizes: list[int], queries: int, limit: int
) -> None:
    blocks = make_blocks(seed, sizes)
    query = normalised(
        np.random.default_rng(seed + 1).normal(size=(queries, 16)).astype(np.float32)
    )
    expected = []
    for block in blocks:
        parts = np.split(block.vectors, np.cumsum(block.counts)[:-1])
        expected += [match_score(query, part) for part in parts]
        np.testing.assert_allclose(
            block_scores(query, block.vectors, block.counts),
            [match_score(query, part) for part in parts],
            atol=1e-6,
        )
    ranking = rank(query, blocks, limit)
    assert ranking.searched == sum(sizes)
    best = sorted(expected, reverse=True)[:limit]
    np.testing.assert_allclose([found.score for found in ranking.found], best, atol=1e-6)
    for found in ranking.found:
        assert found.score == pytest.approx(expected[found.track.number], abs=1e-6)
    assert len({found.track.number for found in ranking.found}) == min(limit, sum(sizes))


def test_nothing_stored_is_nothing_found() -> None:
    ranking = rank(np.eye(1, 16), [], 5)
    assert (ranking.found, ranking.searched) == ([], 0)


def test_among_equals_the_latest_comes_first() -> None:
    blocks = make_blocks(0, [3, 3])
    same = [
        ExemplarBlock(block.tracks, np.ones(3, np.int32), np.eye(1, 16)[[0] * 3].astype(np.float16))
        for block in blocks
    ]
    found = rank(np.eye(1, 16), same, 4).found
    assert [each.track.number for each in found] == [0, 1, 2, 3]


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(StateError, match="16 numbers and the query 8"):
        rank(np.eye(1, 8), make_blocks(0, [2]), 5)
