"""Lines at the picture's edge: who comes over them or leaves over them has no time to settle there.

Behind such a line is less room than a box is high, so people are seen there for a moment only, cut
by the picture's border.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["is_behind_edge_line"]

Array = npt.NDArray[np.float64]

# Boxes of networks end a little before the border where the person goes on.
_TOUCHES = 0.01


def is_behind_edge_line(boxes: Array, distances: Array, room: Array) -> npt.NDArray[np.bool_]:
    """(T, L) which boxes are cut by the picture's border, on the narrow side of which lines.

    Args:
        boxes: (T, 4) x1 y1 x2 y2 in 0…1.
        distances: (T, L) signed distances of the anchors, in heights of the picture.
        room: (L, 2) how far anchors can get from each line: at its negative, its positive side.
    """
    is_cut = ((boxes[:, :2] <= _TOUCHES) | (boxes[:, 2:] >= 1 - _TOUCHES)).any(axis=1)
    space = np.where(distances > 0, room[:, 1], room[:, 0])
    heights = boxes[:, 3] - boxes[:, 1]
    return np.asarray(is_cut, np.bool_)[:, None] & (space < heights[:, None])
