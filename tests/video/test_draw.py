from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sightline.structures import Tracks
from sightline.video import TrackPainter
from sightline.video.palette import identity_colour

Image = npt.NDArray[np.uint8]
_BOX = [100.0, 90.0, 180.0, 220.0]


def _tracks(
    boxes: list[list[float]],
    ids: list[int] | None = None,
    *,
    predicted: bool = False,
    time: float = 0.0,
) -> Tracks:
    rows = len(boxes)
    return Tracks(
        np.array(ids or range(1, rows + 1)),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(rows, 0.87, np.float32),
        np.zeros(rows, np.int32),
        np.full(rows, -1 if predicted else 0, np.int32),
        np.zeros(rows, np.float32),
        np.ones(rows, np.int32),
        time,
    )


def _drawn(tracks: Tracks, size: tuple[int, int] = (480, 640), **options: Any) -> Image:
    image = np.full((*size, 3), 128, np.uint8)
    TrackPainter(["person"], **options).draw(image, tracks)
    return image


def _has_colour(image: Image, colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    return np.asarray((image == colour).all(axis=2))


def test_a_box_stands_where_its_track_is_in_the_colour_of_its_id() -> None:
    image = _drawn(_tracks([_BOX], [7]))
    mine = _has_colour(image, identity_colour(7))
    assert mine[90:220, 100].mean() > 0.9
    assert mine[220, 100:180].mean() > 0.9
    assert not mine[120:200, 110:170].any()


def test_ids_near_each_other_have_colours_that_differ() -> None:
    colours = np.array([identity_colour(identity) for identity in range(1, 60)], float)
    for distance in range(1, 5):
        apart = np.abs(colours[distance:] - colours[:-distance]).sum(axis=1)
        assert apart.min() > 60


def test_all_colours_carry_dark_text() -> None:
    for identity in range(1, 300):
        blue, green, red = identity_colour(identity)
        assert 0.114 * blue + 0.587 * green + 0.299 * red > 90


def test_predicted_boxes_are_dashed() -> None:
    colour = identity_colour(1)
    detected = _has_colour(_drawn(_tracks([_BOX])), colour)[90:220, 100].mean()
    predicted = _has_colour(_drawn(_tracks([_BOX], predicted=True)), colour)[90:220, 100].mean()
    assert 0.3 < predicted < 0.7 < detected


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (1080, 1920), (2160, 3840)])
def test_drawing_grows_with_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    box = [0.4 * width, 0.4 * height, 0.5 * width, 0.8 * height]
    mine = _has_colour(_drawn(_tracks([box]), size), identity_colour(1))
    row = mine[int(0.6 * height), : int(0.45 * width)]
    tag = mine[: int(0.4 * height) - height // 100].any(axis=1)
    assert row.sum() == {240: 1, 480: 1, 1080: 3, 2160: 6}[height]
    assert {240: 8, 480: 10, 1080: 18, 2160: 30}[height] < tag.sum() + height // 100 < height / 16


def test_labels_do_not_cover_each_other() -> None:
    boxes = [[100.0 + 20 * n, 200.0, 160.0 + 20 * n, 400.0] for n in range(4)]
    alone = [
        _has_colour(_drawn(_tracks([box], [n + 1]), trails=False), identity_colour(n + 1)).sum()
        for n, box in enumerate(boxes)
    ]
    together = _drawn(_tracks(boxes), trails=False)
    for n in range(4):
        seen = _has_colour(together, identity_colour(n + 1)).sum()
        assert seen > 0.55 * alone[n]


def test_a_trail_follows_and_ends_after_two_seconds() -> None:
    painter = TrackPainter(["person"])
    image = np.zeros((480, 640, 3), np.uint8)
    for step in range(100):
        image[:] = 0
        x = 20.0 + 5 * step
        painter.draw(image, _tracks([[x, 100, x + 20, 160]], time=step / 25))
    trail = np.flatnonzero(image[155:166, : int(x) - 5].any(axis=(0, 2)))
    assert trail.max() > x - 20
    assert trail.min() == pytest.approx(x + 10 - 5 * 50, abs=12)


def test_the_painter_forgets_tracks_that_went_away() -> None:
    painter = TrackPainter()
    image = np.zeros((240, 320, 3), np.uint8)
    for step in range(300):
        painter.draw(image, _tracks([[10, 10, 30, 60]], [step + 1], time=float(step)))
    assert len(painter._paths) <= 4


def test_a_track_that_comes_back_leaves_no_line_over_the_gap() -> None:
    painter = TrackPainter()
    image = np.zeros((240, 320, 3), np.uint8)
    painter.draw(image, _tracks([[10, 50, 30, 100]], time=0.0))
    image[:] = 0
    painter.draw(image, _tracks([[250, 50, 270, 100]], time=1.0))
    assert not image[90:110, 40:240].any()


def test_boxes_outside_the_picture_and_classes_without_a_name_are_drawn() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    tracks = _tracks([[-50, -50, 400, 300], [300, 200, 900, 900], [500, 500, 600, 600]])
    TrackPainter().draw(image, tracks)
    assert image.any()


def test_bare_detections_have_the_colour_of_their_class() -> None:
    image = _drawn(_tracks([_BOX, [300, 90, 380, 220]], [-1, -1]))
    assert _has_colour(image, identity_colour(0))[90:220, 100].mean() > 0.9
    assert _has_colour(image, identity_colour(0))[90:220, 300].mean() > 0.9
