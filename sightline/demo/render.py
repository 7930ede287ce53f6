"""Renders the demo's clip and its ground truth: `python -m sightline.demo.render [FOLDER]`.

The folder gets the layout of a MOTChallenge sequence: `plaza.mp4`, `gt/gt.txt`, `seqinfo.ini`.
The same seed gives the same pixels; the bytes of the video depend on the encoder's version.
Boxes are those of the whole silhouette, cut at the picture's border; the last column is the share
of the silhouette that can be seen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from sightline.demo import DATASET
from sightline.demo.cast import WALKERS
from sightline.demo.people import Sprite, Walker, draw_walker
from sightline.demo.scene import (
    HEIGHT,
    SCALE,
    SHADOW,
    WIDTH,
    Image,
    Mask,
    Prop,
    build_plaza,
    pixels_a_metre,
    project,
)

__all__ = ["FRAME_COUNT", "RATE", "Truth", "render_clip", "render_frames"]

RATE = 25
FRAME_COUNT = 300

_SEED = 7
# Somebody of whom less than this is inside the picture is not in the ground truth.
_LEAST_INSIDE = 0.25
_RATE_FACTOR = "23"


@dataclass(frozen=True, slots=True)
class Truth:
    """Where one person is in one frame.

    Args:
        identity: From 1.
        box: x1 y1 x2 y2 in pixels, cut at the picture's border.
        visibility: Share of the silhouette that can be seen.
    """

    identity: int
    box: tuple[float, float, float, float]
    visibility: float


def render_frames(
    frame_count: int = FRAME_COUNT, walkers: Sequence[Walker] = WALKERS, rate: float = RATE
) -> Iterator[tuple[Image, list[Truth]]]:
    """The plaza, frame by frame: (HEIGHT, WIDTH, 3) uint8 BGR, and who is where in it.

    Args:
        frame_count: Frames.
        walkers: Who walks; the first has identity 1.
        rate: Frames a second.
    """
    ground, props = build_plaza(np.random.default_rng(_SEED))
    for index in range(frame_count):
        sprites = {
            identity: sprite
            for identity, walker in enumerate(walkers, 1)
            if (sprite := draw_walker(walker, index / rate)) is not None
        }
        canvas = ground.copy()
        for sprite in sprites.values():
            _cast_shadow(canvas, sprite)
        owners = np.zeros(canvas.shape[:2], np.uint8)
        layers: list[tuple[float, int, Prop | Sprite]] = [(prop.depth, 0, prop) for prop in props]
        layers += [(sprite.depth, identity, sprite) for identity, sprite in sprites.items()]
        for _, identity, layer in sorted(layers, key=lambda entry: -entry[0]):
            _compose(canvas, owners, layer, identity)
        reduced = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        found = (_truth(identity, sprite, owners) for identity, sprite in sprites.items())
        yield np.asarray(reduced, np.uint8), [truth for truth in found if truth is not None]


def render_clip(folder: Path) -> None:
    """Write the clip and its ground truth as a MOTChallenge sequence."""
    (folder / "gt").mkdir(parents=True, exist_ok=True)
    lines = []
    with av.open(str(folder / "plaza.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread: the bytes then do not depend on the machine's cores.
        stream.options = {"crf": _RATE_FACTOR, "preset": "veryslow", "threads": "1"}
        for number, (picture, truths) in enumerate(render_frames(), 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            lines += [_mot_line(number, truth) for truth in truths]
        container.mux(stream.encode())
    (folder / "gt" / "gt.txt").write_text("".join(lines))
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname=plaza\nimDir=img1\nframeRate={RATE}\nseqLength={FRAME_COUNT}\n"
        f"imWidth={WIDTH}\nimHeight={HEIGHT}\nimExt=.jpg\n"
    )


def _compose(
    canvas: Image, owners: npt.NDArray[np.uint8], layer: Prop | Sprite, identity: int
) -> None:
    """Draw a layer over the picture and note whose pixels it covers."""
    rows, columns, inner_rows, inner_columns = _overlap(layer.left, layer.top, layer.alpha)
    alpha = layer.alpha[inner_rows, inner_columns]
    area = canvas[rows, columns]
    share = alpha[..., None]
    blended = area * (1 - share) + layer.image[inner_rows, inner_columns] * share
    canvas[rows, columns] = np.rint(blended).astype(np.uint8)
    owners[rows, columns][alpha > 0.5] = identity


def _cast_shadow(canvas: Image, sprite: Sprite) -> None:
    """Darken the ground where the sprite keeps the sun off: its silhouette, laid down."""
    height = sprite.foot[1] - sprite.top
    pixels = pixels_a_metre(sprite.depth)
    foot = project(0.0, sprite.depth)
    metres = height / pixels
    tip = project(SHADOW[0] * metres, sprite.depth + SHADOW[1] * metres)
    along = ((tip[0] - foot[0]) / height, (tip[1] - foot[1]) / height)
    margin = int(height) + 8
    size = (sprite.alpha.shape[1] + 2 * margin, sprite.alpha.shape[0] + 2 * margin)
    foot_x, foot_y = sprite.foot[0] - sprite.left, sprite.foot[1] - sprite.top
    lay = np.array(
        [
            [0.4, -along[0], margin + foot_x - 0.4 * foot_x + along[0] * foot_y],
            [-0.25, -along[1], margin + foot_y + 0.25 * foot_x + along[1] * foot_y],
        ]
    )
    laid = cv2.GaussianBlur(cv2.warpAffine(sprite.alpha, lay, size), (0, 0), 1.2 * SCALE)
    silhouette = np.asarray(laid, np.float32)
    rows, columns, inner_rows, inner_columns = _overlap(
        sprite.left - margin, sprite.top - margin, silhouette
    )
    share = silhouette[inner_rows, inner_columns, None]
    shaded = canvas[rows, columns] * (1 - share * np.array((0.34, 0.38, 0.40), np.float32))
    canvas[rows, columns] = np.rint(shaded).astype(np.uint8)


def _overlap(left: int, top: int, patch: Mask) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of the canvas under a patch, and those of the patch over the canvas."""
    height, width = patch.shape
    first_row, last_row = max(top, 0), max(min(top + height, HEIGHT * SCALE), 0)
    first_column, last_column = max(left, 0), max(min(left + width, WIDTH * SCALE), 0)
    first_row, first_column = min(first_row, last_row), min(first_column, last_column)
    return (
        slice(first_row, last_row),
        slice(first_column, last_column),
        slice(first_row - top, last_row - top),
        slice(first_column - left, last_column - left),
    )


def _truth(identity: int, sprite: Sprite, owners: npt.NDArray[np.uint8]) -> Truth | None:
    silhouette = sprite.alpha > 0.5
    total = np.count_nonzero(silhouette)
    rows, columns, inner_rows, inner_columns = _overlap(sprite.left, sprite.top, sprite.alpha)
    if np.count_nonzero(silhouette[inner_rows, inner_columns]) < _LEAST_INSIDE * total:
        return None
    ys, xs = np.flatnonzero(silhouette.any(axis=1)), np.flatnonzero(silhouette.any(axis=0))
    box = np.array(
        [
            sprite.left + xs[0],
            sprite.top + ys[0],
            sprite.left + xs[-1] + 1,
            sprite.top + ys[-1] + 1,
        ]
    )
    limits = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
    x1, y1, x2, y2 = np.clip(box / SCALE, 0, limits).tolist()
    seen = np.count_nonzero(owners[rows, columns] == identity)
    return Truth(identity, (x1, y1, x2, y2), seen / total)


def _mot_line(number: int, truth: Truth) -> str:
    x1, y1, x2, y2 = truth.box
    return (
        f"{number},{truth.identity},{x1 + 1:.1f},{y1 + 1:.1f},{x2 - x1:.1f},{y2 - y1:.1f},"
        f"1,1,{truth.visibility:.3f}\n"
    )


if __name__ == "__main__":
    render_clip(Path(sys.argv[1]) if len(sys.argv) > 1 else DATASET / "plaza")
