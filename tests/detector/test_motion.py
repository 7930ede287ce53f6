"""The detector that needs no weights, on pictures whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.demo import CLIP, TRUTH
from sightline.detector.motion import MotionDetector
from sightline.formats import read_tracks
from sightline.formats.mot import read_mot
from sightline.geometry import iou_matrix
from sightline.protocols import Detector
from sightline.structures import Frame
from sightline.video import open_source


def scene(width: int = 320, height: int = 240) -> npt.NDArray[np.uint8]:
    random = np.random.default_rng(1)
    noise = random.integers(80, 170, (height // 4, width // 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height)), np.uint8)


def walk(*boxes: tuple[int, int, int, int], scale: int = 1) -> Frame:
    image = np.repeat(np.repeat(scene(), scale, axis=0), scale, axis=1)
    for x1, y1, x2, y2 in boxes:
        image[y1 * scale : y2 * scale, x1 * scale : x2 * scale] = (30, 30, 220)
    return Frame(image)


def empty_frames(count: int = 20, scale: int = 1) -> list[Frame]:
    return [walk(scale=scale) for _ in range(count)]


def test_nothing_moves_and_nothing_is_found() -> None:
    detector: Detector = MotionDetector()
    assert [len(seen) for seen in detector.detect(empty_frames())] == [0] * 20


@pytest.mark.parametrize("scale", [1, 4])
def test_a_mover_is_boxed_in_pixels_of_the_original_frame(scale: int) -> None:
    detector = MotionDetector()
    detector.learn(empty_frames(scale=scale))
    (seen,) = detector.detect([walk((100, 80, 124, 140), scale=scale)])
    assert len(seen) == 1
    wanted = np.array([[100, 80, 124, 140]], np.float32) * scale
    assert iou_matrix(seen.boxes, wanted)[0, 0] > 0.85
    assert seen.scores[0] == pytest.approx(0.95, abs=0.01)
    assert seen.classes.tolist() == [0]
    seen.check_values()


def test_specks_and_shadows_are_not_objects() -> None:
    detector = MotionDetector()
    detector.learn(empty_frames())
    frame = walk((10, 10, 15, 18))
    image = frame.image.copy()
    image[120:200, 100:200] = (image[120:200, 100:200] * 0.7).astype(np.uint8)
    assert len(detector.detect([Frame(image)])[0]) == 0


def learned_sizes() -> MotionDetector:
    detector = MotionDetector()
    frames = [walk((x, 80, x + 24, 140), (300 - x, 150, 328 - x, 220)) for x in range(5, 270, 5)]
    detector.learn(frames)
    return detector


def test_people_side_by_side_are_taken_apart_once_their_size_is_known() -> None:
    pair = walk((100, 80, 124, 140), (122, 84, 146, 144))
    without = MotionDetector()
    without.learn(empty_frames())
    assert len(without.detect([pair])[0]) == 1
    seen = learned_sizes().detect([pair])[0]
    assert len(seen) == 2
    wanted = np.array([[100, 80, 124, 140], [122, 84, 146, 144]], np.float32)
    assert (iou_matrix(wanted, seen.boxes).max(axis=1) > 0.6).all()


def test_the_results_do_not_depend_on_the_batch() -> None:
    frames = [walk((x, 80, x + 24, 140)) for x in range(5, 100, 5)]
    whole = MotionDetector().detect(frames)
    single = MotionDetector()
    one_by_one = [single.detect([frame])[0] for frame in frames]
    for first, second in zip(whole, one_by_one, strict=True):
        assert first.boxes.tolist() == second.boxes.tolist()


def test_it_finds_those_who_walk_over_the_plaza() -> None:
    frames = list(open_source(str(CLIP)))
    table = read_tracks(TRUTH)
    visible = read_mot(TRUTH).visibilities > 0.5
    detector = MotionDetector()
    detector.learn(frames[::6])
    found = wanted = hits = 0
    for frame, seen in zip(frames[:150], detector.detect(frames[:150]), strict=True):
        truth = table.boxes[(table.frames == frame.index) & visible]
        found, wanted = found + len(seen), wanted + len(truth)
        hits += int((iou_matrix(truth, seen.boxes).max(axis=1, initial=0) >= 0.5).sum())
    assert hits / wanted > 0.85
    assert hits / found > 0.85
