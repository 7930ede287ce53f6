"""A descriptor that needs no network: colours in horizontal stripes.

People stand upright, so what they wear lies in bands: hair, coat, trousers, shoes. Each stripe
has a histogram of hues, weighted by how colourful a pixel is, and one of brightness for the rest;
pixels near the vertical axis count more, because the corners of a box show the background.
Square roots of shares make the dot product the Bhattacharyya coefficient of the histograms
(Bhattacharyya, 1943). Light and cameras change colours, so it may forbid a match and never
proves one.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from sightline.reid.crops import cut_crops
from sightline.reid.embedder import normalised
from sightline.structures import Frame

__all__ = ["ColourEmbedder"]

_HEIGHT, _WIDTH = 96, 48
_STRIPES = 6
_HUES = 12
_GREYS = 6
_BINS = _HUES + _GREYS
_FULL_COLOUR = 96.0  # saturation (of 255) from which a pixel counts as coloured only


class ColourEmbedder:
    """Describes people by the colours of six stripes of their box.

    Attributes:
        dimension: Length D of a vector.
        match_distance: Cosine distance at which two crops of one camera are as likely of one
            person as of two (equal-error point, docs/benchmarks-reid.md).
    """

    dimension = _STRIPES * _BINS
    match_distance = 0.14

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Describe what is inside boxes.

        Args:
            frame: The picture.
            boxes: (N, 4) x1 y1 x2 y2 in pixels of the frame; may reach outside it.

        Returns:
            (N, D) float32, L2-normalised and nowhere negative; a row of zeros for a box that is
            empty or lies outside the picture.

        Raises:
            InputError: The boxes are not (N, 4) finite numbers.
        """
        crops, usable = cut_crops(frame.image, boxes, _HEIGHT, _WIDTH)
        vectors = np.zeros((len(usable), self.dimension), np.float32)
        if len(crops):
            vectors[usable] = normalised(np.stack([_describe(crop) for crop in crops]))
        return vectors


def _describe(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(D,) square roots of the histograms of one crop."""
    hue, saturation, value = (
        plane.astype(np.float32) for plane in cv2.split(cv2.cvtColor(crop, cv2.COLOR_BGR2HSV))
    )
    # Dark pixels have a hue of noise only.
    colourful = np.minimum(saturation * value / (255 * _FULL_COLOUR), 1) * _axis_weights()
    grey = _axis_weights() - colourful
    stripes = (np.arange(_HEIGHT) * _STRIPES // _HEIGHT)[:, None] * _BINS
    histogram = np.zeros(_STRIPES * _BINS, np.float32)
    _fill(histogram, hue * (_HUES / 180), _HUES, stripes, colourful, wraps=True)
    _fill(histogram, value * (_GREYS / 256), _GREYS, stripes + _HUES, grey, wraps=False)
    return np.sqrt(histogram)


def _fill(
    histogram: npt.NDArray[np.float32],
    places: npt.NDArray[np.float32],
    bins: int,
    offsets: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
    *,
    wraps: bool,
) -> None:
    """Share each pixel between the two bins that are nearest to it."""
    lower = np.floor(places - 0.5).astype(np.int64)
    share = (places - 0.5 - lower).astype(np.float32)
    for bin_, part in ((lower, 1 - share), (lower + 1, share)):
        bin_ = bin_ % bins if wraps else np.clip(bin_, 0, bins - 1)
        histogram += np.bincount(
            (bin_ + offsets).ravel(), (weights * part).ravel(), minlength=len(histogram)
        ).astype(np.float32)


@functools.cache
def _axis_weights() -> npt.NDArray[np.float32]:
    """(H, W) weight of a pixel by its distance from the vertical axis."""
    across = (np.arange(_WIDTH) + 0.5) / _WIDTH * 2 - 1
    return np.tile(np.exp(-((across / 0.5) ** 2) / 2), (_HEIGHT, 1)).astype(np.float32)
