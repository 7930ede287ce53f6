"""`sightline track`: a video in, tracks and an annotated video out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sightline.inference import Device

__all__ = ["track"]

# Shared with `sightline detect`.
SourceArgument = Annotated[
    str,
    typer.Argument(
        help="Video file, picture folder, MOT sequence folder, http(s):// or rtsp:// address, "
        "or webcam:0.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Network: a name of `sightline models`, or a file; the embedded one if not given.",
        show_default=False,
    ),
]
ClassesOption = Annotated[
    str | None, typer.Option(help="Classes to keep, by name: person,car. All if not given.")
]
ConfidenceOption = Annotated[
    float, typer.Option(min=0, max=1, help="Lowest score of a detection that is kept.")
]
OutOption = Annotated[Path, typer.Option(help="Folder of the outputs, named after the source.")]
FormatOption = Annotated[
    str, typer.Option("--format", help="Outputs: any of mot,jsonl,csv,coco,cvat,parquet.")
]
DeviceOption = Annotated[
    Device, typer.Option(help="Where the network runs; cuda and tensorrt never fall back.")
]
SizeOption = Annotated[
    str | None,
    typer.Option(help="Input of the network, 640 or 736x1280 (height x width), if it allows."),
]
TilesOption = Annotated[
    str | None,
    typer.Option(
        help="Look in so many overlapping parts too, as 2x2 (rows x columns): small, far people."
    ),
]
StartOption = Annotated[float | None, typer.Option(min=0, help="Begin here, in seconds.")]
EndOption = Annotated[float | None, typer.Option(min=0, help="End here, in seconds.")]
StrideOption = Annotated[int, typer.Option(min=1, help="Look at every n-th frame.")]
BatchOption = Annotated[
    int, typer.Option(min=1, help="Frames a detector call; the results do not depend on it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on stdout.")]


def track(
    source: SourceArgument,
    model: ModelOption = None,
    tracker: Annotated[
        str, typer.Option(help="Preset (sightline, bytetrack, …) or a YAML file.")
    ] = "sightline",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A parameter of the tracker, as birth_score=0.5; may be given several times.",
        ),
    ] = None,
    classes: ClassesOption = None,
    confidence: ConfidenceOption = 0.1,
    out: OutOption = Path("out"),
    formats: FormatOption = "mot",
    save_video: Annotated[bool, typer.Option(help="Write an annotated video.")] = False,
    device: DeviceOption = "auto",
    size: SizeOption = None,
    tiles: TilesOption = None,
    camera_motion: Annotated[
        str,
        typer.Option(
            help="auto: from pixels where the preset uses it; off; or a folder of SOURCE.txt."
        ),
    ] = "auto",
    reid: Annotated[
        str,
        typer.Option(
            help="Looks that bring people back under their old number: a network (sightline-reid "
            "or an ONNX file), colour (may only forbid a match), or off. Presets that do not "
            "use looks leave it out."
        ),
    ] = "sightline-reid",
    reid_limit: Annotated[
        int, typer.Option(min=1, help="Most people of a frame that the re-ID network looks at.")
    ] = 16,
    offline: Annotated[
        str | None,
        typer.Option(
            help="Steps over the whole recording before it is written: link,linear,rts "
            "(docs/offline.md)."
        ),
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    stride: StrideOption = 1,
    batch: BatchOption = 1,
    json_summary: JsonOption = False,
) -> None:
    """Track what a video shows and write who is where.

    Example:  sightline track street.mp4 --classes person --format mot,cvat --save-video
    """
    from sightline.cli.offline import record_offline
    from sightline.cli.running import (
        choose_camera_motion,
        make_detector,
        make_tracker,
        parse_list,
        print_summary,
        record,
    )
    from sightline.formats import FORMATS
    from sightline.pipeline import Pipeline
    from sightline.reid import Selection, open_embedder
    from sightline.reid.choices import appearance_parameters, uses_looks
    from sightline.tracker.offline import parse_steps
    from sightline.video import open_source

    wanted = parse_list(formats, tuple(FORMATS), "format")
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    embedder = open_embedder(reid, device)
    engine = make_tracker(tracker, settings or (), appearance_parameters(reid, embedder))
    detector = make_detector(
        model, device=device, confidence=confidence, classes=names, size=size, tiles=tiles
    )
    parse_steps(offline or "")
    reopen = partial(open_source, source, start=start, end=end, stride=stride)
    opened = reopen()
    motion = choose_camera_motion(camera_motion, opened.name, engine)
    if not uses_looks(engine.parameters):
        embedder = None
    people = {index for index, name in enumerate(detector.class_names) if name == "person"}
    pipeline = Pipeline(
        opened,
        detector,
        engine,
        embedder,
        motion,
        batch=batch,
        selection=Selection(reid_limit, frozenset(people) or None),
    )
    work = (
        partial(record_offline, pipeline, reopen, offline, tracker=engine)
        if offline
        else partial(record, pipeline)
    )
    summary, paths = work(out, wanted, class_names=detector.class_names, save_video=save_video)
    print_summary(summary, paths, as_json=json_summary)
    if summary.interrupted:
        raise typer.Exit(130)
