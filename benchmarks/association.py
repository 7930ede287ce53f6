"""How fast the association engine is, against trackers from the package index.

    python benchmarks/association.py [--sizes 10,50,100,200,500,1000] [--sequence FILE]
    python benchmarks/association.py --growth
    python benchmarks/association.py --stream 1000000
    python benchmarks/association.py --scores DATASET --detections DIR --split val-half --out DIR

Everybody gets the same detections and takes turns, a block of frames each, in one process. What
counts is CPU time (all threads); a figure is the median over blocks, a ratio the median of the
blocks' ratios, so that a busy machine disturbs both sides alike. Making each tracker's own input
objects is not timed.

The peers are not dependencies of the project. In an environment of their own:

    python3 -m venv peers
    peers/bin/pip install -e . -r benchmarks/association-peers.txt
    peers/bin/python benchmarks/association.py

Two of them do not live beside the others (`supervision` lost its tracker in 0.26, `norfair` needs
NumPy 1), so they run as child processes of an interpreter that has them:

    --interpreter "supervision ByteTrack=OTHER/bin/python" --interpreter norfair=THIRD/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from association_crowd import Boxes, churn, crowd, read_detections
from association_peers import PEERS, Adapter, Contender, InChild, InProcess

from sightline.structures import Detections, Tracks
from sightline.tracker import Tracker

OURS = "sightline"
# CPU ms a frame of a two-stage ByteTrack in Numba that was a single script, and of roboflow's
# ByteTrack in the same run: a floor for what a full engine can reach, as a ratio of the two.
FLOOR_MS = {10: 0.008, 50: 0.027, 100: 0.050, 200: 0.117, 500: 0.31, 1000: 0.70}
FLOOR_PEER = "roboflow ByteTrack"
FLOOR_PEER_MS = {10: 1.1, 50: 3.8, 100: 4.9, 200: 9.6, 500: 28.0, 1000: 78.0}


def main() -> None:
    """Read the arguments, run one of the modes, print tables or JSON."""
    options = _arguments()
    _single_threaded()
    with redirect_stdout(sys.stderr if options.json else sys.stdout):
        result = run(options)
    if options.json:
        print(json.dumps({"manifest": _manifest(), **result}, indent=1))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The mode that was asked for."""
    if options.stream:
        return stream(options.stream, options.preset, options.people)
    if options.growth:
        return growth(options.preset, options.blocks)
    contenders = list(_contenders(options))
    try:
        if not options.scores:
            return compare(contenders, options)
        from association_scores import score  # what it imports would count as memory

        return score(contenders, options.scores, options.detections, options.split, options.out)
    finally:
        for contender in contenders:
            if isinstance(contender, InChild):
                contender.close()


def compare(contenders: Sequence[Contender], options: argparse.Namespace) -> dict[str, Any]:
    """CPU ms a frame of everybody at every crowd size, and on a recorded sequence."""
    workloads: dict[str, tuple[Iterator[Boxes], int]] = {
        str(size): (crowd(size), _block_length(size)) for size in options.sizes
    }
    if options.sequence:
        recorded = read_detections(options.sequence)
        workloads[options.sequence.stem] = (iter(recorded), len(recorded) // (options.blocks + 1))
    milliseconds: dict[str, dict[str, float]] = {}
    ratios: dict[str, dict[str, float]] = {}
    for name, (frames, length) in workloads.items():
        times = take_turns(contenders, frames, length, options.blocks)
        milliseconds[name] = {
            who: 1000 * statistics.median(own) / length for who, own in times.items()
        }
        ratios[name] = {
            who: statistics.median(a / b for a, b in zip(own, times[OURS], strict=True))
            for who, own in times.items()
        }
        _print_workload(name, milliseconds[name], ratios[name])
    _print_floor(ratios)
    return {"cpu_ms": milliseconds, "ratio_to_ours": ratios}


def take_turns(
    contenders: Sequence[Contender], frames: Iterator[Boxes], length: int, blocks: int
) -> dict[str, list[float]]:
    """CPU seconds of each block for each contender; the first block only warms up."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        contender.start()
    for block in range(blocks + 1):
        chunk = list(islice(frames, length))
        # A different one begins each time, so that nobody always runs on a cold cache.
        turn = block % len(contenders)
        for contender in [*contenders[turn:], *contenders[:turn]]:
            seconds, _ = contender.run(chunk)
            if block:
                times[contender.name].append(seconds)
    return times


def growth(preset: str, blocks: int) -> dict[str, Any]:
    """How our time grows with the crowd, sizes taking turns."""
    sizes = (100, 200, 500, 1000)
    ours = {size: InProcess(OURS, partial(_ours, preset)) for size in sizes}
    sources = {size: crowd(size) for size in sizes}
    length = 20
    for size in sizes:
        ours[size].run(list(islice(sources[size], 2 * length)))
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(blocks):
        for size in sizes:
            seconds, _ = ours[size].run(list(islice(sources[size], length)))
            times[size].append(1000 * seconds / length)
    medians = {size: statistics.median(times[size]) for size in sizes}
    factor = statistics.median(a / b for a, b in zip(times[1000], times[100], strict=True))
    print("objects  CPU ms/frame")
    for size, median in medians.items():
        print(f"{size:7}  {median:12.3f}")
    print(f"from 100 to 1000 objects: {factor:.1f} times the time")
    return {"growth_ms": medians, "growth_100_to_1000": factor}


def stream(count: int, preset: str, people: int) -> dict[str, Any]:
    """Memory and time of our tracker over a long stream in which people come and go."""
    tracker = Tracker(preset)
    inputs = [_detections(boxes) for boxes in islice(churn(people), 2000)]
    checkpoints = []
    part = max(count // 10, 1)
    print(f"{'frames':>9}  {'RSS MB':>7}  {'CPU ms/frame':>12}  {'tracks':>6}  {'last id':>8}")
    last_id, done = 0, 0
    while done < count:
        began = time.process_time()
        for index in range(done, min(done + part, count)):
            tracks = tracker.update(inputs[index % len(inputs)], time=index / 30)
            if len(tracks):
                last_id = max(last_id, int(tracks.ids[-1]))
        seconds = time.process_time() - began
        frames = min(part, count - done)
        done += frames
        checkpoints.append(
            {
                "frames": done,
                "rss_mb": _resident_megabytes(),
                "cpu_ms": 1000 * seconds / frames,
                "tracks": tracker.statistics.tracks,
                "last_id": last_id,
            }
        )
        row = checkpoints[-1]
        print(
            f"{done:9}  {row['rss_mb']:7.1f}  {row['cpu_ms']:12.4f}  {row['tracks']:6}  {last_id:8}"
        )
    return {"stream": checkpoints}


def _contenders(options: argparse.Namespace) -> Iterator[Contender]:
    interpreters = dict(pair.split("=", 1) for pair in options.interpreter)
    unknown = set(interpreters) - set(PEERS)
    if unknown:
        sys.exit(f"--interpreter: no peer is called {sorted(unknown)}; there are {sorted(PEERS)}")
    yield InProcess(OURS, partial(_ours, options.preset))
    for name, peer in PEERS.items():
        if options.only and name not in options.only.split(","):
            continue
        if name in interpreters:
            yield InChild(name, interpreters[name])
        elif not peer.installed:
            print(f"absent: {name} (pip install {peer.package}; see --help)", file=sys.stderr)
        elif name == "supervision ByteTrack" and not _supervision_has_tracker(peer.version):
            print(
                f"absent: {name} (supervision {peer.version} is here; the tracker left in 0.26; "
                "see --help)",
                file=sys.stderr,
            )
        else:
            yield InProcess(name, peer.make)


def _supervision_has_tracker(version: str) -> bool:
    return tuple(map(int, version.split(".")[:2])) < (0, 26)


def _ours(preset: str) -> Adapter:
    tracker = Tracker(preset)
    return Adapter(_detections, tracker.update, _rows)


def _detections(boxes: Boxes) -> Detections:
    return Detections(boxes[:, :4].copy(), boxes[:, 4].copy(), np.zeros(len(boxes)))


def _rows(tracks: Tracks) -> npt.NDArray[np.float64]:
    return np.column_stack([tracks.ids, tracks.boxes]).astype(np.float64)


def _block_length(size: int) -> int:
    """Frames a block: enough for the clock, few enough for the slow."""
    return int(np.clip(2000 // size, 6, 60))


def _print_workload(
    name: str, milliseconds: Mapping[str, float], ratios: Mapping[str, float]
) -> None:
    title = f"{name} objects" if name.isdigit() else name
    print(f"\n{title:24}  {'CPU ms/frame':>12}  {'ours is faster by':>17}")
    for who, median in milliseconds.items():
        factor = "" if who == OURS else f"{ratios[who]:16.1f}x"
        print(f"{who:24}  {median:12.3f}  {factor:>17}", flush=True)


def _print_floor(ratios: Mapping[str, Mapping[str, float]]) -> None:
    sizes = [size for size in FLOOR_MS if FLOOR_PEER in ratios.get(str(size), {})]
    if not sizes:
        return
    print("\ntimes the Numba floor (both through roboflow's ByteTrack; floor from another machine)")
    for size in sizes:
        floor = FLOOR_PEER_MS[size] / FLOOR_MS[size]
        print(f"{size:7} objects  {floor / ratios[str(size)][FLOOR_PEER]:5.2f}")


def _single_threaded() -> None:
    """Start again with NumPy's thread pools off: a pool that spins is no work done."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    if any(os.environ.get(name) != "1" for name in names):
        os.environ.update(dict.fromkeys(names, "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _manifest() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.processor() or platform.machine(),
        "load": os.getloadavg()[0],
        "peers": {name: peer.version for name, peer in PEERS.items() if peer.installed},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="sightline", help="our preset or YAML file")
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",") if size],
        default=[10, 50, 100, 200, 500, 1000],
        help="crowd sizes, separated by commas",
    )
    parser.add_argument("--sequence", type=Path, help="MOT text with detections, e.g. MOT17-04")
    parser.add_argument("--blocks", type=int, default=7, help="blocks that are timed")
    parser.add_argument("--only", default="", help="peers to run, separated by commas")
    parser.add_argument(
        "--interpreter", action="append", default=[], metavar="PEER=PYTHON", help="its own Python"
    )
    parser.add_argument("--scores", type=Path, metavar="DATASET", help="accuracy in place of speed")
    parser.add_argument("--detections", type=Path, help="of --scores; else the dataset's own")
    parser.add_argument("--split", default="val-half", help="of --scores")
    parser.add_argument("--out", type=Path, help="of --scores: MOT text of every tracker")
    parser.add_argument("--growth", action="store_true", help="only ours, 100 to 1000 objects")
    parser.add_argument("--stream", type=int, default=0, metavar="FRAMES", help="only ours, churn")
    parser.add_argument("--people", type=int, default=20, help="people at a time in --stream")
    parser.add_argument("--json", action="store_true", help="JSON in place of tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
