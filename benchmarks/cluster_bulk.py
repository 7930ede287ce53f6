"""An archive on two nodes of one core each against one process on one core.

    python benchmarks/cluster_bulk.py ../shared [--seconds 20] [--model NAME|FILE] [--copies 4]

The archive is the clips of ../shared, each `--copies` times under names of its own, cut at
`--seconds`. Both runs use the same network with one thread and write the same files, which are
compared byte by byte. The process is held on one core (`sched_setaffinity`), each node with all
that it starts on one as well, Ray's own processes among them. Both clocks run from the first video
to the last: neither the start of Ray nor that of its processes is in it (a video is tracked
beforehand on every lane). Asked: 1.8 times.

CPU time is printed as well, of all processes of the two nodes: what a frame costs there beside what
it costs alone says what two idle cores would give, also where others use the cores meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sightline.cluster.bulk.archive import find_videos
from sightline.cluster.bulk.executor import Executor, LocalExecutor
from sightline.cluster.bulk.manifest import MANIFEST, Manifest
from sightline.cluster.bulk.options import BulkOptions, settings_of
from sightline.cluster.bulk.run import BulkRun
from sightline.recording import DetectorOptions, Networks, TrackOptions

CORES = sorted(os.sched_getaffinity(0))[:2]
CLIPS = (
    "vtest.avi",
    "unlabelled-crowd-from-above.mp4",
    "unlabelled-office.mp4",
    "unlabelled-one-by-one-person.mp4",
    "unlabelled-revolving-door.mp4",
    "unlabelled-shopping-street.mp4",
    "unlabelled-towncentre-street.mp4",
)


def main() -> None:
    """Measure, compare, print."""
    arguments = _arguments()
    if arguments.alone is not None:
        print(json.dumps(_alone(arguments, arguments.alone)))
        return
    if len(CORES) < 2:
        sys.exit("two cores are needed")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _lay_out(arguments.shared / "data/clips", folder / "archive", arguments.copies)
        alone = _in_a_process_of_its_own(folder)
        spread = _spread(arguments, folder)
        same = _same_files(folder / "alone", folder / "spread")
    for name, facts in (("one process, one core", alone), ("two nodes, a core each", spread)):
        cost = 1000 * facts["cpu"] / facts["frames"]
        speed = facts["frames"] / facts["seconds"]
        print(
            f"{name:24}{facts['frames']} frames, {speed:.1f} a second, {cost:.1f} ms of CPU a frame"
        )
    print(f"times as fast           {alone['seconds'] / spread['seconds']:.2f}")
    print(f"by CPU time             {2 * alone['cpu'] / spread['cpu']:.2f}")
    print(f"files                   {'the same bytes' if same else 'THEY DIFFER'}")
    if not same:
        sys.exit(1)


def _alone(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    os.sched_setaffinity(0, CORES[:1])
    options, networks, settings = _prepare(arguments, folder / "alone")
    return _both(folder, options, settings, LocalExecutor(options, networks))


def _spread(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    from sightline.cluster.bulk.ray_executor import RayExecutor
    from sightline.cluster.session import connect

    options, _, settings = _prepare(arguments, folder / "spread")
    with _two_nodes() as address, connect(address):
        executor = RayExecutor(options)
        facts = _both(folder, options, settings, executor)
        executor.close()
    return facts


def _both(
    folder: Path, options: BulkOptions, settings: str, executor: Executor
) -> dict[str, float]:
    """A video on every lane, then the archive; the facts are the archive's."""
    for archive in ("first", "archive"):
        before = _cpu_seconds()
        with Manifest(options.out, settings) as manifest:
            videos = find_videos(str(folder / archive))
            summary = BulkRun(videos, options, manifest, print).run(executor)
        if summary.failed:
            sys.exit(f"failed: {summary.failed}")
    cpu = _cpu_seconds() - before
    return {"frames": summary.frames, "seconds": summary.seconds, "cpu": cpu}


def _cpu_seconds() -> float:
    """CPU time of this process and of all that run below it."""
    own, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            own[int(path.parent.name)] = int(fields[11]) + int(fields[12])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(own[pid] for pid in family) / os.sysconf("SC_CLK_TCK")


def _prepare(arguments: argparse.Namespace, out: Path) -> tuple[BulkOptions, Networks, str]:
    detector = DetectorOptions(arguments.model, device="cpu", classes=("person",))
    track = TrackOptions(detector, end=arguments.seconds)
    networks = Networks(detector.open(threads=1), track.open_embedder(threads=1))
    tracker = track.make_tracker(networks.embedder)
    options = BulkOptions.resolved(track, out, 0, tracker)
    return options, networks, settings_of(options, tracker)


def _lay_out(clips: Path, archive: Path, copies: int) -> None:
    for name in CLIPS:
        for copy in range(copies):
            place = archive / f"{copy}" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to((clips / name).absolute())
    first = archive.parent / "first"
    first.mkdir()
    for lane in range(4):
        (first / f"{lane}.avi").symlink_to((clips / CLIPS[0]).absolute())


def _in_a_process_of_its_own(folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--alone", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return facts


@contextmanager
def _two_nodes() -> Iterator[str]:
    """A head without a core, and two nodes of which each is held on a core of its own."""
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_worker_niceness": "0",
    }
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"object_store_memory": 200 * 1024**2, "node_ip_address": "127.0.0.1"}
    head = node | {"num_cpus": 0, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    everything = os.sched_getaffinity(0)
    try:
        for core in CORES:
            os.sched_setaffinity(0, {core})  # what is started inherits it
            cluster.add_node(num_cpus=1, **node)
        os.sched_setaffinity(0, everything)
        yield cluster.address
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, everything)
        cluster.shutdown()


def _same_files(one: Path, other: Path) -> bool:
    places = [
        {str(path.relative_to(root)) for path in root.rglob("*.txt") if path.name != MANIFEST}
        for root in (one, other)
    ]
    return places[0] == places[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in places[0]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--model", default=None)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--alone", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
