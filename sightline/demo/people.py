"""People who walk: limbs that swing with the steps, varied clothes, drawn in body heights."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, sin

import cv2
import numpy as np
import numpy.typing as npt

from sightline.demo.scene import Image, Mask, pixels_a_metre, project

__all__ = ["Look", "Sprite", "Walker", "draw_walker"]

Colour = tuple[int, int, int]
Point = tuple[float, float]

_STEPS_A_SECOND = 1.9
# Leaning back to see a person from above shortens it: cosine of the mean angle of view.
_FORESHORTENED = 0.93


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody wears; colours are BGR.

    Args:
        top: Jacket, shirt or dress.
        bottom: Trousers or, under a dress, legs.
        hair: Hair or hat.
        skin: Face and hands.
        shoes: Shoes.
        dress: Share of the thighs that the top covers: 0 a shirt, .5 a coat, 1 a long dress.
        bag: Colour of a backpack, or None.
        long_hair: Whether the hair falls on the shoulders.
    """

    top: Colour
    bottom: Colour
    hair: Colour
    skin: Colour
    shoes: Colour = (48, 44, 44)
    dress: float = 0.0
    bag: Colour | None = None
    long_hair: bool = False


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who follows a path at a steady pace.

    Args:
        look: Clothes.
        height: Metres.
        speed: Metres a second.
        start: Second at which the walk begins at the first point.
        path: Corners of the path, x and z in metres.
        pause: Second of the walk at which the walker stands still for a while, or None.
        pause_seconds: How long.
    """

    look: Look
    height: float
    speed: float
    start: float
    path: tuple[Point, ...]
    pause: float | None = None
    pause_seconds: float = 0.0

    def place(self, time: float) -> tuple[float, float, float, float, float] | None:
        """Where the walker is: x, z, direction (unit x, z), seconds walked; None if away."""
        walked = time - self.start
        if walked < 0:
            return None
        if self.pause is not None:
            walked -= min(max(walked - self.pause, 0.0), self.pause_seconds)
        left = walked * self.speed
        for (x1, z1), (x2, z2) in zip(self.path[:-1], self.path[1:], strict=True):
            length = hypot(x2 - x1, z2 - z1)
            if left <= length:
                share = left / length
                direction = ((x2 - x1) / length, (z2 - z1) / length)
                return x1 + (x2 - x1) * share, z1 + (z2 - z1) * share, *direction, walked
            left -= length
        return None

    def standing(self, time: float) -> bool:
        """Whether the walker pauses at that second."""
        walked = time - self.start
        return self.pause is not None and 0 < walked - self.pause < self.pause_seconds


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """One person in one frame.

    Args:
        depth: Distance z in metres.
        left: Left edge of the patch in rendered pixels.
        top: Top edge of the patch in rendered pixels.
        foot: Point between the feet in rendered pixels.
        image: (h, w, 3) uint8 BGR.
        alpha: (h, w) float32 opacity in [0, 1].
    """

    depth: float
    left: int
    top: int
    foot: Point
    image: Image
    alpha: Mask


def draw_walker(walker: Walker, time: float) -> Sprite | None:
    """The walker at a second of the clip, or None if it is not there."""
    place = walker.place(time)
    if place is None:
        return None
    x, z, right, away, walked = place
    pixels = pixels_a_metre(z) * walker.height * _FORESHORTENED
    foot = project(x, z)
    body = _Body(pixels, foot)
    swing = 0.0 if walker.standing(time) else 1.0
    phase = pi * _STEPS_A_SECOND * walked * (walker.speed / 1.35) ** 0.5
    _draw_body(body, walker.look, phase, right, away, swing)
    return body.sprite(z)


class _Body:
    """A canvas in body heights: 0 between the feet, 1 up at the crown, x to the right."""

    def __init__(self, pixels: float, foot: Point) -> None:
        half = int(pixels * 0.42) + 3
        self._pixels = pixels
        self.left = int(foot[0]) - half
        self.top = int(foot[1] - pixels * 1.06) - 3
        self.foot = foot
        shape = (int(pixels * 1.16) + 6, 2 * half)
        self._image = np.zeros((*shape, 3), np.uint8)
        self._mask = np.zeros(shape, np.uint8)

    def limb(self, points: list[Point], width: float, colour: Colour) -> None:
        """A line through the points with round ends."""
        corners = self._corners(points)
        thickness = max(round(width * self._pixels), 1)
        for canvas, value in ((self._image, colour), (self._mask, 255)):
            cv2.polylines(canvas, [corners], False, value, thickness, cv2.LINE_AA, 4)
            for corner in corners.tolist():
                cv2.circle(canvas, corner, thickness * 8, value, -1, cv2.LINE_AA, 4)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        corners = self._corners(points)
        cv2.fillPoly(self._image, [corners], colour, cv2.LINE_AA, 4)
        cv2.fillPoly(self._mask, [corners], 255, cv2.LINE_AA, 4)

    def ellipse(self, centre: Point, size: Point, colour: Colour) -> None:
        angles = np.linspace(0, 2 * pi, 24)
        self.polygon([(centre[0] + size[0] * cos(a), centre[1] + size[1] * sin(a)) for a in angles],
                     colour)  # fmt: skip

    def sprite(self, depth: float) -> Sprite:
        """The drawing with light from the left."""
        columns = np.linspace(1.16, 0.80, self._mask.shape[1], dtype=np.float32)
        rows = np.linspace(1.06, 0.92, self._mask.shape[0], dtype=np.float32)
        lit = self._image * (rows[:, None] * columns[None])[..., None]
        alpha = (self._mask / np.float32(255)).astype(np.float32)
        image = np.clip(lit, 0, 255).astype(np.uint8)
        return Sprite(depth, self.left, self.top, self.foot, image, alpha)

    def _corners(self, points: list[Point]) -> npt.NDArray[np.int32]:
        origin = (self.foot[0] - self.left, self.foot[1] - self.top)
        pixels = np.array(points) * (self._pixels, -self._pixels) + origin
        return np.rint(pixels * 16).astype(np.int32)


def _draw_body(
    body: _Body, look: Look, phase: float, right: float, away: float, swing: float
) -> None:
    side = abs(right)
    facing = 1.0 if right >= 0 else -1.0
    bob = 0.012 * abs(cos(phase)) * swing
    hip, shoulder = 0.50 + bob, 0.805 + bob
    hip_half = 0.055 - 0.02 * side
    shoulder_half = 0.118 - 0.03 * side

    def leg(number: int) -> None:
        angle = 0.50 * swing * sin(phase + number * pi)
        lift = max(0.0, cos(phase + number * pi)) * swing
        start = hip_half * (1 if number else -1)
        bend = 0.75 * lift
        knee = (
            start + 0.25 * sin(angle + 0.35 * lift) * side * facing,
            hip - 0.25 * cos(angle) + 0.02 * lift,
        )
        shin = angle - bend + 0.35 * lift
        ankle = (
            knee[0] + 0.235 * sin(shin) * side * facing,
            knee[1] - 0.235 * cos(shin * (0.6 + 0.4 * side)) + 0.05 * lift * (1 - side),
        )
        ankle = (ankle[0], max(ankle[1], 0.02))
        toe = (ankle[0] + 0.055 * (side * facing + 0.2), ankle[1] - 0.012)
        shade = 0.82 if number else 1.0
        body.limb([(start, hip), knee], 0.088, _dark(look.bottom, shade))
        body.limb([knee, ankle], 0.066, _dark(look.bottom, shade))
        body.limb([ankle, toe], 0.042, look.shoes)

    def arm(number: int) -> None:
        angle = -0.52 * swing * sin(phase + number * pi)
        start = shoulder_half * (1 if number else -1)
        elbow = (
            start + 0.16 * sin(angle) * side * facing + (0.02 if number else -0.02) * (1 - side),
            shoulder - 0.02 - 0.16 * cos(angle),
        )
        reach = angle + 0.35 * swing
        hand = (
            elbow[0] + 0.14 * sin(reach) * side * facing,
            elbow[1] - 0.14 * cos(reach * side),
        )
        shade = 0.80 if number else 0.94
        body.limb([(start, shoulder - 0.015), elbow, hand], 0.052, _dark(look.top, shade))
        body.ellipse(hand, (0.023, 0.026), look.skin)

    far = 1 if facing > 0 else 0
    if look.bag is not None and away < 0.3:
        body.ellipse((-0.07 * facing * side, 0.68 + bob), (0.085, 0.115), look.bag)
    arm(far)
    leg(far)
    leg(1 - far)
    if look.long_hair:
        lock = (-0.03 * right, 0.875 + bob)
        body.ellipse(lock, (0.066, 0.085), _dark(look.hair, 0.9))
    _draw_torso(body, look, hip, shoulder, hip_half, shoulder_half)
    if look.bag is not None and away >= 0.3:
        body.ellipse((0, 0.68 + bob), (0.085, 0.115), look.bag)
    arm(1 - far)
    _draw_head(body, look, bob, side * facing, away)


def _draw_torso(
    body: _Body, look: Look, hip: float, shoulder: float, hip_half: float, shoulder_half: float
) -> None:
    hem = hip - 0.03 - 0.24 * look.dress
    flare = hip_half + 0.05 + 0.045 * look.dress
    body.polygon(
        [
            (-shoulder_half * 0.55, shoulder + 0.03),
            (shoulder_half * 0.55, shoulder + 0.03),
            (shoulder_half + 0.012, shoulder - 0.01),
            (hip_half + 0.04, hip + 0.10),
            (flare, hem),
            (-flare, hem),
            (-hip_half - 0.04, hip + 0.10),
            (-shoulder_half - 0.012, shoulder - 0.01),
        ],
        look.top,
    )


def _draw_head(body: _Body, look: Look, bob: float, turned: float, away: float) -> None:
    centre = 0.925 + bob
    body.limb([(0, 0.83 + bob), (0, 0.88 + bob)], 0.05, _dark(look.skin, 0.85))
    body.ellipse((0, centre), (0.056, 0.068), look.skin)
    if away > 0.5:
        length = 0.095 if look.long_hair else 0.070
        body.ellipse((0, centre + 0.078 - length), (0.060, length), look.hair)
    else:
        body.ellipse((-0.020 * turned, centre + 0.034), (0.060, 0.044), look.hair)


def _dark(colour: Colour, share: float) -> Colour:
    blue, green, red = (int(channel * share) for channel in colour)
    return blue, green, red
