"""Re-ID scores: against made vectors whose scores are known, and on real people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import InputError
from sightline.eval.reid import Described, describe_people, recovery_by_gap, score_reid
from sightline.formats.mot import MotRows, parse_mot, read_mot
from sightline.protocols import Embedder
from sightline.reid import ColourEmbedder
from sightline.reid.tracklets import Mining, Sightings
from sightline.structures import Frame
from sightline.video import open_source

RATE = 10.0
MINING = Mining(least_height=2, most_overlap=1, spacing=0)


class Stills:
    """A made source: grey pictures in which each person's place tells who it is."""

    name, width, height, rate, live, skipped = "made", 640, 480, RATE, False, 0

    def __init__(self, count: int = 60) -> None:
        self.frame_count: int | None = count
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frame_count or 0):
            yield Frame(np.zeros((480, 640, 3), np.uint8), index=index, time=index / RATE)

    def close(self) -> None: ...


class ByPlace:
    """Describes a box by its column: perfect for people who stand still."""

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        places = (boxes[:, 0] // 80).astype(int)
        return np.asarray(np.eye(8)[places], np.float32)


class AllAlike:
    """Describes everybody by the same vector."""

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.tile(np.array([[1, 0]], np.float32), (len(boxes), 1))


def standing(people: int, frames: int = 60) -> MotRows:
    return parse_mot(
        "".join(
            f"{frame},{person},{80 * person - 79},100,40,90,1,-1,-1,-1\n"
            for frame in range(1, frames + 1)
            for person in range(1, people + 1)
        ).encode()
    )


@pytest.fixture(scope="module")
def described() -> Described:
    embedders: dict[str, Embedder] = {"perfect": ByPlace(), "blind": AllAlike()}
    return describe_people(Stills(), standing(4), embedders, MINING)


def test_perfect_vectors_score_one_everywhere(described: Described) -> None:
    found = score_reid(described, "perfect")
    for name in ("rank1", "rank5", "mAP", "AUC", "TPR@FPR=1%"):
        assert found.scores[name] == pytest.approx(1), name
    assert found.scores["EER"] == found.scores["track_EER"] == 0
    assert {share for share, _, _ in found.recovery.values()} == {1.0}


def test_blind_vectors_score_chance(described: Described) -> None:
    found = score_reid(described, "blind")
    assert found.scores["AUC"] == pytest.approx(0.5)
    assert found.scores["mAP"] < 0.45
    for share, chance, _ in found.recovery.values():
        assert chance == share == pytest.approx(0.25)


def test_counts_are_those_of_the_thirds_and_pairs(described: Described) -> None:
    counts = score_reid(described, "perfect").counts
    assert counts["people"] == 4
    assert counts["queries"] == counts["gallery"] == 4 * 20
    # Pairs of one track with 10 to 59 frames between them, and all pairs of two people.
    assert counts["same_pairs"] == 4 * sum(60 - gap for gap in range(10, 60))
    assert counts["other_pairs"] == 6 * 60 * 60


def test_a_trackers_ids_are_not_ranked(described: Described) -> None:
    found = score_reid(described, "perfect", labelled=False)
    assert "mAP" not in found.scores
    assert found.scores["AUC"] == pytest.approx(1)
    assert not found.recovery


def test_tracks_that_are_never_seen_together_are_no_pair_of_two_people() -> None:
    rows = parse_mot(
        b"".join(
            b"%d,%d,%d,100,40,90,1\n" % (frame, 1 if frame <= 30 else 2, 1)
            for frame in range(1, 61)
        )
    )
    people = describe_people(Stills(), rows, {"perfect": ByPlace()}, MINING)
    with pytest.raises(InputError, match="pairs of the same person and of two people"):
        score_reid(people, "perfect")


def test_recovery_counts_by_the_time_that_passed() -> None:
    # Person 1 at 0 s and 3 s, person 2 at 3 s and looking like person 1 did.
    sightings = Sightings(
        frames=np.array([0, 30, 30]),
        times=np.array([0.0, 3.0, 3.0]),
        ids=np.array([1, 1, 2]),
        boxes=np.zeros((3, 4), np.float32),
    )
    similarity = np.array([[1.0, 0.2, 0.9], [0.2, 1.0, 0.1], [0.9, 0.1, 1.0]])
    assert recovery_by_gap(sightings, similarity) == {"2–5 s": (0.0, 0.5, 1)}


def test_text_that_does_not_belong_to_the_video_is_refused() -> None:
    with pytest.raises(InputError, match="frame 31, which the video lacks"):
        describe_people(Stills(30), standing(2), {"perfect": ByPlace()}, MINING)
    mining = MINING.model_copy(update={"least_height": 200})
    with pytest.raises(InputError, match="none of the 120 boxes"):
        describe_people(Stills(), standing(2), {"perfect": ByPlace()}, mining)


def test_colours_tell_real_people_apart_better_than_chance(shared: Path) -> None:
    rows = read_mot(shared / "data/mot15/PETS09-S2L1/gt/gt.txt")
    source = open_source(shared / "data/clips/vtest.avi", end=20)
    rows = rows[rows.frames <= 200]
    people = describe_people(source, rows, {"colour": ColourEmbedder()}, Mining(spacing=0.5))
    found = score_reid(people, "colour")
    assert found.scores["AUC"] > 0.75
    assert found.scores["mAP"] > 0.4
    assert all(share > chance for share, chance, _ in found.recovery.values())
