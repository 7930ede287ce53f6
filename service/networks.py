"""The detector, tracker and embedder that the configuration names, for cameras and jobs alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.detector import Detector
from sightline.inference import Device
from sightline.reid import ColourEmbedder, Embedder, Selection, open_embedder
from sightline.reid.choices import appearance_parameters
from sightline.service import config
from sightline.tracker import Tracker

__all__ = ["open_detector", "open_embedder_of", "open_tracker", "people_only"]


def open_detector(settings: config.Detector, *, threads: int = 0, **changes: Any) -> Detector:
    """The detector of the configuration.

    Args:
        settings: The configuration's part.
        threads: CPU threads; 0 for all cores that the process may use.
        changes: `device`, `confidence` or `classes` in place of the configuration's.

    Raises:
        InputError: A class is unknown to the network, or a value out of its range.
        ModelError: The network cannot be found, loaded or read, or the device used.
    """
    device: Device = changes.get("device", settings.device)
    classes: Sequence[str] = changes.get("classes", settings.classes)
    return Detector(
        settings.network,
        device=device,
        confidence=changes.get("confidence", settings.confidence),
        classes=list(classes) or None,
        size=settings.size,
        threads=threads,
    )


def open_embedder_of(
    settings: config.Tracker, device: Device, *, threads: int = 0
) -> Embedder | ColourEmbedder | None:
    """The embedder of the configuration; None where none is named.

    Raises:
        ModelError: The network cannot be found, loaded or used.
    """
    return open_embedder(settings.reid, device, threads=threads)


def open_tracker(settings: config.Tracker, embedder: Embedder | ColourEmbedder | None) -> Tracker:
    """A new tracker of the configuration's kind.

    `sightline.reid.choices.uses_looks` tells whether it has a use for the embedder.

    Raises:
        ConfigError: The preset or a parameter is unknown or wrong.
    """
    chosen: dict[str, Any] = {
        **appearance_parameters(settings.reid, embedder),
        **settings.parameters,
    }
    return Tracker(settings.preset, **chosen)


def people_only(class_names: Sequence[str]) -> Selection:
    """Which detections an embedder is given: those of people, where the detector knows people."""
    people = {index for index, name in enumerate(class_names) if name == "person"}
    return Selection(classes=frozenset(people) or None)
