"""One sequence: ground truth and result in, additive counts out."""

from __future__ import annotations

import numpy as np

from sightline.errors import InputError
from sightline.eval.clear import ClearResult, clear
from sightline.eval.counts import SCALARS, SequenceCounts, Timeline
from sightline.eval.hota import hota
from sightline.eval.identity import identity_matches
from sightline.eval.matching import Bools, Floats, Ints, Overlaps, match_boxes
from sightline.eval.protocols import Protocol, get_protocol
from sightline.formats.mot import MotRows

__all__ = ["evaluate_sequence"]


def evaluate_sequence(
    ground_truth: MotRows,
    result: MotRows,
    *,
    protocol: str | Protocol = "mot17",
    frames: tuple[int, int] | None = None,
    rate: float = 30.0,
) -> SequenceCounts:
    """Count what CLEAR, Identity and HOTA need.

    Args:
        ground_truth: Every row of `gt.txt`.
        result: Every row of the tracker's text, in the same frame numbers.
        protocol: Name of a protocol, or one of your own.
        frames: First and last frame that are scored (a split); None means frame 1 to the last
            frame that either side holds.
        rate: Frames per second, which only the timeline uses.

    Raises:
        ConfigError: There is no protocol of that name.
        InputError: An identity stands twice in a frame.
    """
    protocol = get_protocol(protocol)
    if frames is None:
        last = max(
            (int(rows.frames.max()) for rows in (ground_truth, result) if len(rows)), default=0
        )
        frames = (1, last)
    overlaps = match_boxes(ground_truth, result, protocol, *frames)
    _require_unique(overlaps, frames[0])
    pairs, truth_labels, track_labels = _identity_pairs(overlaps)
    clear_result = clear(overlaps)
    identity = identity_matches(pairs, truth_labels, track_labels, overlaps.similarities)
    by_frame = np.hstack(
        [
            _scalars(overlaps, clear_result, identity),
            hota(overlaps, pairs, truth_labels, track_labels),
        ]
    )
    return SequenceCounts(by_frame, _timeline(overlaps, clear_result, rate), overlaps.removed)


def _identity_pairs(overlaps: Overlaps) -> tuple[Ints, Ints, Ints]:
    """Number the pairs of identities that ever overlap: (P,) number, (U,) truth, (U,) track."""
    frames = np.repeat(np.arange(overlaps.frame_count), np.diff(overlaps.offsets))
    truth = overlaps.truth.labels[overlaps.truth.offsets[frames] + overlaps.truth_rows]
    tracks = overlaps.tracks.labels[overlaps.tracks.offsets[frames] + overlaps.track_rows]
    width = max(len(overlaps.tracks.names), 1)
    keys, pairs = np.unique(truth * width + tracks, return_inverse=True)
    return pairs.astype(np.int64), keys // width, keys % width


def _scalars(overlaps: Overlaps, matches: ClearResult, identity: Bools) -> Floats:
    truth, tracks = overlaps.truth, overlaps.tracks
    frames = overlaps.frame_count
    truth_frames, track_frames = truth.frames, tracks.frames
    matched = matches.matched >= 0

    first_row = np.unique(truth.labels, return_index=True)[1]
    lengths = np.bincount(truth.labels, minlength=len(truth.names))
    covered = np.bincount(truth.labels[matched], minlength=len(truth.names)) / np.maximum(
        lengths, 1
    )
    begins = truth_frames[first_row]
    resumed = np.bincount(truth_frames[matches.resumed], minlength=frames)
    started = np.unique(truth.labels[matched], return_index=True)[1]
    resumed -= np.bincount(truth_frames[np.flatnonzero(matched)[started]], minlength=frames)

    pair_frames = np.repeat(np.arange(frames), np.diff(overlaps.offsets))
    columns = {
        "frames": np.ones(frames),
        "truth_boxes": np.diff(truth.offsets),
        "track_boxes": np.diff(tracks.offsets),
        "truth_ids": np.bincount(begins, minlength=frames),
        "track_ids": np.bincount(
            track_frames[np.unique(tracks.labels, return_index=True)[1]], minlength=frames
        ),
        "clear_matches": np.bincount(truth_frames[matched], minlength=frames),
        "similarity_sum": np.bincount(truth_frames, matches.similarities, minlength=frames),
        "switches": np.bincount(truth_frames[matches.switched], minlength=frames),
        "mostly_tracked": np.bincount(begins[covered > 0.8], minlength=frames),
        "partly_tracked": np.bincount(
            begins[(covered >= 0.2) & (covered <= 0.8)], minlength=frames
        ),
        "mostly_lost": np.bincount(begins[covered < 0.2], minlength=frames),
        "fragmentations": resumed,
        "identity_matches": np.bincount(pair_frames[identity], minlength=frames),
    }
    return np.stack([columns[name] for name in SCALARS], axis=1).astype(np.float64)


def _timeline(overlaps: Overlaps, matches: ClearResult, rate: float) -> Timeline:
    truth, tracks = overlaps.truth, overlaps.tracks
    names = np.append(tracks.names, -1)
    return Timeline(
        frames=truth.frames,
        ids=truth.rows.ids,
        visibilities=truth.rows.visibilities,
        matched=names[matches.matched],
        switched=matches.switched,
        track_lengths=np.bincount(tracks.labels, minlength=len(tracks.names)),
        rate=rate,
    )


def _require_unique(overlaps: Overlaps, first: int) -> None:
    for side, boxes in (("ground truth", overlaps.truth), ("result", overlaps.tracks)):
        order = np.lexsort((boxes.labels, boxes.frames))
        frames, labels = boxes.frames[order], boxes.labels[order]
        twice = np.flatnonzero((np.diff(frames) == 0) & (np.diff(labels) == 0))
        if len(twice):
            row = int(twice[0])
            raise InputError(
                f"{side}: identity {boxes.names[labels[row]]} stands twice in frame "
                f"{frames[row] + first}; an identity has one box a frame"
            )
