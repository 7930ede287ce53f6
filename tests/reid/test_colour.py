"""The colour descriptor: what it tells apart, and what it must not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.reid import ColourEmbedder
from sightline.structures import Frame

WHOLE = np.array([[0, 0, 48, 96]], np.float32)


def describe(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> npt.NDArray[np.float32]:
    """The vector of a person in a coat and trousers of two BGR colours."""
    image = np.empty((96, 48, 3), np.uint8)
    image[:48], image[48:] = upper, lower
    (vector,) = ColourEmbedder().embed(Frame(image), WHOLE)
    described: npt.NDArray[np.float32] = vector
    return described


def test_same_clothes_are_near_and_others_far() -> None:
    red_blue = describe((30, 30, 200), (200, 60, 30))
    assert red_blue @ describe((36, 36, 190), (190, 66, 36)) > 0.9
    assert red_blue @ describe((30, 200, 30), (40, 40, 40)) < 0.2


def test_coat_and_trousers_swapped_is_another_person() -> None:
    red, blue = (30, 30, 200), (200, 60, 30)
    assert describe(red, blue) @ describe(blue, red) < 0.2


def test_hue_wraps_around() -> None:
    just_below, just_above = (8, 0, 200), (0, 8, 200)  # red from both sides of hue 0
    assert describe(just_below, just_below) @ describe(just_above, just_above) > 0.9


def test_people_of_the_same_identity_are_nearer_on_real_crops(
    crops: dict[int, npt.NDArray[np.uint8]],
) -> None:
    embedder = ColourEmbedder()
    whole = np.array([[0, 0, 64, 128]], np.float32)
    people, vectors = [], []
    for person, pictures in crops.items():
        for picture in pictures[::4]:
            people.append(person)
            vectors.append(embedder.embed(Frame(picture), whole)[0])
    similarity = np.stack(vectors) @ np.stack(vectors).T
    same = np.equal.outer(people, people)
    others = ~np.eye(len(people), dtype=bool)
    assert similarity[same & others].mean() > similarity[~same].mean() + 0.05
    assert (similarity >= 0).all()


def test_empty_box_has_no_colours() -> None:
    vectors = ColourEmbedder().embed(
        Frame(np.zeros((96, 48, 3), np.uint8)), np.array([[9, 9, 9, 20]], np.float32)
    )
    assert vectors.shape == (1, ColourEmbedder.dimension)
    assert not vectors.any()
