"""The plaza: a fixed camera over paving, lawns, trees, benches and an advertising column.

Ground coordinates are metres: x to the right, z away from the camera. Everything is drawn at
`SCALE` times the clip's size and reduced at the end, which smooths the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["HEIGHT", "SCALE", "SHADOW", "WIDTH", "Prop", "build_plaza", "pixels_a_metre", "project"]

WIDTH, HEIGHT = 640, 360
SCALE = 2

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]

_CAMERA_HEIGHT = 5.2
_PITCH = np.deg2rad(24.0)
_FOCAL = 620.0 * SCALE
_CENTRE = (WIDTH * SCALE / 2, HEIGHT * SCALE / 2)

SHADOW = (0.85, -0.28)
"""Where the shadow of a point one metre up falls: metres to the right, metres away."""

_PAVING = (176, 190, 199)
_PAVING_DARK = (150, 166, 178)
_GRASS = (82, 138, 112)
_KERB = (158, 168, 172)


@dataclass(frozen=True, slots=True, eq=False)
class Prop:
    """Something that stands in the scene and hides who is behind it.

    Args:
        depth: Distance z of its foot in metres.
        left: Left edge of the patch in rendered pixels.
        top: Top edge of the patch in rendered pixels.
        image: (h, w, 3) uint8 BGR patch.
        alpha: (h, w) float32 opacity in [0, 1].
    """

    depth: float
    left: int
    top: int
    image: Image
    alpha: Mask


def project(x: float, z: float, up: float = 0.0) -> tuple[float, float]:
    """Rendered pixel of a point in metres: right, away, up."""
    down = _CAMERA_HEIGHT - up
    forward = z * np.cos(_PITCH) + down * np.sin(_PITCH)
    below = down * np.cos(_PITCH) - z * np.sin(_PITCH)
    return (
        float(_CENTRE[0] + _FOCAL * x / forward),
        float(_CENTRE[1] + _FOCAL * below / forward),
    )


def pixels_a_metre(z: float) -> float:
    """Rendered pixels of a metre to the right at a distance."""
    return float(_FOCAL / (z * np.cos(_PITCH) + _CAMERA_HEIGHT * np.sin(_PITCH)))


def build_plaza(random: np.random.Generator) -> tuple[Image, list[Prop]]:
    """The empty scene without its props, and the props."""
    ground = _ground(random)
    shade = np.ones(ground.shape[:2], np.float32)
    props: list[Prop] = []
    for x, z, size in _TREES:
        _shade_disc(shade, x + 3.4 * SHADOW[0] * size, z + 3.4 * SHADOW[1] * size, 1.75 * size)
        _shade_post(shade, x, z, 0.16 * size, 2.6 * size)
        props.append(_tree(x, z, size, random))
    for x, z in _COLUMNS:
        _shade_post(shade, x, z, 0.62, 3.1)
        props.append(_column(x, z))
    for x, z in _BENCHES:
        _shade_post(shade, x, z, 0.85, 0.5)
        props.append(_bench(x, z))
    for x, z in _LAMPS:
        _shade_post(shade, x, z, 0.06, 4.4)
        props.append(_lamp(x, z))
    for x, z, width in _BUSHES:
        _shade_disc(shade, x + 0.3, z - 0.2, width * 0.55)
        props.append(_bush(x, z, width, random))
    soft = np.asarray(cv2.GaussianBlur(shade, (0, 0), 2.2 * SCALE), np.float32)
    tint = np.stack([0.58 + 0.42 * soft, 0.52 + 0.48 * soft, 0.48 + 0.52 * soft], axis=2)
    lit = np.clip(ground.astype(np.float32) * tint, 0, 255).astype(np.uint8)
    return lit, sorted(props, key=lambda prop: -prop.depth)


_TREES = ((-6.6, 16.8, 1.0), (7.4, 15.2, 1.05), (-9.5, 24.5, 1.1), (3.6, 27.0, 1.15),
          (12.5, 25.5, 1.2), (-3.2, 31.5, 1.2), (-15.5, 31.0, 1.3), (9.0, 33.5, 1.2))  # fmt: skip
_COLUMNS = ((-1.7, 14.6),)
_BENCHES = ((-4.6, 17.4), (3.9, 17.3), (6.4, 21.5))
_LAMPS = ((1.2, 17.6), (-7.6, 20.6), (8.6, 20.8))
_BUSHES = ((-3.9, 9.1, 1.3), (-5.2, 9.4, 1.5), (5.4, 9.0, 1.4), (10.2, 18.4, 1.8),
           (-11.2, 18.9, 1.9), (0.2, 24.3, 1.7), (1.7, 24.6, 1.4))  # fmt: skip


def _ground(random: np.random.Generator) -> Image:
    columns, rows = np.meshgrid(
        np.arange(WIDTH * SCALE, dtype=np.float32), np.arange(HEIGHT * SCALE, dtype=np.float32)
    )
    below = (rows - _CENTRE[1]) / _FOCAL
    cosine, sine = np.cos(_PITCH), np.sin(_PITCH)
    z = _CAMERA_HEIGHT * (cosine - below * sine) / (sine + below * cosine)
    forward = z * cosine + _CAMERA_HEIGHT * sine
    x = (columns - _CENTRE[0]) * forward / _FOCAL
    coarse = _noise(random, x * 12, z * 12, 9.0)
    fine = _noise(random, x * 40, z * 40, 1.6)

    grass = np.array(_GRASS, np.float32) * (1 + 0.10 * coarse + 0.09 * fine)[..., None]
    grass[..., 2] += 9 * coarse
    stripes = 1 + 0.035 * np.sign(np.sin((x * 0.5 + z) * 1.6))
    grass *= stripes[..., None]

    paving = _tiles(random, x, z, forward) * (1 + 0.035 * coarse + 0.03 * fine)[..., None]
    border = np.abs(_lawn_distance(x, z))
    lawn = _lawn_distance(x, z) < 0
    picture = np.where(lawn[..., None], grass, paving)
    kerb = np.clip(1.6 - np.abs(border - 0.10) / 0.07, 0, 1)[..., None]
    picture = picture * (1 - kerb) + np.array(_KERB, np.float32) * kerb
    # Warm light near the camera, air far away.
    haze = np.clip((z - 14) / 45, 0, 0.45)[..., None]
    picture = picture * (1 - haze) + np.array((214, 205, 190), np.float32) * haze
    ground: Image = np.clip(picture, 0, 255).astype(np.uint8)
    return ground


def _lawn_distance(x: Mask, z: Mask) -> Mask:
    """Signed metres to the nearest edge of a lawn, negative inside."""
    beds = [
        # centre x, centre z, half width, half depth, corner radius
        (-9.3, 16.9, 5.6, 2.2, 1.6),
        (9.6, 16.7, 5.6, 2.2, 1.6),
        (-9.8, 25.6, 6.4, 3.9, 2.2),
        (8.8, 26.4, 6.6, 4.0, 2.2),
        (0.8, 24.8, 1.9, 1.6, 1.5),
        (-6.2, 8.0, 3.4, 2.0, 1.6),
        (7.0, 7.6, 3.2, 2.0, 1.6),
        (0.0, 36.5, 40.0, 4.6, 1.0),
    ]
    distances = []
    for centre_x, centre_z, half_width, half_depth, radius in beds:
        beyond_x = np.abs(x - centre_x) - half_width + radius
        beyond_z = np.abs(z - centre_z) - half_depth + radius
        outside = np.hypot(np.maximum(beyond_x, 0), np.maximum(beyond_z, 0))
        distances.append(outside + np.minimum(np.maximum(beyond_x, beyond_z), 0) - radius)
    nearest: Mask = np.minimum.reduce(distances)
    return nearest


def _tiles(random: np.random.Generator, x: Mask, z: Mask, forward: Mask) -> Mask:
    row = np.floor(z / 0.6)
    shifted = x / 0.9 + 0.5 * (row % 2)
    column = np.floor(shifted)
    shades = random.normal(0, 1, (64, 64)).astype(np.float32)
    shade = shades[row.astype(int) % 64, column.astype(int) % 64]
    across = np.minimum(shifted - column, column + 1 - shifted) * 0.9
    along = np.minimum(z / 0.6 - row, row + 1 - z / 0.6) * 0.6
    # A joint is 2 cm wide and fades where a pixel is larger than that.
    joint = np.clip(1.5 - np.minimum(across, along * 0.9) / 0.022, 0, 1)
    joint *= np.clip(22 / forward - 0.45, 0, 1)
    stone = np.array(_PAVING, np.float32) * (1 + 0.022 * shade)[..., None]
    # Bands of darker stone lead the eye along the promenade.
    band = (np.abs(z - 11.0) < 0.3) | (np.abs(z - 21.3) < 0.3) | (np.abs(np.abs(x) - 2.7) < 0.22)
    stone = np.where(band[..., None], np.array(_PAVING_DARK, np.float32), stone)
    tiles: Mask = stone * (1 - 0.20 * joint)[..., None]
    return tiles


def _noise(random: np.random.Generator, x: Mask, z: Mask, blur: float) -> Mask:
    """Smooth noise of unit variance over the ground."""
    texture = np.pad(random.normal(0, 1, (512, 512)).astype(np.float32), 32, mode="wrap")
    smooth = np.asarray(cv2.GaussianBlur(texture, (0, 0), blur), np.float32)[32:-32, 32:-32]
    columns, rows = np.mod(x, 512).astype(np.float32), np.mod(z, 512).astype(np.float32)
    sampled = cv2.remap(
        smooth / smooth.std(), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    return np.asarray(sampled, np.float32)


def _shade_disc(shade: Mask, x: float, z: float, radius: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 40)
    wobble = 1 + 0.08 * np.sin(5 * angles) + 0.05 * np.sin(11 * angles)
    outline = [
        project(x + radius * r * np.cos(a), z + radius * r * np.sin(a))
        for a, r in zip(angles, wobble, strict=True)
    ]
    cv2.fillPoly(shade, [np.array(outline).round().astype(np.int32)], 0.0)


def _shade_post(shade: Mask, x: float, z: float, half_width: float, up: float) -> None:
    end_x, end_z = x + up * SHADOW[0], z + up * SHADOW[1]
    corners = [
        project(x - half_width * 0.4, z + half_width * 0.5),
        project(x + half_width * 0.4, z - half_width * 0.6),
        project(end_x + half_width * 0.4, end_z - half_width * 0.6),
        project(end_x - half_width * 0.2, end_z + half_width * 0.5),
    ]
    cv2.fillPoly(shade, [np.array(corners).round().astype(np.int32)], 0.0)


class _Patch:
    """A canvas around a foot on the ground, drawn in metres: right and up."""

    def __init__(self, x: float, z: float, half_width: float, up: float, below: float = 0.3):
        self._pixels = pixels_a_metre(z)
        foot_x, foot_y = project(x, z)
        self.left = int(foot_x - half_width * self._pixels)
        self.top = int(foot_y - up * self._pixels)
        self._foot = (foot_x - self.left, foot_y - self.top)
        shape = (int((up + below) * self._pixels), int(2 * half_width * self._pixels))
        self.image = np.zeros((*shape, 3), np.uint8)
        self.mask = np.zeros(shape, np.uint8)

    def points(self, corners: list[tuple[float, float]]) -> npt.NDArray[np.int32]:
        metres = np.array(corners) * (self._pixels, -self._pixels) + self._foot
        return np.rint(metres * 16).astype(np.int32)

    def polygon(self, corners: list[tuple[float, float]], colour: tuple[float, ...]) -> None:
        outline = self.points(corners)
        cv2.fillPoly(self.image, [outline], colour, cv2.LINE_AA, 4)
        cv2.fillPoly(self.mask, [outline], 255, cv2.LINE_AA, 4)

    def ellipse(
        self, centre: tuple[float, float], size: tuple[float, float], colour: tuple[float, ...]
    ) -> None:
        angles = np.linspace(0, 2 * np.pi, 28)
        self.polygon(
            [(centre[0] + size[0] * np.cos(a), centre[1] + size[1] * np.sin(a)) for a in angles],
            colour,
        )

    def prop(self, z: float) -> Prop:
        alpha = (self.mask / np.float32(255)).astype(np.float32)
        return Prop(z, self.left, self.top, self.image, alpha)


def _tree(x: float, z: float, size: float, random: np.random.Generator) -> Prop:
    patch = _Patch(x, z, 2.4 * size, 5.6 * size)
    trunk = 0.17 * size
    patch.polygon(
        [(-trunk, -0.05), (trunk, -0.05), (trunk * 0.7, 3 * size), (-trunk * 0.7, 3 * size)],
        (58, 82, 104),
    )
    patch.polygon([(0.02, -0.05), (trunk, -0.05), (trunk * 0.7, 3 * size), (0.02, 3 * size)],
                  (44, 64, 84))  # fmt: skip
    _leaves(patch, (0.0, 3.75 * size), (1.75 * size, 1.45 * size), 260, random)
    return patch.prop(z)


def _bush(x: float, z: float, width: float, random: np.random.Generator) -> Prop:
    patch = _Patch(x, z, width * 0.8, 1.25)
    patch.ellipse((0, 0.36), (width / 2, 0.38), (54, 100, 62))
    _leaves(patch, (0.0, 0.42), (width / 2, 0.42), 110, random, leaf=0.11)
    return patch.prop(z)


def _leaves(
    patch: _Patch,
    centre: tuple[float, float],
    size: tuple[float, float],
    count: int,
    random: np.random.Generator,
    leaf: float = 0.34,
) -> None:
    """Clumps of leaves, dark at the lower right first, light at the upper left last."""
    angles = random.uniform(0, 2 * np.pi, count)
    radii = np.sqrt(random.uniform(0, 1, count))
    across, along = radii * np.cos(angles), radii * np.sin(angles)
    light = 0.5 * (along - 0.7 * across) + random.normal(0, 0.13, count)
    dark, bright = np.array((42, 82, 48)), np.array((96, 172, 132))
    for place in np.argsort(light):
        share = np.clip(0.5 + 0.62 * light[place], 0, 1)
        colour = tuple((dark + (bright - dark) * share).tolist())
        middle = (centre[0] + size[0] * across[place], centre[1] + size[1] * along[place])
        reach = leaf * random.uniform(0.7, 1.25)
        patch.ellipse(middle, (reach, reach * 0.85), colour)


def _column(x: float, z: float) -> Prop:
    patch = _Patch(x, z, 1.1, 4.2)
    half = 0.62
    shades = np.linspace(1.12, 0.66, 14)
    posters = [(196, 206, 214), (92, 128, 214), (206, 196, 150), (150, 196, 226)]
    edges = half * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 15))
    for number, (left, right) in enumerate(pairwise(edges.tolist())):
        colour = np.array(posters[(number // 4) % 4]) * shades[number]
        base = np.array((96, 104, 96)) * shades[number]
        patch.polygon([(left, -0.1), (right, -0.1), (right, 0.45), (left, 0.45)], tuple(base))
        patch.polygon([(left, 0.45), (right, 0.45), (right, 2.9), (left, 2.9)], tuple(colour))
        stripe = tuple(colour * 0.72)
        patch.polygon([(left, 1.5), (right, 1.5), (right, 1.62), (left, 1.62)], stripe)
    patch.ellipse((0, -0.08), (half, 0.16), (70, 76, 70))
    patch.polygon([(-half, -0.05), (half, -0.05), (half, 0.1), (-half, 0.1)], (72, 80, 72))
    patch.ellipse((0, 2.95), (half * 1.14, 0.24), (66, 96, 66))
    patch.ellipse((0, 3.06), (half * 0.95, 0.22), (84, 122, 82))
    patch.ellipse((0, 3.26), (0.16, 0.16), (84, 122, 82))
    return patch.prop(z)


def _bench(x: float, z: float) -> Prop:
    patch = _Patch(x, z, 1.2, 1.2)
    for foot in (-0.75, 0.68):
        patch.polygon([(foot, 0), (foot + 0.08, 0), (foot + 0.08, 0.85), (foot, 0.85)],
                      (66, 66, 66))  # fmt: skip
    for low, colour in ((0.36, (72, 116, 164)), (0.46, (86, 132, 182)), (0.62, (78, 124, 172)),
                        (0.76, (92, 140, 190))):  # fmt: skip
        patch.polygon([(-0.9, low), (0.9, low), (0.9, low + 0.085), (-0.9, low + 0.085)], colour)
    return patch.prop(z)


def _lamp(x: float, z: float) -> Prop:
    patch = _Patch(x, z, 0.6, 5.0)
    patch.polygon([(-0.06, 0), (0.06, 0), (0.04, 4.1), (-0.04, 4.1)], (72, 68, 62))
    patch.polygon([(-0.13, 0), (0.13, 0), (0.07, 0.35), (-0.07, 0.35)], (62, 58, 54))
    patch.ellipse((0, 4.3), (0.24, 0.26), (206, 236, 246))
    patch.polygon([(-0.28, 4.42), (0.28, 4.42), (0.05, 4.66), (-0.05, 4.66)], (72, 68, 62))
    return patch.prop(z)
