"""A small archive of real clips, and runs over it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.cluster.bulk.archive import Video, find_videos
from sightline.cluster.bulk.executor import Executor, LocalExecutor
from sightline.cluster.bulk.manifest import MANIFEST, Manifest
from sightline.cluster.bulk.options import BulkOptions, settings_of
from sightline.cluster.bulk.run import ArchiveSummary, BulkRun
from sightline.recording import DetectorOptions, Networks, TrackOptions

CLIPS = ("vtest.avi", "unlabelled-office.mp4", "unlabelled-revolving-door.mp4")


def lay_out(clips: Path, folder: Path, names: tuple[str, ...] = CLIPS) -> Path:
    """An archive of links to clips."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(clips / name)
    return folder


@dataclass
class Bulk:
    """One program with its options, which may run over an archive again and again."""

    archive: Path
    options: BulkOptions
    networks: Networks
    settings: str

    @classmethod
    def on(cls, archive: Path, out: Path, split: float = 0.0, **changes: Any) -> Bulk:
        track = TrackOptions(DetectorOptions(device="cpu", classes=("person",)), **changes)
        networks = Networks(track.detector.open(threads=1), track.open_embedder(threads=1))
        tracker = track.make_tracker(networks.embedder)
        options = BulkOptions.resolved(track, out, split, tracker)
        return cls(archive, options, networks, settings_of(options, tracker))

    @property
    def videos(self) -> list[Video]:
        return find_videos(str(self.archive))

    def executor(self) -> Executor:
        return LocalExecutor(self.options, self.networks)

    def run(
        self, executor: Executor | None = None, said: list[str] | None = None
    ) -> ArchiveSummary:
        with Manifest(self.options.out, self.settings) as manifest:
            lines = [] if said is None else said
            return BulkRun(self.videos, self.options, manifest, lines.append).run(
                executor or self.executor()
            )


def written(out: Path) -> dict[str, bytes]:
    """Every file of results, by its place."""
    found = sorted(path for path in out.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def noted(out: Path) -> list[tuple[str, str]]:
    """Video and unit of every line of the manifest, in order."""
    lines = (out / MANIFEST).read_text().splitlines()
    return [(entry["video"], entry["unit"]) for entry in map(json.loads, lines)]
