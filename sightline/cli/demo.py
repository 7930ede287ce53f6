"""`sightline demo`: the main job on a clip that comes along, with the network that comes along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.track import ModelOption

__all__ = ["demo"]


def demo(
    source: Annotated[
        str | None,
        typer.Option(help="Your own video, camera or folder.", show_default=False),
    ] = None,
    model: ModelOption = None,
    tracker: Annotated[
        str, typer.Option(help="Preset (sightline, bytetrack, …) or a YAML file.")
    ] = "sightline",
    out: Annotated[Path, typer.Option(help="Folder of the outputs.")] = Path("out/demo"),
) -> None:
    """Track a clip that comes along, or your own video; write tracks and an annotated video.

    Example:  sightline demo --source street.mp4 --out out/street
    """
    from sightline.cli.interruption import stop_on_signals
    from sightline.cli.running import compiling_notice, print_summary, progress_of
    from sightline.demo import CLIP
    from sightline.detector import Detector
    from sightline.detector.embedded import default_model
    from sightline.formats import FORMATS
    from sightline.pipeline import Pipeline
    from sightline.recording import Outputs, record
    from sightline.tracker import Tracker
    from sightline.video import open_source

    # Without a clip of one's own people are what the ground truth knows.
    classes = ["person"] if source is None else None
    detector = Detector(model or default_model(), classes=classes)
    if source is None:
        typer.echo("clip: a plaza that Sightline's authors rendered, with known ground truth")
    typer.echo(f"network: {detector.entry.name}, {detector.entry.summary}")
    opened = open_source(str(CLIP) if source is None else source)
    with compiling_notice():
        engine = Tracker(tracker)
    pipeline = Pipeline(opened, detector, engine)
    outputs = Outputs(out, tuple(FORMATS), detector.class_names, save_video=True)
    with stop_on_signals(pipeline.stop) as interrupted:
        summary, paths = record(pipeline, outputs, progress_of)
    summary.interrupted = interrupted()
    print_summary(summary, paths, as_json=False)
    if source is None and not summary.interrupted:
        _print_scores(paths[0])
    if summary.interrupted:
        raise typer.Exit(130)


def _print_scores(result: Path) -> None:
    from sightline.demo import TRUTH
    from sightline.eval import combine, evaluate_sequence
    from sightline.formats.mot import read_mot

    counts = evaluate_sequence(read_mot(TRUTH), read_mot(result), protocol="mot17")
    scores = combine([counts])
    figures = ", ".join(f"{name} {100 * scores[name]:.1f}" for name in ("MOTA", "IDF1", "HOTA"))
    typer.echo(f"against the clip's ground truth, in percent: {figures}")
