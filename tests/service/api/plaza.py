"""A job that is done without a detector: the demo's clip, with its ground truth as tracks."""

from __future__ import annotations

import dataclasses
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from sightline.formats import TrackTable, read_tracks, write_tracks
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.results import write_results
from sightline.service.store.identifiers import new_id
from sightline.service.store.jobs import Job, add_job
from tests.service.api.conftest import Service

PLAZA = Path(str(files("sightline.demo").joinpath("data/plaza")))
TRUTH = PLAZA / "gt" / "gt.txt"


def plaza_tracks() -> TrackTable:
    """The people of the clip, each as one track."""
    table = read_tracks(TRUTH, "mot")
    info = dataclasses.replace(table.info, class_names=("person",))
    frames = np.arange(300)  # of which a few are empty
    return dataclasses.replace(
        table,
        info=info,
        frame_indices=frames,
        frame_times=frames / info.rate,
        classes=np.zeros(len(table), np.int32),
    )


def plaza_job(
    service: Service, table: TrackTable | None = None, owner: str = "", **options: Any
) -> str:
    """Store such a job; its identifier."""
    job_id = new_id()
    table = plaza_tracks() if table is None else table
    folder: JobFolder = service.context.jobs.folder_of(job_id)
    folder.make()
    shutil.copy(PLAZA / "plaza.mp4", folder.input)
    write_tracks(table, folder.part(1), "jsonl")
    write_results(folder, 1)
    job = Job(
        id=job_id,
        name="plaza.mp4",
        state="DONE",
        owner=owner,
        options=JobOptions.model_validate(options).model_dump(mode="json"),
        bytes=folder.input.stat().st_size,
        created_at=service.clock.now(),
        finished_at=service.clock.now(),
        frames=len(table.frame_indices),
        tracks=len(set(table.ids.tolist())),
    )
    with service.context.database.session() as session:
        add_job(session, job)
    return job_id
