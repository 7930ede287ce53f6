"""From a trained network to one ONNX file that needs nothing beside it, and the proof of it.

The file takes bytes as cameras and OpenCV have them and returns finished detections
(`export_graph.py`). It describes itself in its metadata (`exported.py`), and what it returns is
compared with PyTorch before anybody uses it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import torch
from onnx import numpy_helper
from onnx_ir.passes.common import RemoveUnusedNodesPass
from torch import Tensor, nn

from sightline.detector.complexity import complexity_facts, measure
from sightline.detector.export_graph import CANDIDATES, OPSET, assemble
from sightline.detector.exported import FORMAT, FORMAT_KEY, PREPROCESSING
from sightline.detector.network import Network
from sightline.detector.network.base import MEAN, SPREAD
from sightline.detector.nms import nms
from sightline.detector.preprocessing import PixelWriter
from sightline.errors import InputError, ModelError
from sightline.inference import Session

__all__ = ["BATCHES", "BOX_TOLERANCE", "SCORE_TOLERANCE", "Agreement", "compare", "export"]

Images = Sequence[npt.NDArray[np.uint8]]
Rows = npt.NDArray[np.float32]

BOX_TOLERANCE = 0.5
"""Pixels that the corners of PyTorch's and ONNX Runtime's boxes may differ by."""

SCORE_TOLERANCE = 1e-3
"""What their scores may differ by."""

BATCHES = (1, 3)
"""How many pictures at once are compared."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the boxes of a file are from those of the network that it was made from.

    Args:
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        batch: Pictures at once.
        rows: Boxes that were compared.
        box_difference: Largest difference of a corner, in pixels.
        score_difference: Largest difference of a score.
    """

    height: int
    width: int
    batch: int
    rows: int
    box_difference: float
    score_difference: float

    @property
    def good(self) -> bool:
        """Whether both differences are within what is allowed."""
        return self.box_difference < BOX_TOLERANCE and self.score_difference < SCORE_TOLERANCE


def export(network: Network, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a network as a self-contained ONNX file.

    Args:
        network: The trained network.
        path: The file to write.
        metadata: What the file says of itself; `exported.describe` makes it.

    Raises:
        ModelError: PyTorch could not export the network.
    """
    bare = _clean(_trace(network))
    side = int(metadata["size"])
    known = complexity_facts(measure(bare, side, side))
    whole = assemble(bare, mean=int(MEAN), spread=SPREAD)
    whole.producer_name = "sightline"
    onnx.helper.set_model_props(whole, {FORMAT_KEY: FORMAT, **metadata, **known})
    onnx.checker.check_model(whole, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(whole, str(path))


def compare(
    network: Network, path: Path, pictures: Images, sizes: Sequence[tuple[int, int]]
) -> Iterator[Agreement]:
    """Compare an exported file with its network, in each size and with 1 and 3 pictures at once.

    The best cells of each picture are compared one by one before suppression, since a box
    there is one cell's; then what suppression leaves of them must be what our own leaves.

    Args:
        network: The network.
        path: The exported file.
        pictures: (H, W, 3) uint8 BGR each, at least one.
        sizes: Height and width of the input, each.

    Raises:
        InputError: There are no pictures.
        ModelError: The file cannot be run, or its suppression is wrong.
    """
    if not pictures:
        raise InputError("an export is compared on pictures: expected at least one, got none")
    session = Session(path, "cpu")
    for height, width in sizes:
        writer = PixelWriter(PREPROCESSING, height, width)
        for batch in BATCHES:
            images = np.empty((batch, height, width, 3), np.uint8)
            for index, target in enumerate(images):
                writer.write(pictures[index % len(pictures)], target)
            yield _compare_batch(network, session, images)


class _Normalised(nn.Module):
    """The network without its normalisation, which the file does on bytes."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        logits, raw = self.network.head(self.network.neck(self.network.backbone(pictures)))
        return logits, raw


def _trace(network: Network) -> onnx.ModelProto:
    batch, rows, columns = (torch.export.Dim(name) for name in ("batch", "rows", "columns"))
    training = network.training
    network.eval()
    try:
        with warnings.catch_warnings():  # PyTorch's own, on its own internals
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Normalised(network),
                (torch.zeros(2, 3, 96, 128),),
                input_names=["pictures"],
                output_names=["logits", "raw"],
                dynamic_shapes=({0: batch, 2: 32 * rows, 3: 32 * columns},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"PyTorch could not export the network: {reason}") from error
    finally:
        network.train(training)
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    return model


def _clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Say "flatten" as such, and drop what PyTorch notes beside each node, such as file paths."""
    graph = model.graph
    flat = numpy_helper.from_array(np.array([0, 0, -1], np.int64), "flat")
    graph.initializer.append(flat)
    # The head's only reshapes flatten a grid. PyTorch computes each shape from the input's.
    for node in graph.node:
        if node.op_type == "Reshape":
            node.input[1] = flat.name
            del node.attribute[:]
    result = RemoveUnusedNodesPass()(onnx_ir.from_proto(model)).model
    cleaned: onnx.ModelProto = onnx_ir.to_proto(result)
    del cleaned.metadata_props[:]
    for part in (cleaned.graph, *cleaned.graph.node, *cleaned.graph.initializer):
        del part.metadata_props[:]
    return cleaned


def _compare_batch(network: Network, session: Session, images: npt.NDArray[np.uint8]) -> Agreement:
    boxes, scores = _by_pytorch(network, images)
    every = _run(session, images, iou_threshold=1.0)
    found = 0
    box_difference = score_difference = 0.0
    for picture in range(len(images)):
        rows = every[every[:, 0] == picture]
        expected = min(CANDIDATES, scores.shape[1])
        if len(rows) != expected:
            raise ModelError(
                f"{session.name}: {expected} cells were expected before suppression, it returned "
                f"{len(rows)}"
            )
        found += len(rows)
        for row in rows:
            by_box = np.abs(boxes[picture] - row[1:5]).max(axis=1)
            by_score = np.abs(scores[picture, :, int(row[6])] - row[5])
            # The cell that the row comes from is the one that is nearest in both.
            cell = np.maximum(by_box / BOX_TOLERANCE, by_score / SCORE_TOLERANCE).argmin()
            box_difference = max(box_difference, by_box[cell])
            score_difference = max(score_difference, by_score[cell])
    _check_suppression(session, images, every)
    height, width = images.shape[1:3]
    return Agreement(
        height, width, len(images), found, float(box_difference), float(score_difference)
    )


def _by_pytorch(network: Network, images: npt.NDArray[np.uint8]) -> tuple[Rows, Rows]:
    """Boxes (B, A, 4) and scores (B, A, C) of every cell."""
    training = network.training
    network.eval()
    device = next(network.parameters()).device
    pictures = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        boxes, scores = network.predict(pictures)
    network.train(training)
    return boxes.cpu().numpy(), scores.cpu().numpy()


def _run(session: Session, images: npt.NDArray[np.uint8], iou_threshold: float) -> Rows:
    feed: dict[str, npt.NDArray[Any]] = {
        "images": images,
        "confidence": np.zeros(1, np.float32),
        "iou_threshold": np.full(1, iou_threshold, np.float32),
    }
    (rows,) = session.run(feed)
    return rows


def _check_suppression(session: Session, images: npt.NDArray[np.uint8], every: Rows) -> None:
    threshold = 0.5
    kept = _run(session, images, threshold)
    wanted = []
    for picture in range(len(images)):
        rows = every[every[:, 0] == picture]
        best = nms(rows[:, 1:5], rows[:, 5], rows[:, 6].astype(np.int32), threshold)
        wanted.append(rows[np.sort(best)])
    # A pair of boxes whose overlap equals the threshold may be decided either way.
    wrong = set(map(tuple, kept.tolist())) ^ set(map(tuple, np.concatenate(wanted).tolist()))
    if len(wrong) > len(kept) // 100:
        raise ModelError(
            f"{session.name}: its suppression and ours keep different boxes: {len(wrong)} of "
            f"{len(kept)}"
        )
