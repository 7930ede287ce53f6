"""What a run of `sightline track` was told, and the parts that it makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sightline import protocols
from sightline.detector import Detector
from sightline.detector.embedded import default_model
from sightline.detector.tiling import TiledDetector, parse_tiles
from sightline.errors import ConfigError, InputError
from sightline.formats.mot import read_affines
from sightline.inference import Device
from sightline.pipeline import Pipeline
from sightline.protocols import CameraMotion, Source
from sightline.recording.outputs import Outputs
from sightline.reid import ColourEmbedder, Embedder, Selection, open_embedder
from sightline.reid.choices import appearance_parameters, uses_looks
from sightline.tracker import Tracker
from sightline.video import CameraMotionEstimator, open_source
from sightline.video.recorded_motion import RecordedCameraMotion

__all__ = ["DetectorOptions", "Networks", "TrackOptions", "tracker_parameters"]


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """Which detector, and how it looks.

    Args:
        model: Name of the registry, or a file; None for the embedded network.
        device: Where it runs.
        confidence: Lowest score that is kept.
        classes: Names to keep, or None for all.
        size: The network's input: `640`, or `736x1280` (height x width).
        tiles: Rows x columns of overlapping parts to look in as well, as `2x2`, or None.
    """

    model: str | None = None
    device: Device = "auto"
    confidence: float = 0.1
    classes: tuple[str, ...] | None = None
    size: str | None = None
    tiles: str | None = None

    def open(self, *, threads: int = 0) -> protocols.Detector:
        """The detector.

        Args:
            threads: CPU threads; 0 for all cores that the process may use.

        Raises:
            InputError: A text is not what it should be, or a class is unknown.
            ModelError: The network cannot be found, loaded or read, or the device used.
        """
        parts = None if self.tiles is None else parse_tiles(self.tiles)
        detector = Detector(
            self.model or default_model(self.device),
            device=self.device,
            confidence=self.confidence,
            classes=self.classes,
            size=_parse_size(self.size),
            threads=threads,
        )
        return detector if parts is None else TiledDetector(detector, *parts)


@dataclass(frozen=True, slots=True)
class Networks:
    """What a run shares between all of its videos.

    Args:
        detector: Finds objects.
        embedder: Describes looks, or None.
    """

    detector: protocols.Detector
    embedder: Embedder | ColourEmbedder | None


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """The options of `sightline track` that one video or thousands share; picklable.

    Args:
        detector: Which detector, and how it looks.
        tracker: Preset, or a YAML file.
        settings: Parameters of the tracker that replace the preset's, as `NAME=VALUE`.
        formats: Names from `sightline.formats.FORMATS`.
        save_video: Whether an annotated video is written.
        camera_motion: `auto`, `off`, or a folder that holds `SOURCE_NAME.txt`.
        reid: A re-ID network, `colour` or `off`.
        reid_limit: Most crops of a frame that it is given.
        offline: Steps over the whole recording; empty for none.
        start: Seconds of stream time to begin at, or None.
        end: Seconds of stream time to end before, or None.
        stride: Every how many frames are looked at.
        batch: Frames a detector call; the results do not depend on it.
    """

    detector: DetectorOptions = DetectorOptions()
    tracker: str = "sightline"
    settings: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("mot",)
    save_video: bool = False
    camera_motion: str = "auto"
    reid: str = "sightline-reid"
    reid_limit: int = 16
    offline: str = ""
    start: float | None = None
    end: float | None = None
    stride: int = 1
    batch: int = 1

    def open_embedder(self, *, threads: int = 0) -> Embedder | ColourEmbedder | None:
        """The embedder, or None.

        Raises:
            ModelError: The network cannot be found, loaded or used.
        """
        return open_embedder(self.reid, self.detector.device, threads=threads)

    def make_tracker(self, embedder: Embedder | ColourEmbedder | None) -> Tracker:
        """A new tracker that knows the embedder's distances.

        Raises:
            ConfigError: The preset or a parameter is unknown or wrong.
        """
        appearance = appearance_parameters(self.reid, embedder)
        return Tracker(self.tracker, **{**appearance, **tracker_parameters(self.settings)})

    def open_source(
        self, spec: str | Path, start: float | None = None, end: float | None = None
    ) -> Source:
        """The frames of a video that are wanted.

        Args:
            spec: As `sightline.video.open_source` takes it.
            start: Seconds of stream time to begin at instead of the options'.
            end: Seconds of stream time to end before instead of the options'.

        Raises:
            SourceError: It cannot be opened.
            InputError: An option is out of range.
        """
        return open_source(
            spec,
            start=self.start if start is None else start,
            end=self.end if end is None else end,
            stride=self.stride,
        )

    def pipeline(self, source: Source, networks: Networks, tracker: Tracker) -> Pipeline:
        """From a video to tracks.

        Args:
            source: The video.
            networks: What finds and describes.
            tracker: A tracker of `make_tracker`.

        Raises:
            InputError: There is no recorded camera motion of that video, or it cannot be read.
        """
        names = networks.detector.class_names
        people = {index for index, name in enumerate(names) if name == "person"}
        return Pipeline(
            source,
            networks.detector,
            tracker,
            networks.embedder if uses_looks(tracker.parameters) else None,
            self._camera_motion(source, tracker),
            batch=self.batch,
            selection=Selection(self.reid_limit, frozenset(people) or None),
        )

    def outputs(self, folder: Path, class_names: Sequence[str]) -> Outputs:
        """What is written into a folder."""
        return Outputs(folder, self.formats, class_names, self.save_video)

    def _camera_motion(self, source: Source, tracker: Tracker) -> CameraMotion | None:
        if self.camera_motion == "off":
            return None
        if self.camera_motion == "auto":
            return CameraMotionEstimator() if tracker.parameters["camera_motion"] else None
        return RecordedCameraMotion(read_affines(Path(self.camera_motion) / f"{source.name}.txt"))


def tracker_parameters(settings: Sequence[str]) -> dict[str, Any]:
    """Parameters of the tracker from `NAME=VALUE`.

    Raises:
        ConfigError: A text is not of that form.

    Example:
        >>> tracker_parameters(["birth_score=0.5"])
        {'birth_score': 0.5}
    """
    parameters: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set takes NAME=VALUE, such as birth_score=0.5; got {setting!r}")
        parameters[name.strip()] = yaml.safe_load(value)
    return parameters


def _parse_size(text: str | None) -> int | tuple[int, int] | None:
    if text is None:
        return None
    parts = text.split("x")
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts):
        raise InputError(f"size: expected 640 or 736x1280 (height x width), got {text!r}")
    return int(text) if len(parts) == 1 else (int(parts[0]), int(parts[1]))
