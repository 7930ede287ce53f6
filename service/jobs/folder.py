"""What lies in the folder of a job.

input              the video, whatever it was called
parts/0001.jsonl   finished stretches of tracks, while it runs
checkpoint         where it goes on after the last of them
tracks.jsonl       all tracks, once it is done
tracks.cvat.xml …  other forms of them, made when first asked for
video.mp4          the same for the annotated video
plain.mp4          the same for a copy without tracks that every browser plays
corrections.json   what people have changed in the tracks
corrected-2.…      the tracks as of revision 2 of that, made when first asked for
evaluations/ID/    scores against a ground truth
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import StateError
from sightline.service.disk import new_file, private_folder, write_file
from sightline.service.jobs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint

__all__ = ["JobFolder"]


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The files of one job.

    Args:
        path: The folder; its name is the job's identifier.
    """

    path: Path

    @property
    def input(self) -> Path:
        """The video."""
        return self.path / "input"

    @property
    def tracks(self) -> Path:
        """All tracks, as JSON lines; there once the job is done."""
        return self.path / "tracks.jsonl"

    def result(self, ending: str) -> Path:
        """All tracks in a form of `sightline.service.jobs.results.RESULTS`."""
        return self.path / f"tracks.{ending}"

    @property
    def video(self) -> Path:
        """The annotated video, once somebody asked for it."""
        return self.path / "video.mp4"

    @property
    def plain(self) -> Path:
        """The video without tracks, as browsers play it, once somebody asked for it."""
        return self.path / "plain.mp4"

    @property
    def corrections(self) -> Path:
        """What people have changed in the tracks."""
        return self.path / "corrections.json"

    def corrected(self, revision: int, ending: str) -> Path:
        """The tracks as of a revision of the corrections."""
        return self.path / f"corrected-{revision}.{ending}"

    def forget_corrected(self) -> None:
        """Remove what was made of corrections that have changed since."""
        for path in self.path.glob("corrected-*"):
            path.unlink(missing_ok=True)

    @property
    def evaluations(self) -> Path:
        """Where every evaluation has a folder."""
        return self.path / "evaluations"

    def make(self) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        private_folder(self.path)

    def remove(self) -> None:
        """Remove it with everything in it; nothing happens if it is not there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def part(self, number: int) -> Path:
        """The file of a finished stretch of tracks, counted from 1."""
        return private_folder(self.path / "parts") / f"{number:06}.jsonl"

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep where the job stands; the parts that it counts are written before.

        Raises:
            FullError: The disk is full.
            OSError: It cannot be written.
        """
        with new_file(self.path / "checkpoint") as file:
            file.write(write_checkpoint(checkpoint))

    def load(self) -> Checkpoint | None:
        """Where the job stands; None at its beginning.

        Parts after the checkpoint are of work that was lost and are removed. A checkpoint that
        cannot be used, of another version say, means the beginning.
        """
        try:
            checkpoint = read_checkpoint((self.path / "checkpoint").read_bytes())
        except (OSError, StateError):
            return None
        parts = range(1, checkpoint.parts + 1)
        if not all(self.part(number).is_file() for number in parts):
            return None
        for path in private_folder(self.path / "parts").iterdir():
            if not path.stem.isdecimal() or int(path.stem) not in parts:
                path.unlink()
        return checkpoint

    def forget(self) -> None:
        """Remove what a job had done so far."""
        shutil.rmtree(self.path / "parts", ignore_errors=True)
        (self.path / "checkpoint").unlink(missing_ok=True)

    def join(self, parts: int) -> Path:
        """One file of all parts, not yet under the name of the result.

        Raises:
            FullError: The disk is full.
            OSError: It cannot be written.
        """
        lines = (
            line
            for number in range(1, parts + 1)
            # Every part begins with the facts of the video; one is enough.
            for line in self.part(number).read_bytes().splitlines(keepends=True)[number > 1 :]
        )
        path = self.path / "parts" / "all"
        write_file(path, lines)
        return path
