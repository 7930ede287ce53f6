"""The embedder: boxes of a frame in, vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError, ModelError
from sightline.inference import Device, Session
from sightline.reid.crops import cut_crops
from sightline.reid.recognition import DISTANCE_KEY, THRESHOLD_KEY, recognise
from sightline.reid.weights import find_weights
from sightline.structures import Frame

__all__ = ["Embedder", "normalised"]


class Embedder:
    """Describes people by vectors that are near for the same person, with an ONNX network.

    How the network is fed is found out from the file (`sightline.reid.recognition`). Crops of a
    frame go through the network together. Use one Embedder a thread.

    Args:
        model: `sightline-reid`, or an ONNX file.
        device: `auto`, or strictly `cpu`, `cuda` or `tensorrt`.
        batch: Crops that go through the network at once, at most.
        threads: CPU threads; 0 for all cores that the process may use.

    Attributes:
        dimension: Length D of a vector.
        session: The network's session.
        crop_size: Height and width of a crop in pixels.
        match_distance: Cosine distance at which two crops of one camera are as likely of one
            person as of two: the equal-error point that the training measured, or of a foreign
            network one that was measured for its kind.
        track_threshold: Likeness from which two tracks are one person, as the network's own
            training calibrated it (`sightline.reid.matching`); None for foreign networks.

    Raises:
        InputError: A parameter is out of its range.
        ModelError: The network cannot be found, loaded or used.
    """

    def __init__(
        self,
        model: str | Path = "sightline-reid",
        device: Device = "auto",
        *,
        batch: int = 16,
        threads: int = 0,
    ) -> None:
        if batch < 1:
            raise InputError(f"batch: expected 1 or more, got {batch}")
        self.session = Session(find_weights(model), device, threads)
        self._input = recognise(self.session)
        self._batch = self._input.batch or batch
        self.crop_size = (self._input.height, self._input.width)
        noted = self.session.metadata
        self.match_distance = float(noted.get(DISTANCE_KEY, self._input.match_distance))
        self.track_threshold = float(noted[THRESHOLD_KEY]) if THRESHOLD_KEY in noted else None
        grey = np.full((1, *self.crop_size, 3), 128, np.uint8)
        self.dimension = 0  # until the first run, which also warms up
        self.dimension = self._run(grey).shape[1]

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Describe what is inside boxes.

        Args:
            frame: The picture.
            boxes: (N, 4) x1 y1 x2 y2 in pixels of the frame; may reach outside it.

        Returns:
            (N, D) float32, L2-normalised; a row of zeros for a box that is empty or lies outside
            the picture, which means that there is no embedding.

        Raises:
            InputError: The boxes are not (N, 4) finite numbers.
            ModelError: The network failed, or returned what are no numbers.
        """
        crops, usable = cut_crops(frame.image, boxes, *self.crop_size)
        vectors = np.zeros((len(usable), self.dimension), np.float32)
        vectors[usable] = self.embed_crops(crops)
        return vectors

    def embed_crops(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Describe pictures that are cut already.

        Args:
            crops: (N, H, W, 3) uint8 BGR, of `crop_size`.

        Returns:
            (N, D) float32, L2-normalised.

        Raises:
            InputError: The crops have another size or dtype.
            ModelError: The network failed, or returned what are no numbers.
        """
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (*self.crop_size, 3):
            raise InputError(
                f"crops are (N, {self.crop_size[0]}, {self.crop_size[1]}, 3) uint8 BGR for this "
                f"network; got {crops.shape} {crops.dtype}"
            )
        parts = [
            self._run(crops[start : start + self._batch])
            for start in range(0, len(crops), self._batch)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.dimension), np.float32)

    def describe(self) -> dict[str, Any]:
        """What runs where and how, for reports and health pages; plain JSON values."""
        return self.session.describe() | {
            "dimension": self.dimension,
            "crop_size": list(self.crop_size),
            "crop_layout": self._input.layout,
        }

    def _run(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        count = len(crops)
        if self._input.batch is not None and count < self._input.batch:
            missing = self._input.batch - count
            crops = np.concatenate([crops, np.zeros((missing, *crops.shape[1:]), np.uint8)])
        (vectors,) = self.session.run({self._input.name: self._input.prepare(crops)})
        vectors = vectors[:count].astype(np.float32)
        if self.dimension and vectors.shape[1] != self.dimension:
            raise ModelError(
                f"{self.session.name}: returned vectors of {vectors.shape[1]} after ones of "
                f"{self.dimension}"
            )
        if not np.isfinite(vectors).all():
            raise ModelError(f"{self.session.name}: returned embeddings that are no numbers")
        return normalised(vectors)


def normalised(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(N, D) vectors scaled to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(1e-12))
    return scaled
