"""Constant-velocity Kalman filter of a box, decoupled per coordinate.

The state is position and velocity of cx, cy, w, h; only the positions are measured and all noise
is independent between coordinates, so the 8×8 covariance is four 2×2 blocks and every step is a
few scalar operations (Bewley et al., "Simple Online and Realtime Tracking", 2016; noise in
proportion to the box as in Wojke et al., "Deep SORT", 2017, with width and height as in Aharon et
al., "BoT-SORT", 2022).

Velocities are pixels a nominal frame and `frames` is the elapsed time in nominal frames, so the
result is continuous in time. Noise grows linearly with time.
"""

from __future__ import annotations

import math
from typing import Any

from sightline.tracker.compiling import compiled
from sightline.tracker.state import Floats

__all__ = [
    "box_of",
    "correct",
    "initiate",
    "mahalanobis",
    "measure",
    "predict",
    "reach",
    "reobserve",
    "warp",
]

_SMALLEST_SIDE = 1e-3


@compiled
def measure(box: Floats) -> tuple[float, float, float, float]:
    """x1 y1 x2 y2 to cx, cy, w, h."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]


@compiled
def box_of(track: Any, box: Floats) -> None:
    """Write the state's x1 y1 x2 y2 into `box`."""
    half_width = track.mean[2, 0] / 2
    half_height = track.mean[3, 0] / 2
    box[0] = track.mean[0, 0] - half_width
    box[1] = track.mean[1, 0] - half_height
    box[2] = track.mean[0, 0] + half_width
    box[3] = track.mean[1, 0] + half_height


@compiled
def _scale(track: Any, coordinate: int) -> float:
    """Side of the box that the noise of a coordinate is proportional to, in pixels."""
    return float(max(1.0, track.mean[2 + coordinate % 2, 0]))


@compiled
def initiate(track: Any, box: Floats, p: Any) -> None:
    """Start the state at a measured box, at rest."""
    for coordinate, value in enumerate(measure(box)):
        track.mean[coordinate, 0] = value
        track.mean[coordinate, 1] = 0.0
    for coordinate in range(4):
        scale = _scale(track, coordinate)
        track.covariance[coordinate, 0] = (p.initial_position_noise * scale) ** 2
        track.covariance[coordinate, 1] = 0.0
        track.covariance[coordinate, 2] = (p.initial_velocity_noise * scale) ** 2


@compiled
def predict(track: Any, frames: float, p: Any) -> None:
    """Move the state `frames` nominal frames ahead."""
    for coordinate in range(4):
        mean = track.mean[coordinate]
        covariance = track.covariance[coordinate]
        scale = _scale(track, coordinate)
        mean[0] += frames * mean[1]
        covariance[0] += frames * (2 * covariance[1] + frames * covariance[2])
        covariance[1] += frames * covariance[2]
        covariance[0] += frames * (p.position_noise * scale) ** 2
        covariance[2] += frames * (p.velocity_noise * scale) ** 2
        _keep_definite(covariance)
    for coordinate in range(2, 4):
        if track.mean[coordinate, 0] < _SMALLEST_SIDE:
            track.mean[coordinate, 0] = _SMALLEST_SIDE
            track.mean[coordinate, 1] = 0.0


@compiled
def correct(track: Any, box: Floats, score: float, p: Any) -> None:
    """Take in a measured box.

    Written so that a covariance stays positive definite: what is left of it after the update is
    a product and a sum of positive terms, with no difference of large numbers.
    """
    relative_noise = p.measurement_noise * (1 - p.score_noise * score)
    for coordinate, value in enumerate(measure(box)):
        mean = track.mean[coordinate]
        covariance = track.covariance[coordinate]
        noise = (relative_noise * _scale(track, coordinate)) ** 2
        innovation_variance = covariance[0] + noise
        innovation = value - mean[0]
        mixed = covariance[1]
        mean[0] += covariance[0] / innovation_variance * innovation
        mean[1] += mixed / innovation_variance * innovation
        kept = noise / innovation_variance
        # Velocity given the position, which no measurement of the position can reduce.
        conditional = max(0.0, covariance[2] - mixed / covariance[0] * mixed)
        covariance[2] = conditional + mixed / covariance[0] * mixed * kept
        covariance[0] *= kept
        covariance[1] = mixed * kept
        _keep_definite(covariance)
    for coordinate in range(2, 4):
        track.mean[coordinate, 0] = max(_SMALLEST_SIDE, track.mean[coordinate, 0])


@compiled
def _keep_definite(covariance: Floats) -> None:
    """Hold the correlation below 1, where rounding could take it after a long blind time."""
    most = (1 - 1e-12) * math.sqrt(covariance[0]) * math.sqrt(covariance[2])
    covariance[1] = min(most, max(-most, covariance[1]))


@compiled
def reobserve(track: Any, past: Floats, box: Floats, frames: float, p: Any) -> None:
    """Restart centre and velocity on the line between two observations that enclose a gap.

    This is the limit of the re-update along a virtual path (Cao et al., "Observation-Centric
    SORT", CVPR 2023): what was predicted during the gap is forgotten.
    """
    before = measure(past)
    for coordinate, value in enumerate(measure(box)):
        if coordinate < 2:
            noise = (p.measurement_noise * _scale(track, coordinate)) ** 2
            drift = (p.velocity_noise * _scale(track, coordinate)) ** 2 * frames / 3
            track.mean[coordinate, 0] = value
            track.mean[coordinate, 1] = (value - before[coordinate]) / frames
            track.covariance[coordinate, 0] = noise
            track.covariance[coordinate, 1] = noise / frames
            track.covariance[coordinate, 2] = 2 * noise / frames**2 + drift


@compiled
def mahalanobis(track: Any, box: Floats, p: Any) -> float:
    """Squared Mahalanobis distance of a measured box from the prediction; 4 degrees of freedom."""
    total = 0.0
    for coordinate, value in enumerate(measure(box)):
        noise = (p.measurement_noise * _scale(track, coordinate)) ** 2
        innovation = value - track.mean[coordinate, 0]
        total += innovation**2 / (track.covariance[coordinate, 0] + noise)
    return total


@compiled
def reach(track: Any, coordinate: int, gate: float, p: Any) -> float:
    """How far a measured coordinate may be from its prediction to stay within a squared gate."""
    noise = (p.measurement_noise * _scale(track, coordinate)) ** 2
    return math.sqrt(gate * (track.covariance[coordinate, 0] + noise))


@compiled
def warp(track: Any, affine: Floats) -> None:
    """Carry a state into the pixels of a camera that moved.

    An affine x' = A x + t acts on the centre and its velocity; width and height grow with the
    scale √|det A|, since a box stays upright. A rotation would correlate cx with cy: each keeps
    its exact marginal variance, Σ' = (A ∘ A) Σ, and the correlation is dropped, as in a full
    filter whose cross-covariances are cleared after the warp. Sums of positive definite blocks
    with non-negative weights stay positive definite.
    """
    a, b, shift_x = affine[0, 0], affine[0, 1], affine[0, 2]
    c, d, shift_y = affine[1, 0], affine[1, 1], affine[1, 2]
    scale = math.sqrt(abs(a * d - b * c))
    mean = track.mean
    covariance = track.covariance
    for order in range(2):
        x, y = mean[0, order], mean[1, order]
        mean[0, order] = a * x + b * y
        mean[1, order] = c * x + d * y
        mean[2, order] *= scale
        mean[3, order] *= scale
    mean[0, 0] += shift_x
    mean[1, 0] += shift_y
    for entry in range(3):
        x, y = covariance[0, entry], covariance[1, entry]
        covariance[0, entry] = a * a * x + b * b * y
        covariance[1, entry] = c * c * x + d * d * y
        covariance[2, entry] *= scale * scale
        covariance[3, entry] *= scale * scale
    for row in range(len(track.history)):
        box = track.history[row]
        x, y, width, height = measure(box)
        centre_x = a * x + b * y + shift_x
        centre_y = c * x + d * y + shift_y
        box[0] = centre_x - scale * width / 2
        box[1] = centre_y - scale * height / 2
        box[2] = centre_x + scale * width / 2
        box[3] = centre_y + scale * height / 2
