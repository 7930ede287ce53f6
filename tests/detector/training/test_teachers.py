from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from sightline.detector.training.teachers import Committee, Teacher
from sightline.errors import InputError, ModelError
from sightline.geometry import iou_matrix
from sightline.protocols import Detector
from sightline.structures import Frame

WriteNetwork = Callable[..., Path]
SMALL = "rtmdet_nano_person_320_end2end.onnx@320"


@pytest.fixture(scope="module")
def market(shared: Path) -> Frame:
    """A photograph with eight people, 640 pixels wide."""
    path = shared / "data" / "unlabelled" / "pedestrian-behaviour" / "000025.jpg"
    if not path.is_file():
        pytest.skip("the photograph is not there")
    return Frame(np.asarray(cv2.imread(str(path)), np.uint8))


def made(write_network: WriteNetwork, name: str, classes: str, *rows: list[float]) -> str:
    """A network that sees the same rows everywhere, in 64 x 64 pixels."""
    yaml = f"resize: stretch\nchannels: bgr\nclasses: {classes}\n"
    found = np.array([rows], np.float32).reshape(1, -1, 6)
    return str(write_network({"output": found}, name=name, yaml=yaml))


def blank(width: int = 64, height: int = 64) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8))


def test_the_mirrored_view_shows_the_same_people(shared: Path, market: Frame) -> None:
    plain, mirrored = Teacher(str(shared / "weights" / SMALL)).views(market.image)
    clear = plain[plain.scores > 0.6]
    assert len(clear) >= 2
    assert (iou_matrix(clear.boxes, mirrored.boxes).max(axis=1) > 0.8).all()


def test_the_mirrored_view_is_turned_back(write_network: WriteNetwork) -> None:
    teacher = Teacher(made(write_network, "a", "[person]", [4, 8, 20, 40, 0.9, 0]))
    plain, mirrored = teacher.views(blank(128, 64).image)
    np.testing.assert_allclose(plain.boxes, [[8, 8, 40, 40]])
    np.testing.assert_allclose(mirrored.boxes, [[88, 8, 120, 40]])


def test_only_trusted_classes_are_taken(write_network: WriteNetwork) -> None:
    rows = [4, 4, 20, 20, 0.9, 0], [30, 30, 60, 60, 0.8, 1]
    teacher = Teacher(made(write_network, "a", "[person, car]", *rows), ["car"], flip=False)
    (seen,) = teacher.views(blank().image)
    assert teacher.class_names == ("car",)
    assert seen.classes.tolist() == [0]
    np.testing.assert_allclose(seen.boxes, [[30, 30, 60, 60]])


def test_tiles_find_what_is_small_in_the_whole(shared: Path, market: Frame) -> None:
    spec = str(shared / "weights" / SMALL)
    small = Frame(np.full((market.height * 3, market.width * 3, 3), 114, np.uint8))
    small.image[: market.height, : market.width] = market.image
    (whole,) = Teacher(spec, flip=False).views(small.image)
    (tiled,) = Teacher(spec, flip=False, tiles=(3, 3)).views(small.image)
    assert (tiled.scores > 0.4).sum() > (whole.scores > 0.4).sum()


def test_boxes_cut_by_a_tile_are_left_to_the_whole(write_network: WriteNetwork) -> None:
    spec = made(write_network, "a", "[person]", [0, 0, 64, 64, 0.9, 0], [24, 24, 40, 40, 0.8, 0])
    (seen,) = Teacher(spec, flip=False, tiles=(2, 2)).views(blank(700, 700).image)
    # The tiles' own full boxes all reach an inner edge; the inner ones do not.
    assert len(seen) == 2 + 4
    np.testing.assert_allclose(seen.boxes[0], [0, 0, 700, 700])
    np.testing.assert_allclose(seen.boxes[2:, 2:] - seen.boxes[2:, :2], 100)


def test_a_committee_is_a_detector_that_names_what_it_knows(write_network: WriteNetwork) -> None:
    person = Teacher(made(write_network, "a", "[person]", [4, 4, 20, 20, 0.9, 0]), flip=False)
    both = Teacher(
        made(write_network, "b", "[car, person]", [4, 4, 20, 20, 0.5, 1], [30, 30, 60, 60, 0.8, 0]),
        flip=False,
        thorough=False,
    )
    committee: Detector = Committee([person, both], ["bus", "car", "person"])
    (found,) = committee.detect([blank()])
    assert committee.class_names == ("bus", "car", "person")
    assert isinstance(committee, Committee)
    assert (committee.known, committee.thorough) == (("car", "person"), ("person",))
    # The first teacher knows no cars: its silence does not halve the car's score.
    assert found.classes.tolist() == [1, 2]
    np.testing.assert_allclose(found.scores, [0.8, 0.7], atol=1e-6)


def test_views_of_one_teacher_share_its_weight(write_network: WriteNetwork) -> None:
    one = Teacher(made(write_network, "a", "[person]", [16, 4, 48, 20, 0.8, 0]), flip=True)
    other = Teacher(made(write_network, "b", "[person]", [16, 4, 48, 20, 0.2, 0]), flip=False)
    (found,) = Committee([one, other]).detect([blank()])
    np.testing.assert_allclose(found.scores, [0.5], atol=1e-6)


def test_a_committees_boxes_are_cut_to_the_picture(write_network: WriteNetwork) -> None:
    rows = [-9, 4, 20, 70, 0.9, 0], [70, 4, 90, 20, 0.9, 0]
    teacher = Teacher(made(write_network, "a", "[person]", *rows), flip=False)
    (found,) = Committee([teacher]).detect([blank()])
    np.testing.assert_allclose(found.boxes, [[0, 4, 20, 64]])


def test_teachers_that_know_none_of_the_classes_are_refused(write_network: WriteNetwork) -> None:
    teacher = Teacher(made(write_network, "a", "[person]", [4, 4, 20, 20, 0.9, 0]))
    with pytest.raises(InputError, match="the teachers know person; none of car"):
        Committee([teacher], ["car"])
    with pytest.raises(InputError, match="at least one teacher"):
        Committee([])


def test_openvino_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="pip install openvino"):
        Teacher("persons.xml")


def test_an_openvino_teacher_sees_people_too(shared: Path, market: Frame) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    path = shared / "weights" / "openvino" / "person-detection-0303_fp16int8.xml"
    teacher = Teacher(f"{path}@384x640", flip=False, threads=1)
    (seen,) = teacher.views(market.image)
    (other,) = Teacher(str(shared / "weights" / SMALL), flip=False).views(market.image)
    clear = other.boxes[other.scores > 0.6]
    assert (iou_matrix(clear, seen.boxes).max(axis=1) > 0.6).all()
    assert (np.diff(seen.scores) <= 0).all()


def test_a_file_that_is_no_openvino_network_is_named(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    with pytest.raises(ModelError, match="no such file"):
        Teacher(str(tmp_path / "none.xml"))
    (tmp_path / "bad.xml").write_text("<net/>")
    with pytest.raises(ModelError, match=r"bad\.xml: cannot be used as a teacher"):
        Teacher(str(tmp_path / "bad.xml"))


@pytest.mark.parametrize("wrong", [{"weight": 0.0}, {"tiles": (0, 2)}], ids=["weight", "tiles"])
def test_parameters_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="of teacher"):
        Teacher("any.onnx", **wrong)  # type: ignore[arg-type]
