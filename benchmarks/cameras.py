"""What reading cameras costs: processor time and memory of each reader process (Linux).

    python benchmarks/cameras.py ../shared/data/clips/*.mp4 --seconds 15

Plays each file in a loop at its own rate, as a camera, with no detector to take the frames.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from sightline.service.cameras.supervisor import CameraSupervisor
from sightline.service.config import Stream
from sightline.service.steady import SteadyClock

_WARM_UP = 5.0  # seconds


def main() -> None:
    """Print a line a camera, and one for the process that supervises them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--keep", type=float, default=0.0, help="seconds kept for clips")
    options = parser.parse_args()
    supervisor = CameraSupervisor(
        SteadyClock.start(),
        lambda _: None,
        lambda *_: None,
        lambda _: None,
        keep_seconds=options.keep,
    )
    for number, file in enumerate(options.files):
        supervisor.add(Stream(id=f"c{number}", url=file, loop=True))
    while any(status.state == "CONNECTING" for status in supervisor.statuses().values()):
        time.sleep(0.1)
    time.sleep(_WARM_UP)
    readers = supervisor.readers()
    before = {stream: _cpu_seconds(pid) for stream, pid in readers.items()}
    frames = {stream: status.received for stream, status in supervisor.statuses().items()}
    own, begin = time.process_time(), time.monotonic()
    time.sleep(options.seconds)
    wall = time.monotonic() - begin
    print(f"{'file':<42} {'picture':>10} {'fps':>5} {'core':>6} {'ms/frame':>9} {'MiB':>5}")
    for file, (stream, pid) in zip(options.files, readers.items(), strict=True):
        status = supervisor.status(stream)
        count = status.received - frames[stream]
        spent = _cpu_seconds(pid) - before[stream]
        print(
            f"{Path(file).name:<42} {f'{status.width}×{status.height}':>10} {count / wall:5.1f} "
            f"{spent / wall:6.1%} {1000 * spent / max(count, 1):9.2f} {_own_mib(pid):5.0f}"
        )
    print(f"supervisor: {(time.process_time() - own) / wall:.1%} of a core")
    supervisor.close()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _own_mib(pid: int) -> float:
    """Memory that is this process's alone: not the libraries that all readers share."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    main()
