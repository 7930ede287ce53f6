"""Changes of a picture's look that leave its labels as they are.

Each is a function of a picture (H, W, 3) uint8 BGR and of how strong the change is, and returns a
new picture; those with noise in them also take the random generator.
"""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np

from sightline.detector.training.examples import Image

__all__ = ["jitter_colour", "jpeg_noise", "low_light", "motion_blur"]

_QUANTILES = np.array([NormalDist().inv_cdf((level + 0.5) / 256) for level in range(256)])


def jitter_colour(image: Image, hue: float, saturation: float, value: float) -> Image:
    """Turn the hue, and multiply saturation and value.

    Args:
        image: The picture.
        hue: Share of the colour circle, in [-0.5, 0.5].
        saturation: Factor.
        value: Factor.
    """
    levels = np.arange(256, dtype=np.float32)
    table = np.stack(
        [
            (levels + 180 * hue) % 180,  # OpenCV's hue of a byte picture ends at 180
            np.clip(levels * saturation, 0, 255),
            np.clip(levels * value, 0, 255),
        ],
        axis=1,
    )
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    changed = cv2.LUT(hsv, table.astype(np.uint8)[None])
    return np.asarray(cv2.cvtColor(changed, cv2.COLOR_HSV2BGR), np.uint8)


def motion_blur(image: Image, length: int, angle: float) -> Image:
    """Blur along a straight line, as of a camera or an object that moves.

    Args:
        image: The picture.
        length: Pixels that the movement covers; 1 changes nothing.
        angle: Direction in radians.
    """
    kernel = np.zeros((length, length), np.float32)
    half = (length - 1) / 2
    steps = np.linspace(-half, half, 4 * length)
    columns = np.rint(half + steps * np.cos(angle)).astype(int)
    rows = np.rint(half + steps * np.sin(angle)).astype(int)
    kernel[rows, columns] = 1
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def jpeg_noise(image: Image, quality: int) -> Image:
    """What a JPEG of this quality, 1 to 100, leaves of the picture."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def low_light(image: Image, gamma: float, noise: float, random: np.random.Generator) -> Image:
    """A dark picture from a sensor at high gain.

    Args:
        image: The picture.
        gamma: Exponent of the brightness; above 1 is darker.
        noise: Standard deviation of the sensor's noise, in levels of 255.
        random: Draws the noise.
    """
    table = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    dark = cv2.LUT(image, table)
    # Normal noise by its quantiles: one byte of randomness a value, and a look-up.
    offsets = np.rint(noise * _QUANTILES).astype(np.int16)
    drawn = np.frombuffer(random.bytes(image.size), np.uint8).reshape(image.shape)
    return np.asarray(np.clip(dark + offsets[drawn], 0, 255), np.uint8)
