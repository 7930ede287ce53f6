"""Frame by frame into files: what is tracked is written at once."""

from __future__ import annotations

from pathlib import Path

from sightline.pipeline import Pipeline, Summary, run
from sightline.recording.outputs import Outputs, Progress, no_progress

__all__ = ["record"]


def record(
    pipeline: Pipeline, outputs: Outputs, progress: Progress = no_progress
) -> tuple[Summary, list[Path]]:
    """Run a pipeline into files named after its source.

    `Pipeline.stop` ends the run after the frame in hand; the files then hold all frames before.

    Args:
        pipeline: What to run.
        outputs: What is written.
        progress: Told of every frame.

    Returns:
        What happened, and the files that were written.

    Raises:
        InputError: A file cannot be written.
        SourceError: The source could not be read at all.
    """
    source = pipeline.source
    try:
        with outputs.open(source) as sinks, progress(source) as advance:
            summary = run(pipeline, sinks, advance)
    finally:
        pipeline.close()
    return summary, outputs.paths(source)
