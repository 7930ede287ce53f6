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
    source: Annotated[
        str,
        typer.Argument(
            help="What `sightline detect` takes; or an archive: a folder of videos, a pattern in "
            "quotes, or a text file with a path a line.",
            show_default=False,
        ),
    ],
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
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Spread an archive over a Ray cluster: HOST:PORT of its head, or auto for a Ray "
            "of its own on all cores of this machine (docs/cluster.md).",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        float,
        typer.Option(
            min=0,
            help="Of an archive's videos, those longer than about so many seconds are tracked in "
            "segments, whose tracks are joined; 0 splits none.",
        ),
    ] = 1800,
    json_summary: JsonOption = False,
) -> None:
    """Track what a video shows, or all videos of an archive, and write who is where.

    Example:  sightline track street.mp4 --classes person --format mot,cvat --save-video

    Example:  sightline track /archive/2026-11 --cluster auto --out /archive/tracks
    """
    from sightline.cli.interruption import stop_on_signals
    from sightline.cli.running import compiling_notice, parse_list, print_summary, progress_of
    from sightline.cluster.bulk.archive import is_archive
    from sightline.formats import FORMATS
    from sightline.recording import (
        DetectorOptions,
        Networks,
        TrackOptions,
        record,
        record_offline,
    )
    from sightline.tracker.offline import parse_steps

    names = None if classes is None else tuple(name.strip() for name in classes.split(","))
    options = TrackOptions(
        detector=DetectorOptions(model, device, confidence, names, size, tiles),
        tracker=tracker,
        settings=tuple(settings or ()),
        formats=tuple(parse_list(formats, tuple(FORMATS), "format")),
        save_video=save_video,
        camera_motion=camera_motion,
        reid=reid,
        reid_limit=reid_limit,
        offline=offline or "",
        start=start,
        end=end,
        stride=stride,
        batch=batch,
    )
    parse_steps(options.offline)
    if cluster is not None or is_archive(source):
        from sightline.cli.archive import track_archive

        track_archive(source, options, out, split=split, cluster=cluster, as_json=json_summary)
        return
    embedder = options.open_embedder()
    with compiling_notice():
        engine = options.make_tracker(embedder)
    networks = Networks(options.detector.open(), embedder)
    pipeline = options.pipeline(options.open_source(source), networks, engine)
    outputs = options.outputs(out, networks.detector.class_names)
    with stop_on_signals(pipeline.stop) as interrupted:
        if options.offline:
            reopen = partial(options.open_source, source)
            summary, paths = record_offline(pipeline, reopen, options.offline, outputs, progress_of)
        else:
            summary, paths = record(pipeline, outputs, progress_of)
    summary.interrupted = interrupted()
    print_summary(summary, paths, as_json=json_summary)
    if summary.interrupted:
        raise typer.Exit(130)
