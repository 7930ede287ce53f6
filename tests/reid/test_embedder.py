"""The embedder on real people: foreign networks, boxes that hold nothing, wrong files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sightline.errors import InputError, ModelError
from sightline.reid import Embedder
from sightline.reid.choices import embedder_name
from tests.reid.conftest import OSNET, RETAIL, People


@pytest.fixture(scope="module", params=[OSNET, RETAIL])
def foreign(request: pytest.FixtureRequest, shared: Path) -> Embedder:
    """A network that others made."""
    return Embedder(shared / "weights" / request.param, "cpu", threads=1)


def test_foreign_networks_are_recognised_by_their_shapes(shared: Path) -> None:
    osnet = Embedder(shared / "weights" / OSNET, "cpu").describe()
    retail = Embedder(shared / "weights" / RETAIL, "cpu").describe()
    assert (osnet["dimension"], osnet["crop_layout"]) == (512, "planes")
    assert (retail["dimension"], retail["crop_layout"]) == (256, "pixels")
    assert osnet["crop_size"] == retail["crop_size"] == [256, 128]


def test_nearest_vector_of_three_seconds_later_is_the_same_person(
    foreign: Embedder, moments: list[People]
) -> None:
    before, after = (foreign.embed(people.frame, people.boxes) for people in moments)
    nearest = moments[1].ids[(before @ after.T).argmax(axis=1)]
    stayed = np.isin(moments[0].ids, moments[1].ids)
    assert stayed.sum() >= 3
    assert (nearest == moments[0].ids)[stayed].mean() >= 0.6


def test_vectors_have_length_one_and_do_not_depend_on_their_neighbours(
    foreign: Embedder, moments: list[People]
) -> None:
    frame, boxes = moments[0].frame, moments[0].boxes
    together = foreign.embed(frame, boxes)
    alone = np.concatenate(
        [foreign.embed(frame, boxes[row : row + 1]) for row in range(len(boxes))]
    )
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert together.dtype == np.float32


def test_boxes_that_hold_nothing_get_rows_of_zeros(
    foreign: Embedder, moments: list[People]
) -> None:
    people = moments[0]
    empty = np.array([[50, 50, 50, 90], [5000, 0, 5100, 90], [-90, -90, -5, -5]], np.float32)
    boxes = np.concatenate([empty[:1], people.boxes[:1], empty[1:]])
    vectors = foreign.embed(people.frame, boxes)
    assert not vectors[[0, 2, 3]].any()
    np.testing.assert_allclose(vectors[1], foreign.embed(people.frame, boxes[1:2])[0], atol=1e-5)


def test_no_boxes_give_no_vectors_of_the_right_length(
    foreign: Embedder, moments: list[People]
) -> None:
    none = np.empty((0, 4), np.float32)
    assert foreign.embed(moments[0].frame, none).shape == (0, foreign.dimension)


def test_crops_of_another_size_are_refused(foreign: Embedder) -> None:
    with pytest.raises(InputError, match=r"\(N, 256, 128, 3\) uint8 BGR .* got \(2, 64, 64, 3\)"):
        foreign.embed_crops(np.zeros((2, 64, 64, 3), np.uint8))


def test_a_detector_is_no_reid_network(shared: Path) -> None:
    with pytest.raises(ModelError, match="not a re-ID network"):
        Embedder(shared / "weights" / "yolox_nano_416.onnx", "cpu")


def test_missing_file_is_named() -> None:
    with pytest.raises(ModelError, match=r"'nowhere\.onnx': no such file"):
        Embedder("nowhere.onnx")


def test_a_fixed_batch_is_filled_up(tmp_path: Path) -> None:
    embedder = Embedder(_mean_colours(tmp_path, batch=4), "cpu")
    crops = np.stack([np.full((8, 4, 3), value, np.uint8) for value in (10, 50, 90, 130, 170)])
    crops[:, :, :, 0] = 0
    vectors = embedder.embed_crops(crops)
    assert vectors.shape == (5, 3)
    np.testing.assert_allclose(vectors, np.tile([0, 0.5**0.5, 0.5**0.5], (5, 1)), atol=1e-6)


def test_vectors_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = _mean_colours(tmp_path, batch=None, then="Log")  # the logarithm of black is -inf
    with pytest.raises(ModelError, match="no numbers"):
        Embedder(path, "cpu").embed_crops(np.zeros((1, 8, 4, 3), np.uint8))


def _mean_colours(folder: Path, batch: int | None, then: str = "Identity") -> Path:
    """A made NHWC network whose vector is a crop's mean colour."""
    crops = helper.make_tensor_value_info("crops", TensorProto.FLOAT, [batch, 8, 4, 3])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [batch, 3])
    nodes = [
        helper.make_node("ReduceMean", ["crops"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node(then, ["means"], ["vectors"]),
    ]
    graph = helper.make_graph(nodes, "means", [crops], [vectors])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "means.onnx"
    onnx.save(model, str(path))
    return path


def test_a_network_is_named_by_what_is_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"one")
    before = embedder_name(str(tmp_path / "mine.onnx"))
    (tmp_path / "mine.onnx").write_bytes(b"two")
    assert before.startswith("mine@")
    assert embedder_name(str(tmp_path / "mine.onnx")) != before
    assert embedder_name("sightline-reid").startswith("sightline-reid@")
    assert (embedder_name("colour"), embedder_name("off")) == ("colour", "")
