"""Offline post-processing: finished tracks in, better tracks out.

Linking, filling of gaps and smoothing look at the future, so their results are never part of an
online score. `postprocess` runs steps by name; the functions behind them can be called alone.
"""

from sightline.tracker.offline.gaussian_process import smooth_gaussian_process
from sightline.tracker.offline.interpolation import interpolate_gaps
from sightline.tracker.offline.linking import link_tracklets
from sightline.tracker.offline.looks import Looks
from sightline.tracker.offline.rauch_tung_striebel import smooth_rts
from sightline.tracker.offline.steps import STEPS, Step, StepKind, parse_steps, postprocess
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = [
    "STEPS",
    "Looks",
    "Step",
    "StepKind",
    "Timeline",
    "TrackTable",
    "interpolate_gaps",
    "link_tracklets",
    "parse_steps",
    "postprocess",
    "smooth_gaussian_process",
    "smooth_rts",
]
