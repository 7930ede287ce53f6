"""The clip that ships with the package is what its renderer makes, and its truth fits it."""

from __future__ import annotations

import itertools

import numpy as np

from sightline.demo import CLIP, TRUTH
from sightline.demo.render import FRAME_COUNT, RATE, render_frames
from sightline.formats import read_tracks
from sightline.formats.mot import read_mot, read_sequence_info
from sightline.video import open_source


def test_the_clip_shows_what_the_renderer_draws() -> None:
    source = open_source(str(CLIP))
    truth = read_mot(TRUTH)
    assert len(truth[truth.frames <= 30]) > 50
    for frame, (picture, drawn) in zip(
        itertools.islice(source, 30), render_frames(30), strict=True
    ):
        difference = frame.image.astype(float) - picture.astype(float)
        assert np.sqrt((difference**2).mean()) < 8
        rows = truth[truth.frames == frame.index + 1]
        assert rows.ids.tolist() == [one.identity for one in drawn]
        boxes = np.array([one.box for one in drawn]).reshape(-1, 4)
        np.testing.assert_allclose(rows.ltwh[:, :2] - 1, boxes[:, :2], atol=0.051)
        np.testing.assert_allclose(rows.ltwh[:, 2:], boxes[:, 2:] - boxes[:, :2], atol=0.051)
    source.close()


def test_the_clip_is_small_and_as_long_as_its_sequence_says() -> None:
    info = read_sequence_info(TRUTH.parent.parent / "seqinfo.ini")
    source = open_source(str(CLIP))
    assert CLIP.stat().st_size <= 1_000_000
    assert (info.length, info.rate) == (FRAME_COUNT, RATE) == (source.frame_count, source.rate)
    assert (info.width, info.height) == (source.width, source.height)
    source.close()


def test_the_truth_has_hidden_people_and_boxes_inside_the_picture() -> None:
    rows = read_mot(TRUTH)
    assert rows.visibilities.min() == 0
    assert rows.visibilities.max() == 1
    table = read_tracks(TRUTH)
    assert (table.boxes[:, :2] >= 0).all()
    assert (table.boxes[:, 2:] <= (table.info.width, table.info.height)).all()
    assert len(set(zip(table.frames.tolist(), table.ids.tolist(), strict=True))) == len(table)
