"""Identity over several cameras: a case worked out by hand, and other people's programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.eval.comparison import Pair, Prepared
from sightline.eval.dataset import TextFile, TruthSequence
from sightline.eval.engines import score_with_motmetrics, score_with_trackeval
from sightline.eval.multi_camera import CameraRows, evaluate_cameras, lay_end_to_end
from sightline.eval.protocols import get_protocol
from sightline.formats.mot import MotRows, parse_mot

WIDTH = 20


def boxes(rows: list[tuple[int, int, int]]) -> MotRows:
    """Rows of frame, identity, place."""
    text = "\n".join(f"{f},{i},{100 * x},0,{WIDTH},40,1,-1,-1,-1" for f, i, x in rows)
    return parse_mot(text.encode())


def walk(identity: int, place: int, frames: range) -> list[tuple[int, int, int]]:
    return [(frame, identity, place) for frame in frames]


TRUTH = {
    # Ann is seen for 10 frames by each camera, Bob for 10 frames by the first alone.
    "a": boxes(walk(1, 0, range(1, 11)) + walk(2, 3, range(1, 11))),
    "b": boxes(walk(1, 5, range(1, 11))),
}


def cameras(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]
) -> dict[str, CameraRows]:
    return {
        "a": CameraRows(TRUTH["a"], boxes(first), (1, 10)),
        "b": CameraRows(TRUTH["b"], boxes(second), (1, 10)),
    }


def test_a_person_who_gets_a_new_number_at_the_second_camera_counts_for_one_of_them() -> None:
    joined = cameras(walk(7, 0, range(1, 11)) + walk(8, 3, range(1, 11)), walk(7, 5, range(1, 11)))
    apart = cameras(walk(7, 0, range(1, 11)) + walk(8, 3, range(1, 11)), walk(9, 5, range(1, 9)))
    assert evaluate_cameras(joined).together.scores()["IDF1"] == 1.0
    scores = evaluate_cameras(apart).together.scores()
    # Ann is 7 (10 boxes) or 9 (8 boxes), not both: 7 it is, and 9's boxes are false.
    assert (scores["IDTP"], scores["IDFP"], scores["IDFN"]) == (20, 8, 10)
    assert scores["IDF1"] == pytest.approx(2 * 20 / (30 + 28))


def test_each_camera_alone_does_not_see_that_identities_are_apart() -> None:
    apart = cameras(walk(7, 0, range(1, 11)) + walk(8, 3, range(1, 11)), walk(9, 5, range(1, 11)))
    counts = evaluate_cameras(apart)
    assert [camera.scores()["IDF1"] for camera in counts.cameras.values()] == [1.0, 1.0]
    assert counts.together.scores()["IDF1"] < 1


def test_identities_of_one_camera_are_left_out_on_both_sides() -> None:
    joined = cameras(walk(7, 0, range(1, 11)) + walk(8, 3, range(1, 11)), walk(7, 5, range(1, 11)))
    scores = evaluate_cameras(joined, least_cameras=2).together.scores()
    assert (scores["IDTP"], scores["IDFP"], scores["IDFN"]) == (20, 0, 0)
    assert (scores["GT_IDs"], scores["IDs"]) == (1, 1)


def test_boxes_of_two_cameras_never_match() -> None:
    swapped = cameras(walk(7, 5, range(1, 11)), walk(7, 0, range(1, 11)))
    assert evaluate_cameras(swapped).together.scores()["IDTP"] == 0


def test_an_identity_that_stands_twice_in_a_frame_is_named_with_its_camera() -> None:
    double = cameras(walk(7, 0, range(1, 3)) + walk(7, 3, range(1, 3)), walk(7, 5, range(1, 11)))
    with pytest.raises(InputError, match=r"camera a: result: identity 7 stands twice in frame 1"):
        evaluate_cameras(double)


def test_no_camera_is_an_error() -> None:
    with pytest.raises(InputError, match="no camera"):
        evaluate_cameras({})


@pytest.fixture
def crowded() -> dict[str, CameraRows]:
    """Three cameras, people of whom some are lost, mixed up or never there."""
    random = np.random.default_rng(5)
    made = {}
    for camera in ("a", "b", "c"):
        truth, result = [], []
        for person in range(1, 9):
            begin, place = int(random.integers(1, 30)), int(random.integers(0, 20))
            if random.random() < 0.3:
                continue
            number = person if random.random() < 0.6 else int(random.integers(1, 12))
            for frame in range(begin, begin + 20):
                truth.append((frame, person, place + person * 25))
                if random.random() < 0.8:
                    result.append((frame, number, place + person * 25))
        unique = list({(frame, number): (frame, number, x) for frame, number, x in result}.values())
        made[camera] = CameraRows(boxes(sorted(truth)), boxes(sorted(unique)), (1, 50))
    return made


@pytest.mark.parametrize("engine", ["motmetrics", "trackeval"])
def test_figures_are_those_of_other_programs(engine: str, crowded: dict[str, CameraRows]) -> None:
    pytest.importorskip(engine)
    score = score_with_motmetrics if engine == "motmetrics" else score_with_trackeval
    protocol = get_protocol("plain")
    joined = lay_end_to_end(crowded)
    file = TextFile(Path("all.txt"))
    pair = Pair("one", "all", TruthSequence("all", file), file)
    prepared = Prepared(pair, joined.truth, joined.result, joined.frames, 30.0, [], {})
    theirs = score([prepared], protocol)["combined"]
    ours = evaluate_cameras(crowded).together.scores()
    assert 0.2 < ours["IDF1"] < 0.9
    for name in ("IDF1", "IDP", "IDR"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-9)
    for name in ("IDTP", "IDFP", "IDFN"):
        assert ours[name] == theirs[name]


def test_the_command_reads_a_file_a_camera(tmp_path: Path) -> None:
    for side, number in (("truth", 0), ("result", 6)):
        for camera, identities in (("a", (1, 2)), ("b", (1,))):
            text = "".join(
                f"{frame},{identity + number},{100 * identity},0,20,40,1,-1,-1,-1\n"
                for frame in range(1, 11)
                for identity in identities
            )
            path = tmp_path / side / f"{camera}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "sightline", "eval-mtmc", str(tmp_path / "truth"),
         str(tmp_path / "result"), "--least-cameras", "2", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (tracker,) = json.loads(done.stdout)["trackers"].values()
    assert tracker["combined"]["IDF1"] == 1.0
    assert tracker["combined"]["IDTP"] == 20
    assert set(tracker["cameras"]) == {"a", "b"}
