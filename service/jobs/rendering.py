"""The annotated video of a job that is done, made by a process of its own when first asked for."""

from __future__ import annotations

from multiprocessing.connection import Connection

import numpy as np

from sightline.detector import Detector
from sightline.errors import InputError, SightlineError
from sightline.formats import read_tracks
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.tracking import JobSpec, open_video
from sightline.service.jobs.worker import failure_of, lower_priority
from sightline.service.live.privacy import blur_people
from sightline.service.networks import open_detector
from sightline.video import VideoWriter

__all__ = ["render", "render_video"]

_PERSON = "person"


def render(pipe: Connection, spec: JobSpec) -> None:
    """Make `video.mp4` and send True, or `Failed`, through the pipe."""
    lower_priority(spec.niceness)
    try:
        render_video(spec)
        pipe.send(True)
    except (SightlineError, OSError) as error:
        pipe.send(failure_of(error, spec))


def render_video(spec: JobSpec) -> None:
    """Draw a job's tracks on its video.

    People are blurred where the job's options say so: those with a track, and everybody whom the
    detector sees besides.

    Args:
        spec: A job whose tracks are there.

    Raises:
        SourceError: The video can no longer be read.
        InputError: The file cannot be written, or people cannot be found to blur them.
        ModelError: The detector cannot be used.
    """
    folder = JobFolder(spec.folder)
    table = read_tracks(folder.tracks)
    seen = _people_of(spec) if spec.options.blur != "off" else None
    partial = folder.path / "video.partial"
    source = open_video(folder, spec, spec.options.start)
    names = table.info.class_names
    people = [index for index, name in enumerate(names) if name == _PERSON]
    tracks_of = {index: tracks for index, _, tracks in table.by_frame()}
    with VideoWriter(partial, rate=source.rate, class_names=names) as writer:
        for frame in source:
            tracks = tracks_of.pop(frame.index, None)
            if tracks is None:  # the tracking ended there
                break
            if seen is not None:
                followed = tracks.boxes[np.isin(tracks.classes, people)]
                everybody = np.concatenate([seen.detect([frame])[0].boxes, followed])
                blur_people(frame.image, everybody, spec.options.blur)
            writer.write(frame, tracks)
    source.close()
    if not partial.exists():
        raise InputError("no frame of it lies in the wanted stretch; there is nothing to show")
    partial.replace(folder.video)


def _people_of(spec: JobSpec) -> Detector:
    """A detector of people, whatever the job tracked."""
    return open_detector(spec.detector, classes=(_PERSON,))
