"""From two MOT texts to the pairs of boxes that overlap, frame by frame.

`match_boxes` sorts both sides by frame, removes what the protocol forgives and keeps the pairs
with an IoU above 0 as a sparse list: every score is then computed from the same pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from sightline.eval.assignment import match_pairs
from sightline.eval.protocols import Protocol
from sightline.formats.mot import MotRows

__all__ = ["EPSILON", "FrameBoxes", "Overlaps", "match_boxes", "overlap"]

EPSILON = float(np.finfo(np.float64).eps)
_PREPROCESSING_IOU = 0.5

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FrameBoxes:
    """One side of the comparison, sorted by frame.

    Args:
        rows: The rows of the text, in order of frames (within a frame as in the file).
        offsets: (F + 1,) int64: frame t (from 0) holds rows offsets[t] to offsets[t + 1].
        labels: (R,) int64 identity of each row, numbered from 0 without holes.
        names: (I,) int64 the file's number of each identity.
    """

    rows: MotRows
    offsets: Ints
    labels: Ints
    names: Ints

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def frames(self) -> Ints:
        """(R,) int64 frame of each row, from 0."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Scored ground truth, scored tracker boxes and the pairs of them that overlap.

    Args:
        truth: Ground-truth boxes that are scored.
        tracks: Tracker boxes that are scored.
        offsets: (F + 1,) int64: frame t holds pairs offsets[t] to offsets[t + 1].
        truth_rows: (P,) int32 ground-truth box of a pair, counted within its frame.
        track_rows: (P,) int32 tracker box of a pair, counted within its frame.
        similarities: (P,) float64 IoU in (0, 1].
        removed: Tracker boxes that were removed because they matched a distractor.
    """

    truth: FrameBoxes
    tracks: FrameBoxes
    offsets: Ints
    truth_rows: npt.NDArray[np.int32]
    track_rows: npt.NDArray[np.int32]
    similarities: Floats
    removed: int

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.offsets) - 1


def match_boxes(
    ground_truth: MotRows, result: MotRows, protocol: Protocol, first: int, last: int
) -> Overlaps:
    """Prepare one sequence by protocol.

    Args:
        ground_truth: Every row of the ground truth, distractors included.
        result: Every row of the tracker.
        protocol: What is scored and what is forgiven.
        first: First frame that is scored, in the file's numbers.
        last: Last frame that is scored.
    """
    truth, truth_offsets = _by_frame(ground_truth, first, last)
    tracks, track_offsets = _by_frame(result, first, last)
    scored = truth.confidences != 0
    if protocol.scored_class is not None:
        scored &= truth.classes == protocol.scored_class
    if protocol.distractors:
        forgiven = np.isin(truth.classes, sorted(protocol.distractors))
        kept = _without_distractors(
            _corners(truth.ltwh), truth_offsets, forgiven, _corners(tracks.ltwh), track_offsets
        )
    else:
        kept = np.ones(len(tracks), np.bool_)
    truth_boxes = _select(truth, truth_offsets, scored)
    track_boxes = _select(tracks, track_offsets, kept)
    pairs = _overlapping_pairs(
        _corners(truth_boxes.rows.ltwh),
        truth_boxes.offsets,
        _corners(track_boxes.rows.ltwh),
        track_boxes.offsets,
    )
    return Overlaps(truth_boxes, track_boxes, *pairs, removed=int(np.count_nonzero(~kept)))


def _by_frame(rows: MotRows, first: int, last: int) -> tuple[MotRows, Ints]:
    inside = (rows.frames >= first) & (rows.frames <= last)
    if not inside.all():
        rows = rows[inside]
    if len(rows) and (np.diff(rows.frames) < 0).any():
        rows = rows[np.argsort(rows.frames, kind="stable")]
    counts = np.bincount(rows.frames - first, minlength=max(last - first + 1, 0))
    return rows, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _select(rows: MotRows, offsets: Ints, wanted: Bools) -> FrameBoxes:
    before = np.concatenate([[0], np.cumsum(wanted)])
    rows = rows[wanted]
    names, labels = np.unique(rows.ids, return_inverse=True)
    return FrameBoxes(rows, before[offsets], labels.astype(np.int64), names)


def _corners(ltwh: Floats) -> Floats:
    # x2 and y2 are rounded before areas are taken from them, as the reference evaluators do.
    corners = ltwh.copy()
    corners[:, 2:] += corners[:, :2]
    return corners


@njit(cache=True, nogil=True)
def overlap(first: Floats, second: Floats) -> float:
    """IoU of two boxes x1 y1 x2 y2, rounded as TrackEval rounds it."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    if width <= 0:
        return 0.0
    height = min(first[3], second[3]) - max(first[1], second[1])
    if height <= 0:
        return 0.0
    intersection = width * height
    first_area = (first[2] - first[0]) * (first[3] - first[1])
    second_area = (second[2] - second[0]) * (second[3] - second[1])
    union = first_area + second_area - intersection
    if first_area <= EPSILON or second_area <= EPSILON or union <= EPSILON:
        return 0.0
    return float(intersection / union)


@njit(cache=True, nogil=True)
def _without_distractors(
    truth: Floats, truth_offsets: Ints, forgiven: Bools, tracks: Floats, track_offsets: Ints
) -> Bools:
    """(R,) bool: whether a tracker box stays after the match against every ground-truth class."""
    kept = np.ones(len(tracks), np.bool_)
    for frame in range(len(truth_offsets) - 1):
        truth_start, truth_stop = truth_offsets[frame], truth_offsets[frame + 1]
        track_start, track_stop = track_offsets[frame], track_offsets[frame + 1]
        if not forgiven[truth_start:truth_stop].any() or track_start == track_stop:
            continue
        rows, columns, scores = _frame_pairs(
            truth[truth_start:truth_stop],
            tracks[track_start:track_stop],
            _PREPROCESSING_IOU - EPSILON,
        )
        chosen = np.empty(len(rows), np.bool_)
        match_pairs(
            truth_stop - truth_start, track_stop - track_start, rows, columns, scores, chosen
        )
        for pair in range(len(rows)):
            if chosen[pair] and forgiven[truth_start + rows[pair]]:
                kept[track_start + columns[pair]] = False
    return kept


@njit(cache=True, nogil=True)
def _frame_pairs(
    truth: Floats, tracks: Floats, least: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Floats]:
    rows = np.empty(len(truth) * len(tracks), np.int32)
    columns = np.empty(len(truth) * len(tracks), np.int32)
    scores = np.empty(len(truth) * len(tracks))
    count = 0
    for row in range(len(truth)):
        for column in range(len(tracks)):
            similarity = overlap(truth[row], tracks[column])
            if similarity > 0 and similarity >= least:
                rows[count] = row
                columns[count] = column
                scores[count] = similarity
                count += 1
    return rows[:count], columns[:count], scores[:count]


@njit(cache=True, nogil=True)
def _overlapping_pairs(
    truth: Floats, truth_offsets: Ints, tracks: Floats, track_offsets: Ints
) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.int32], Floats]:
    frame_count = len(truth_offsets) - 1
    offsets = np.zeros(frame_count + 1, np.int64)
    capacity = 4 * (len(truth) + len(tracks)) + 16
    rows = np.empty(capacity, np.int32)
    columns = np.empty(capacity, np.int32)
    scores = np.empty(capacity)
    count = 0
    for frame in range(frame_count):
        frame_rows, frame_columns, frame_scores = _frame_pairs(
            truth[truth_offsets[frame] : truth_offsets[frame + 1]],
            tracks[track_offsets[frame] : track_offsets[frame + 1]],
            0.0,
        )
        added = len(frame_rows)
        while count + added > capacity:
            capacity *= 2
            rows = np.concatenate((rows, np.empty(len(rows), np.int32)))
            columns = np.concatenate((columns, np.empty(len(columns), np.int32)))
            scores = np.concatenate((scores, np.empty(len(scores))))
        rows[count : count + added] = frame_rows
        columns[count : count + added] = frame_columns
        scores[count : count + added] = frame_scores
        count += added
        offsets[frame + 1] = count
    return offsets, rows[:count].copy(), columns[:count].copy(), scores[:count].copy()
