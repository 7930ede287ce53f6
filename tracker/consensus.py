"""Camera motion from the detections alone: the shift on which most boxes agree.

Where nobody gives the camera's motion, a pan or a shake still shows: all boxes jump alike. The
median step of the boxes that the last update saw is taken for the camera's shift if it stands out
from the scatter of the single steps. People who all walk one way look the same as a slow pan;
that does no harm, since their tracks' velocities are then what is left over.
"""

from __future__ import annotations

import numpy as np

from sightline.tracker.compiling import compiled
from sightline.tracker.stages import HIGH
from sightline.tracker.state import TRACKED, Floats, Seen, State

__all__ = ["consensus_motion"]

_FEWEST = 4
"""Boxes that make a consensus."""
_MOST = 64
"""Tracks that are asked, the oldest; more would cost time and tell nothing new."""
_LEAST_IOU = 0.2
_ROUNDS = 3
_SIGNIFICANT = 3.0
"""Standard errors by which a shift must differ from none."""
_LEAST_SHIFT = 0.005
"""Smallest shift that counts, in median heights."""
_SAME_PAIRS = 0.02
"""Shifts that differ by less, in median heights, pair the same boxes."""


@compiled
def consensus_motion(state: State, seen: Seen) -> Floats:
    """The camera's shift since the last update.

    Args:
        state: Tracks as the last update left them.
        seen: This update's detections.

    Returns:
        (2, 3) affine from the last update's pixels to this one's, or (0, 3) where there is no
        consensus or no shift.
    """
    none = np.empty((0, 3))
    before = _last_boxes(state)
    if len(before) < _FEWEST:
        return none
    now = _high_boxes(seen)
    if len(now) < _FEWEST:
        return none
    height = _median(before[:, 3] - before[:, 1])
    shift = np.zeros(2)
    steps = np.empty((len(before), 2))
    count = 0
    for _ in range(_ROUNDS):
        count = _pair(before, shift, now, steps)
        if count < _FEWEST:
            return none
        change = 0.0
        for axis in range(2):
            middle = _median(steps[:count, axis].copy())
            change = max(change, abs(middle - shift[axis]))
            shift[axis] = middle
        if change < _SAME_PAIRS * height:
            break
    for axis in range(2):
        deviation = 1.4826 * _median(np.abs(steps[:count, axis] - shift[axis]))
        error = deviation / np.sqrt(count)
        if abs(shift[axis]) < max(_SIGNIFICANT * error, _LEAST_SHIFT * height):
            shift[axis] = 0.0
    if shift[0] == 0.0 and shift[1] == 0.0:
        return none
    affine = np.eye(2, 3)
    affine[:, 2] = shift
    return affine


@compiled
def _last_boxes(state: State) -> Floats:
    """(K, 4) boxes in which tracks were seen at the last update, of the oldest tracks."""
    boxes = np.empty((_MOST, 4))
    count = 0
    for row in range(state.stream.count):
        track = state.tracks[row]
        if track.status == TRACKED and count < _MOST:
            boxes[count] = track.history[track.newest, :4]
            count += 1
    return boxes[:count]


@compiled
def _high_boxes(seen: Seen) -> Floats:
    """(K, 4) boxes of the high detections by ascending x1."""
    rows = np.flatnonzero(seen.levels == HIGH)
    return seen.boxes[rows[np.argsort(seen.boxes[rows, 0])]]


@compiled
def _pair(before: Floats, shift: Floats, now: Floats, steps: Floats) -> int:
    """Steps of the centres from boxes, once shifted, to the boxes that choose each other.

    Writes them to `steps` and returns how many there are.
    """
    left = now[:, 0]
    widest = np.max(now[:, 2] - left)
    choice = np.full(len(before), -1, np.int64)
    chosen_by = np.full(len(now), -1, np.int64)
    chosen_overlap = np.full(len(now), _LEAST_IOU)
    for row in range(len(before)):
        best = _LEAST_IOU
        x1, x2 = before[row, 0] + shift[0], before[row, 2] + shift[0]
        for place in range(np.searchsorted(left, x1 - widest), len(now)):
            if left[place] >= x2:
                break
            overlap = _iou(before[row], shift, now[place])
            if overlap > best:
                best = overlap
                choice[row] = place
            if overlap > chosen_overlap[place]:
                chosen_overlap[place] = overlap
                chosen_by[place] = row
    count = 0
    for row in range(len(before)):
        place = choice[row]
        if place >= 0 and chosen_by[place] == row:
            for axis in range(2):
                new = now[place, axis] + now[place, axis + 2]
                old = before[row, axis] + before[row, axis + 2]
                steps[count, axis] = (new - old) / 2
            count += 1
    return count


@compiled
def _iou(box: Floats, shift: Floats, other: Floats) -> float:
    width = min(box[2] + shift[0], other[2]) - max(box[0] + shift[0], other[0])
    height = min(box[3] + shift[1], other[3]) - max(box[1] + shift[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    first = (box[2] - box[0]) * (box[3] - box[1])
    second = (other[2] - other[0]) * (other[3] - other[1])
    return float(both / (first + second - both))


@compiled
def _median(values: Floats) -> float:
    """The middle value; sorts in place, by insertion, as there are few."""
    for end in range(1, len(values)):
        value = values[end]
        place = end
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
    middle = len(values) // 2
    if len(values) % 2:
        return float(values[middle])
    return float(values[middle - 1] + values[middle]) / 2
