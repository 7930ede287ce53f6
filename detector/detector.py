"""The detector: frames in, boxes in the frames' own pixels out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.detector.class_names import class_indices
from sightline.detector.downloads import fetch
from sightline.detector.exported import PREPROCESSING, Exported, read_exported
from sightline.detector.heads import Candidates, SightlineHead
from sightline.detector.inputs import GREY, Inputs, MakeWriter
from sightline.detector.nms import nms
from sightline.detector.preprocessing import PixelWriter, Placement, PlaneWriter
from sightline.detector.recognition import Recognised, input_size, recognise
from sightline.detector.registry import ModelEntry, entry_by_name, entry_by_sha256, read_entry
from sightline.detector.sizes import LARGEST_STRIDE, FixedSize, PixelBudget, Sizing, check_sides
from sightline.errors import InputError, ModelError
from sightline.inference import Device, Session, file_sha256
from sightline.structures import Detections, Frame

__all__ = ["DEFAULT_CONFIDENCE", "DEFAULT_NMS", "Detector", "find_model"]

DEFAULT_CONFIDENCE = 0.1
"""Scores above it are returned: trackers make use of weak detections."""

DEFAULT_NMS = 0.55
"""Overlap up to which two boxes of a class are both kept (docs/benchmarks.md says why)."""


class Detector:
    """Finds objects in frames with an ONNX network.

    How the network is fed and read is found out from the file, from the registry (by name or
    by the file's SHA-256) or from a YAML file beside it; docs/detector.md says how.

    Boxes are not cut at the picture's edge: a person half outside keeps the full box that the
    network sees, as in MOTChallenge's ground truth. Empty boxes are dropped. Use one Detector
    a thread.

    Args:
        model: A name of the registry (downloaded when first used), an ONNX file, or a YAML
            file that describes one.
        device: `auto`, or strictly `cpu`, `cuda` or `tensorrt`.
        confidence: Only scores above it are returned.
        classes: Names of the classes to return; None for all.
        iou_threshold: Overlap above which the weaker of two boxes of a class is dropped; not
            used by networks that return no duplicates (DETR-style, end-to-end).
        size: Side, or height and width, of the network's input in pixels, where the network
            leaves it open; None for its own. For our own exports a side is a budget: each
            frame gets the input of its own shape that has at most that square's pixels.
        max_detections: At most so many of a frame, the best.
        threads: CPU threads; 0 for all cores that the process may use.

    Attributes:
        class_names: Names of the network's classes, by the index in `Detections.classes`.
        session: The network's session.
        exported: What the file says of itself, if it is an export of ours; else None.
        input_size: Height and width of the network's input in pixels; of a budget, for a square
            frame.
        stage_seconds: CPU seconds of this process that `detect` has spent so far, by stage:
            `letterbox`, `infer`, `decode boxes`.

    Raises:
        InputError: A parameter is out of its range, or a class is unknown.
        ModelError: The network cannot be found, loaded or read, or the device used.
        ConfigError: The YAML file is wrong.
    """

    def __init__(
        self,
        model: str | Path,
        device: Device = "auto",
        confidence: float = DEFAULT_CONFIDENCE,
        classes: Sequence[str] | None = None,
        *,
        iou_threshold: float = DEFAULT_NMS,
        size: int | tuple[int, int] | None = None,
        max_detections: int = 1000,
        threads: int = 0,
    ) -> None:
        _check_range("confidence", confidence)
        _check_range("iou_threshold", iou_threshold)
        if max_detections < 1:
            raise InputError(f"max_detections: expected 1 or more, got {max_detections}")
        self.confidence = confidence
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections
        self.path, self.entry = find_model(model)
        self.session = Session(self.path, device, threads)
        self.exported = read_exported(self.session)
        known, sizing, make_writer = (
            self._foreign(size) if self.exported is None else self._own(self.exported, size)
        )
        self.class_names = known.class_names
        self.preprocessing = known.preprocessing
        self.input_size = sizing.input_for(1, 1)
        self._head = known.head
        self._inputs = Inputs(sizing, known.preprocessing, make_writer)
        self._batch = self._batch_size()
        self._wanted = self._class_mask(classes)
        self.stage_seconds = dict.fromkeys(("letterbox", "infer", "decode boxes"), 0.0)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Find the objects in some frames, of any sizes.

        Args:
            frames: The frames; how many at once changes the speed and not the results.

        Returns:
            For each frame its detections, best first, boxes in pixels of that frame.

        Raises:
            ModelError: The network failed, or returned what are no numbers.
        """
        found: dict[int, Detections] = {}
        for size, indices in self._inputs.by_size(frames).items():
            step = self._batch or len(indices)
            for start in range(0, len(indices), step):
                part = indices[start : start + step]
                detections = self._detect_alike([frames[index] for index in part], size)
                found.update(zip(part, detections, strict=True))
        return [found[index] for index in range(len(frames))]

    def describe(self) -> dict[str, Any]:
        """What runs where and how, for reports and health pages; plain JSON values."""
        return self.session.describe() | {
            "name": self.entry.name,
            "sha256": self.entry.sha256,
            "licence": self.licence,
            "head": self._head.name,
            "input_size": list(self.input_size),
            "input_follows_frame": isinstance(self._inputs.sizing, PixelBudget),
            "resize": self.preprocessing.resize,
            "classes": len(self.class_names),
            "confidence": self.confidence,
            "iou_threshold": self.iou_threshold if self._suppresses else None,
        }

    @property
    def joins_frames(self) -> bool:
        """Whether several frames go through the network in one run; on a CPU that gains nothing."""
        return self._batch is None or self._batch > 1

    @property
    def licence(self) -> str:
        """Licence of the weights, as the registry or the file itself has it."""
        facts = {} if self.exported is None else self.exported.facts
        return facts.get("licence", self.entry.licence)

    @property
    def _suppresses(self) -> bool:
        """Whether boxes are suppressed, by us or by our own graph."""
        return self._head.overlapping or self.exported is not None

    def _count(self, stage: str, began: float) -> float:
        """Add the CPU time since `began` to a stage; returns the time now."""
        now = time.process_time()
        self.stage_seconds[stage] += now - began
        return now

    def _own(
        self, exported: Exported, size: int | tuple[int, int] | None
    ) -> tuple[Recognised, Sizing, MakeWriter]:
        """How an export of ours is read and fed."""
        sizing = _own_sizing(self.session, exported, self.entry, size)
        known = Recognised(SightlineHead(), PREPROCESSING, exported.class_names)
        self._run(np.full((1, *sizing.input_for(1, 1), 3), GREY, dtype=np.uint8))
        return known, sizing, PixelWriter

    def _foreign(self, size: int | tuple[int, int] | None) -> tuple[Recognised, Sizing, MakeWriter]:
        """How another network is read and fed, from the shapes of what it returns for grey."""
        height, width = input_size(self.session, self.entry, size)
        pictures = self.session.inputs[0].shape[0] or 1
        outputs = self._run(np.full((pictures, 3, height, width), GREY, dtype=np.float32))
        known = recognise(self.session, self.entry, outputs, height, width)
        return known, FixedSize(height, width), PlaneWriter

    def _batch_size(self) -> int | None:
        """Pictures in a run: the network's own number, or None where there may be any."""
        fixed = self.session.inputs[0].shape[0]
        # One picture at a time gives the same bits whatever the batch, and costs a CPU nothing
        # (docs/benchmarks.md).
        if fixed is not None or self.session.device == "cpu":
            return fixed or 1
        try:  # some exports leave the batch open and fail at two, as MMDeploy's with suppression
            self._run(self._inputs.write((), self.input_size, 2)[0])
        except ModelError:
            return 1
        return None

    def _detect_alike(self, frames: Sequence[Frame], size: tuple[int, int]) -> list[Detections]:
        """Detect in frames that one run takes."""
        began = time.process_time()
        blob, placements = self._inputs.write(frames, size, self._batch or len(frames))
        began = self._count("letterbox", began)
        outputs = self._run(blob)
        began = self._count("infer", began)
        pictures = self._head.decode(outputs, self.confidence, len(frames))
        found = [
            self._finish(candidates, placement)
            for candidates, placement in zip(pictures, placements, strict=True)
        ]
        self._count("decode boxes", began)
        return found

    def _run(self, blob: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        feed = {self.session.inputs[0].name: blob}
        if self.exported is not None:
            feed["confidence"] = np.full(1, self.confidence, dtype=np.float32)
            feed["iou_threshold"] = np.full(1, self.iou_threshold, dtype=np.float32)
        return self.session.run(feed)

    def _finish(self, candidates: Candidates, placement: Placement) -> Detections:
        """Filter, suppress, and go back to the frame's pixels."""
        boxes = candidates.boxes
        good = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        good &= np.isfinite(boxes).all(axis=1)
        if self._wanted is not None:
            good &= self._wanted[candidates.classes]
        candidates = candidates[good]
        if self._head.overlapping:
            rows = nms(candidates.boxes, candidates.scores, candidates.classes, self.iou_threshold)
        else:
            rows = np.argsort(-candidates.scores, kind="stable")
        best = candidates[rows[: self.max_detections]]
        return Detections(placement.to_picture(best.boxes), best.scores, best.classes)

    def _class_mask(self, classes: Sequence[str] | None) -> npt.NDArray[np.bool_] | None:
        if classes is None:
            return None
        mask = np.zeros(len(self.class_names), dtype=np.bool_)
        mask[class_indices(classes, self.class_names)] = True
        return mask


def _own_sizing(
    session: Session, exported: Exported, entry: ModelEntry, size: int | tuple[int, int] | None
) -> Sizing:
    """One number is a budget of pixels; height and width are what they say."""
    wish = size or entry.size or exported.size
    if isinstance(wish, int):
        if wish < LARGEST_STRIDE:
            raise ModelError(f"{session.name}: a size is at least {LARGEST_STRIDE}, got {wish}")
        return PixelBudget(wish)
    check_sides(session.name, *wish)
    return FixedSize(*wish)


def find_model(model: str | Path) -> tuple[Path, ModelEntry]:
    """The file of a model and what is known about it.

    Args:
        model: A name of the registry (downloaded if it is not here yet), an ONNX file, or a YAML
            file that describes one.

    Raises:
        ModelError: There is no such model or file, it is not what its description means, or it
            cannot be downloaded.
    """
    path = Path(model)
    if not path.is_file():
        if path.suffix or os.sep in str(model):
            raise ModelError(
                f"{path}: no such file; give an ONNX file, a YAML file that describes one, or a "
                "name from `sightline models list`"
            )
        entry = entry_by_name(str(model))
        return fetch(entry), entry
    if path.suffix.lower() in (".yaml", ".yml"):
        entry = read_entry(path)
        if entry.file is None:
            return fetch(entry), entry
        return _checked(path.parent / entry.file, entry), entry
    for suffix in (".yaml", ".yml"):
        sidecar = path.with_suffix(suffix)
        if sidecar.is_file():
            entry = read_entry(sidecar)
            return _checked(path, entry), entry
    digest = file_sha256(path)
    known = entry_by_sha256(digest) or ModelEntry(name=path.stem, sha256=digest)
    return path, known


def _checked(path: Path, entry: ModelEntry) -> Path:
    if entry.sha256 is not None and path.is_file() and file_sha256(path) != entry.sha256:
        raise ModelError(
            f"{path}: not the file that its description means (SHA-256 {entry.sha256} expected)"
        )
    return path


def _check_range(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InputError(f"{name}: expected a number from 0 to 1, got {value}")
