"""`sightline detect`: a video in, detections out, no identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sightline.cli.track import (
    BatchOption,
    ClassesOption,
    ConfidenceOption,
    DeviceOption,
    EndOption,
    FormatOption,
    JsonOption,
    ModelOption,
    OutOption,
    SizeOption,
    SourceArgument,
    StartOption,
    StrideOption,
    TilesOption,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sightline.structures import Detections, Tracks

__all__ = ["detect"]


class _NoIdentities:
    """Hands detections on as tracks with id -1, the MOT format's mark of a detection."""

    def update(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,  # noqa: ARG002 - Tracker protocol
    ) -> Tracks:
        import numpy as np

        from sightline.structures import Tracks

        rows = len(detections)
        return Tracks(
            ids=np.full(rows, -1, np.int64),
            boxes=detections.boxes,
            scores=detections.scores,
            classes=detections.classes,
            detections=np.arange(rows, dtype=np.int32),
            ages=np.zeros(rows, np.float32),
            hits=np.ones(rows, np.int32),
            time=time or 0.0,
        )


def detect(
    source: SourceArgument,
    model: ModelOption = None,
    classes: ClassesOption = None,
    confidence: ConfidenceOption = 0.1,
    out: OutOption = Path("out"),
    formats: FormatOption = "mot",
    device: DeviceOption = "auto",
    size: SizeOption = None,
    tiles: TilesOption = None,
    start: StartOption = None,
    end: EndOption = None,
    stride: StrideOption = 1,
    batch: BatchOption = 1,
    json_summary: JsonOption = False,
) -> None:
    """Write what a network sees in each frame, with id -1, for tracking or scoring later.

    Example:  sightline detect street.mp4 --stride 5 --confidence 0.01 --out detections
    """
    from sightline.cli.interruption import stop_on_signals
    from sightline.cli.running import parse_list, print_summary, progress_of
    from sightline.formats import FORMATS
    from sightline.pipeline import Pipeline
    from sightline.recording import DetectorOptions, Outputs, record
    from sightline.video import open_source

    # CVAT's video format holds tracks only.
    wanted = parse_list(formats, [name for name in FORMATS if name != "cvat"], "format")
    names = None if classes is None else tuple(name.strip() for name in classes.split(","))
    detector = DetectorOptions(model, device, confidence, names, size, tiles).open()
    opened = open_source(source, start=start, end=end, stride=stride)
    pipeline = Pipeline(opened, detector, _NoIdentities(), batch=batch)
    with stop_on_signals(pipeline.stop) as interrupted:
        summary, paths = record(pipeline, Outputs(out, wanted, detector.class_names), progress_of)
    summary.interrupted = interrupted()
    print_summary(summary, paths, as_json=json_summary)
    if summary.interrupted:
        raise typer.Exit(130)
