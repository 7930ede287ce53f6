"""Line counts of a tracker against those of the ground truth, for a grid of lines.

    sightline track ../shared/data/clips/vtest.avi --model MODEL --format jsonl --out out
    python benchmarks/rule_counts.py out/vtest.jsonl ../shared/data/mot15/PETS09-S2L1/gt/gt.txt

Lines stand across the whole picture, upright and level; each way over each line is one count. The
ground truth takes the times of the tracks, so that a moment is as long in both.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sightline.formats import TrackTable, read_tracks
from sightline.service.rules import Counts, Line, RulesEngine, Scene, replay

_UPRIGHT = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_LEVEL = (0.3, 0.4, 0.5, 0.6, 0.7)


def main() -> None:
    """Print both counts of every way over every line, and how far they are apart."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tracks", type=Path)
    parser.add_argument("truth", type=Path)
    arguments = parser.parse_args()
    tracks, truth = read_tracks(arguments.tracks), read_tracks(arguments.truth)
    times = np.interp(truth.frame_indices, tracks.frame_indices, tracks.frame_times)
    truth = replace(truth, frame_times=times)
    scene = Scene(lines=_lines())
    seen, real = _crossings(scene, tracks), _crossings(scene, truth)
    apart = []
    for line in scene.lines:
        for way in ("in", "out"):
            key = (line.id, "line_cross", way)
            apart.append(abs(seen.get(key, 0) - real.get(key, 0)))
            print(f"{line.id:10} {way:3}  truth {real.get(key, 0):3}  tracks {seen.get(key, 0):3}")
    print(
        f"{len(apart)} counts: {sum(count <= 1 for count in apart)} within one, "
        f"mean difference {np.mean(apart):.2f}, largest {max(apart)}"
    )


def _lines() -> tuple[Line, ...]:
    upright = [Line(id=f"x-{100 * x:.0f}", points=((x, 0.0), (x, 1.0))) for x in _UPRIGHT]
    level = [Line(id=f"y-{100 * y:.0f}", points=((0.0, y), (1.0, y))) for y in _LEVEL]
    return (*upright, *level)


def _crossings(scene: Scene, table: TrackTable) -> dict[tuple[str, str, str], int]:
    counts = Counts()
    counts.add(*replay(RulesEngine(scene, class_names=table.info.class_names), table))
    return counts.totals()


if __name__ == "__main__":
    main()
