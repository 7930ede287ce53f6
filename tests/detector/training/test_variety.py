from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sightline.detector.training import variety
from sightline.detector.training.variety import farthest_points, pick_frames, thumbnail
from sightline.errors import InputError
from sightline.structures import Frame
from sightline.video import open_source

vectors = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=st.integers(0, 30)
)


def scene(place: int, light: int = 60) -> npt.NDArray[np.uint8]:
    """A grey picture with something bright at a place."""
    image = np.full((90, 160, 3), light, np.uint8)
    image[20:70, place : place + 20] += 120
    return image


@given(vectors, st.integers(1, 20), st.integers(1, 20))
def test_picked_rows_are_apart_and_leave_nothing_far(
    rows: npt.NDArray[np.float32], limit: int, least: int
) -> None:
    picked = farthest_points(rows, limit, least)
    distances = np.linalg.norm(rows[:, None] - rows[picked][None], axis=2)
    among = distances[picked] + np.where(np.eye(len(picked)), np.inf, 0)
    assert len(set(picked)) == len(picked) <= limit
    assert (among >= least).all()
    if len(picked) < limit:
        assert (distances.min(axis=1) < least).all()


def test_frames_that_were_there_before_are_not_picked_again() -> None:
    places = [0, 0, 40, 40, 0, 90, 40, 0]
    frames = [Frame(scene(place), index) for index, place in enumerate(places)]
    assert pick_frames(frames) == [0, 2, 5]


def test_a_limit_takes_what_differs_most() -> None:
    frames = [Frame(scene(place), index) for index, place in enumerate([0, 4, 8, 90])]
    assert pick_frames(frames, 2) == [0, 3]


def test_lights_that_go_on_make_no_new_scene() -> None:
    assert pick_frames([Frame(scene(0, 60), 0), Frame(scene(0, 90), 1)]) == [0]


def test_pictures_of_any_size_are_compared() -> None:
    image = scene(30)
    twice = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    np.testing.assert_allclose(thumbnail(image), thumbnail(twice), atol=0.05)


def test_indices_are_those_of_the_source() -> None:
    frames = [Frame(scene(place), 7 + 5 * place) for place in (0, 50, 100)]
    assert pick_frames(frames) == [7, 257, 507]


def test_memory_stays_bounded_and_the_whole_clip_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variety, "KEPT", 8)
    made = []

    def count(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        made.append(1)
        return thumbnail(image)

    monkeypatch.setattr(variety, "thumbnail", count)

    def frames() -> Iterator[Frame]:
        for index in range(130):
            yield Frame(scene(index), index)

    picked = pick_frames(frames(), least_difference=0)
    assert 4 <= len(picked) <= 8
    assert picked[0] == 0
    assert picked[-1] > 100
    assert max(np.diff(picked)) <= 32
    assert len(made) < 40


def test_no_frames_give_none() -> None:
    assert pick_frames([]) == []


@pytest.mark.parametrize(("limit", "least"), [(0, 1.0), (3, -1.0), (3, float("nan"))])
def test_parameters_out_of_range_are_refused(limit: int, least: float) -> None:
    with pytest.raises(InputError, match="expected"):
        pick_frames([], limit, least_difference=least)


def test_a_still_camera_gives_fewer_frames_than_its_clip_has(shared: Path) -> None:
    clip = shared / "data" / "clips" / "unlabelled-one-by-one-person.mp4"
    if not clip.is_file():
        pytest.skip("the clip is not there")
    first, again = (pick_frames(open_source(clip, end=15), least_difference=2) for _ in range(2))
    assert first == again
    assert 5 < len(first) < 100  # of 150
