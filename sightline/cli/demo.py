"""`sightline demo`: the main job on a clip of the project's own, without network or weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sightline.detector.motion import MotionDetector

__all__ = ["demo"]

_LEARNING_FRAMES = 50
_LEARNING_SECONDS = 60.0


def demo(
    source: Annotated[
        str | None,
        typer.Option(help="Your own video, from a camera that does not move.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A network in place of the motion detector: a name of `sightline models`, or a "
            "file.",
            show_default=False,
        ),
    ] = None,
    tracker: Annotated[
        str, typer.Option(help="Preset (sightline, bytetrack, …) or a YAML file.")
    ] = "sightline",
    out: Annotated[Path, typer.Option(help="Folder of the outputs.")] = Path("out/demo"),
) -> None:
    """Track a rendered clip, or your own video, and write tracks and an annotated video.

    Example:  sightline demo --source street.mp4 --out out/street
    """
    from sightline.cli.running import make_tracker, print_summary, record
    from sightline.demo import CLIP
    from sightline.detector import Detector
    from sightline.formats import FORMATS
    from sightline.pipeline import Pipeline
    from sightline.video import open_source

    spec = str(CLIP) if source is None else source
    detector = _motion_detector(spec) if model is None else Detector(model)
    if source is None:
        typer.echo("clip: a plaza that Sightline's authors rendered, with known ground truth")
    if model is None:
        typer.echo(
            "detector: a stand-in that boxes what moves in front of a fixed camera; it knows no "
            "classes.\n          The project's own network comes later: use --model for real work."
        )
    pipeline = Pipeline(open_source(spec), detector, make_tracker(tracker))
    summary, paths = record(
        pipeline, out, list(FORMATS), class_names=detector.class_names, save_video=True
    )
    print_summary(summary, paths, as_json=False)
    if source is None and not summary.interrupted:
        _print_scores(paths[0])
    if summary.interrupted:
        raise typer.Exit(130)


def _motion_detector(spec: str) -> MotionDetector:
    """A motion detector that has seen the source's background, where it can be read twice."""
    from itertools import islice

    from sightline.detector.motion import MotionDetector
    from sightline.video import open_source

    detector = MotionDetector()
    source = open_source(spec)
    frames = source.frame_count
    source.close()
    if frames is not None and not source.live:
        seen = min(frames, int(_LEARNING_SECONDS * (source.rate or 25.0)))
        stride = max(seen // _LEARNING_FRAMES, 1)
        sampled = open_source(spec, stride=stride)
        detector.learn(islice(sampled, _LEARNING_FRAMES))
        sampled.close()
    return detector


def _print_scores(result: Path) -> None:
    from sightline.demo import TRUTH
    from sightline.eval import combine, evaluate_sequence
    from sightline.formats.mot import read_mot

    counts = evaluate_sequence(read_mot(TRUTH), read_mot(result), protocol="mot17")
    scores = combine([counts])
    figures = ", ".join(f"{name} {100 * scores[name]:.1f}" for name in ("MOTA", "IDF1", "HOTA"))
    typer.echo(f"against the clip's ground truth, in percent: {figures}")
