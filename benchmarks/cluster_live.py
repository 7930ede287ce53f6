"""A live service on a Ray cluster of three nodes: what a death and a drained node cost.

    python benchmarks/cluster_live.py ../shared [--json]

Four RTSP cameras, two of people who stand still and two of people who walk across lines, are read
on nodes `b` and `c`; the service runs on node `a`. Node `b` is ended by SIGKILL, all processes at
once; then `c` is emptied by `sightline nodes drain`. Printed are the seconds until the death was
said of its cameras and until they were tracked elsewhere, whose identities were kept, and, from
what was recorded, which events of lines and zones were lost or told twice. Needs Ray and the RTSP
server of the tests (Debian: gir1.2-gst-rtsp-server-1.0 and GStreamer's plugins).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.cluster.live_site import CAMERAS, HIT, LiveSite
from tests.service.clips import encode_h264, repeated


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = _measure(Path(folder), arguments.shared / "data" / "clips" / "vtest.avi")
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name:52} {value}")


def _measure(folder: Path, clip: Path) -> dict[str, Any]:
    still, walking = _clips(folder, clip)
    with LiveSite(folder, still, walking) as site:
        recovery = site.kill("b")
        after_death = {name: site.interruptions(name) for name in CAMERAS}
        drained = site.drain("c")
        after = site.settle()
        site.service.end()
        told = {name: site.told(name) for name in CAMERAS}
    standing = [name for name in CAMERAS if name.startswith("plaza")]
    others = [name for name in CAMERAS if name not in HIT]
    kept = {name: len(recovery.before[name] & recovery.after[name]) for name in standing}
    still_kept = {name: len(recovery.before[name] & after[name]) for name in standing}
    return {
        "death noticed after (s)": round(max(recovery.noticed.values()), 2),
        "its cameras tracked elsewhere after (s)": round(max(recovery.tracked.values()), 2),
        "people in view before": {name: len(recovery.before[name]) for name in standing},
        "of these with the same id after the death": kept,
        "of these with the same id after the drained node": still_kept,
        "interruptions of the other cameras": sum(len(after_death[name]) for name in others),
        "events of lines and zones": {name: len(told[name].live) for name in CAMERAS},
        "events lost": {name: told[name].lost.total() for name in CAMERAS},
        "events told twice": {name: told[name].doubled.total() for name in CAMERAS},
        "a node of two cameras emptied in (s)": round(drained, 2),
    }


def _clips(folder: Path, clip: Path) -> tuple[Path, Path]:
    """People who stand, and people who walk, for ten minutes each."""
    capture = cv2.VideoCapture(str(clip))
    read, picture = capture.read()
    capture.release()
    assert read
    standing = np.asarray(picture, np.uint8)
    still = encode_h264((standing for _ in range(16)), 8, folder / "still.mp4")
    with av.open(str(clip)) as source:
        frames = (
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for frame in source.decode(video=0)
        )
        walking = encode_h264(frames, 10, folder / "walking.mp4")
    return repeated(still, 300), repeated(walking, 8)


if __name__ == "__main__":
    main()
