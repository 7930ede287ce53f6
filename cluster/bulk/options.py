"""What a run over an archive was told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import sightline
from sightline.detector.detector import find_model
from sightline.detector.embedded import default_model
from sightline.inference import file_sha256
from sightline.recording import TrackOptions
from sightline.reid.choices import embedder_name
from sightline.tracker import Tracker

__all__ = ["BulkOptions", "settings_of"]

_MEMORY = ("patience", "reidentify_patience")
"""Parameters of the tracker that say for how many seconds it remembers somebody."""

_CONFIRMING = 2.0
"""Seconds in which it makes sure of whom it took back."""


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """The options of a run over an archive; picklable, and of the same meaning on every node.

    Args:
        track: What each video is tracked with; its files are named by absolute paths.
        out: Folder of the results, absolute.
        split: Seconds of video that a segment has about; longer videos are split. 0: none is.
        overlap: Seconds that segments are tracked beyond their seams, on both sides.
    """

    track: TrackOptions
    out: Path
    split: float
    overlap: float

    @classmethod
    def resolved(
        cls, track: TrackOptions, out: Path, split: float, tracker: Tracker
    ) -> BulkOptions:
        """Options whose files are named so that a process elsewhere finds them.

        Args:
            track: As the user named them.
            out: As the user named it.
            split: Seconds of a segment.
            tracker: A tracker that `track` makes; segments overlap for as long as it remembers.
        """
        detector = track.detector
        model = None if detector.model is None else _absolute(detector.model)
        return cls(
            replace(
                track,
                detector=replace(detector, model=model),
                tracker=_absolute(track.tracker),
                reid=_absolute(track.reid),
                camera_motion=_absolute(track.camera_motion),
            ),
            out.absolute(),
            split,
            max(float(tracker.parameters[name]) for name in _MEMORY) + _CONFIRMING,
        )

    @property
    def work(self) -> Path:
        """Where results lie until they are complete."""
        return self.out / ".work"

    @property
    def parts(self) -> Path:
        """Where the segments of a video wait for the last one."""
        return self.out / ".parts"


def settings_of(options: BulkOptions, tracker: Tracker) -> str:
    """A digest of all that results depend on beside the videos.

    Args:
        options: The run's.
        tracker: A tracker that they make.

    Raises:
        ModelError: A network cannot be found.
    """
    track = options.track
    path, _ = find_model(track.detector.model or default_model(track.detector.device))
    # Neither where a network runs nor how many frames it is given at once is part of the result.
    facts = asdict(replace(track, batch=1, detector=replace(track.detector, device="auto")))
    facts |= {
        "split": options.split,
        "network": file_sha256(path),
        "embedder": embedder_name(track.reid),
        "parameters": dict(tracker.parameters),
        "version": sightline.__version__,
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _absolute(text: str) -> str:
    path = Path(text)
    # A name of a network or a preset is no file, though a folder may be called like it.
    is_named_path = path.is_file() or (path.is_dir() and len(path.parts) > 1)
    return str(path.absolute()) if is_named_path else text
