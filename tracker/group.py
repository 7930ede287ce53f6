"""Many cameras: a tracker for each, made when its first detections arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections, Tracks
from sightline.tracker.tracker import Embeddings, Tracker

__all__ = ["TrackerGroup"]


class TrackerGroup:
    """Trackers by camera name, with the same parameters and separate identities.

    Args:
        preset: Name of a preset or path of a YAML file.
        overrides: What `Tracker` takes besides.

    Raises:
        ConfigError: As `Tracker`.

    Example:
        >>> cameras = TrackerGroup("sort", confirm_hits=1)
        >>> seen = Detections([[0, 0, 10, 20]], [0.9], [0])
        >>> {name: tracks.ids.tolist() for name, tracks in
        ...  cameras.update({"door": seen, "yard": seen}).items()}
        {'door': [1], 'yard': [1]}
    """

    def __init__(self, preset: str | Path = "sightline", **overrides: Any) -> None:
        self.preset = preset
        self.overrides = overrides
        self._trackers: dict[str, Tracker] = {}
        # A wrong parameter is found here and not at the first frame.
        Tracker(preset, **overrides)

    def __getitem__(self, camera: str) -> Tracker:
        """The tracker of a camera; a new one for a name that was not there."""
        if camera not in self._trackers:
            self._trackers[camera] = Tracker(self.preset, **self.overrides)
        return self._trackers[camera]

    def __len__(self) -> int:
        return len(self._trackers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._trackers)

    def remove(self, camera: str) -> None:
        """Forget a camera; a name that is not there is fine."""
        self._trackers.pop(camera, None)

    def exemplars(self, camera: str, ids: Iterable[int] | None = None) -> Embeddings:
        """What tracks of one camera look like; see `Tracker.exemplars`."""
        return self[camera].exemplars(ids)

    def update(
        self,
        detections: Mapping[str, Detections],
        *,
        times: Mapping[str, float] | None = None,
        camera_motions: Mapping[str, npt.NDArray[np.float64]] | None = None,
    ) -> dict[str, Tracks]:
        """Step the cameras that have a frame.

        Args:
            detections: By camera name.
            times: Stream time in seconds by camera name; a missing one means one nominal frame.
            camera_motions: (2, 3) affines by camera name; a missing one means none is known.

        Raises:
            InputError: As `Tracker.update`; cameras before the wrong one have been stepped.
        """
        times = times or {}
        camera_motions = camera_motions or {}
        return {
            camera: self[camera].update(
                seen, time=times.get(camera), camera_motion=camera_motions.get(camera)
            )
            for camera, seen in detections.items()
        }
