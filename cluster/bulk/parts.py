"""A segment's tracks as a file: a NumPy archive with a JSON header, no pickles."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sightline.errors import StateError
from sightline.pipeline import Summary
from sightline.recording.offline import Tracked
from sightline.tracker.offline import Looks, Timeline, TrackTable

__all__ = ["read_part", "write_part"]


def write_part(tracked: Tracked, path: Path) -> None:
    """Write what `read_part` reads.

    Raises:
        OSError: The file cannot be written.
    """
    table, timeline, looks = tracked.table, tracked.timeline, tracked.table.looks
    exemplars = {} if looks is None else {k: v for k, v in looks.exemplars.items() if len(v)}
    header = {
        "summary": asdict(tracked.summary),
        "still": timeline.camera_motion is None,
        "limit": None if looks is None else looks.limit,
    }
    np.savez(
        path,
        header=np.array(json.dumps(header)),
        frames=table.frames,
        times=table.times,
        ids=table.ids,
        boxes=table.boxes,
        scores=table.scores,
        classes=table.classes,
        observed=table.observed,
        all_frames=timeline.frames,
        all_times=timeline.times,
        motion=np.empty((0, 2, 3)) if timeline.camera_motion is None else timeline.camera_motion,
        exemplar_ids=np.repeat(
            np.array(list(exemplars), np.int64), [len(part) for part in exemplars.values()]
        ),
        exemplars=np.concatenate(list(exemplars.values())) if exemplars else np.empty((0, 0)),
    )


def read_part(path: Path) -> Tracked:
    """A segment's tracks.

    Raises:
        StateError: The file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            columns = {name: archive[name] for name in archive.files}
        header = json.loads(str(columns["header"]))
        looks = None
        if header["limit"] is not None:
            ids = columns["exemplar_ids"]
            looks = Looks(
                {int(i): columns["exemplars"][ids == i] for i in np.unique(ids)}, header["limit"]
            )
        table = TrackTable(
            columns["frames"],
            columns["times"],
            columns["ids"],
            columns["boxes"],
            columns["scores"],
            columns["classes"],
            columns["observed"],
            looks,
        )
        motion = None if header["still"] else columns["motion"]
        timeline = Timeline(columns["all_frames"], columns["all_times"], motion)
        return Tracked(table, timeline, Summary(**header["summary"]))
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise StateError(f"{path}: not a segment that can be read: {error}") from error
