"""What writing tracks costs: CPU time a frame, memory and file size of every format.

    python benchmarks/formats.py [--frames 10000] [--tracks 15]

Each format runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from sightline.formats import FORMATS, open_sink
from sightline.structures import Tracks

_EARLY = 500


def main() -> None:
    """Print a row a format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--tracks", type=int, default=15)
    arguments = parser.parse_args()
    print(f"| format | CPU ms a frame | close s | MB after {_EARLY} frames / end | file MB |")
    print("| --- | --- | --- | --- | --- |")
    for name in FORMATS:
        process = multiprocessing.get_context("spawn").Process(
            target=_measure, args=(name, arguments.frames, arguments.tracks)
        )
        process.start()
        process.join()


def _measure(name: str, frames: int, count: int) -> None:
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{FORMATS[name]}"
        sink = open_sink(name, path, source="clip", width=1920, height=1080, rate=30)
        spent, early = 0.0, 0.0
        for index in range(frames):
            tracks = _some_tracks(random, index, count)
            begin = time.process_time()
            sink.write_tracks(index, index / 30, tracks)
            spent += time.process_time() - begin
            if index == _EARLY:
                early = _peak_megabytes()
        begin = time.process_time()
        sink.close()
        closing = time.process_time() - begin
        size = path.stat().st_size / 1e6
    print(
        f"| {name} | {1000 * spent / frames:.3f} | {closing:.2f} | "
        f"{early:.0f} / {_peak_megabytes():.0f} | {size:.1f} |"
    )


def _some_tracks(random: np.random.Generator, index: int, count: int) -> Tracks:
    """Boxes anywhere, with new identities every 300 frames."""
    boxes = random.uniform(0, 1000, (count, 4)).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return Tracks(
        np.arange(1, count + 1) + index // 300 * count,
        boxes,
        np.full(count, 0.876, np.float32),
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.zeros(count, np.float32),
        np.ones(count, np.int32),
        index / 30,
    )


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
