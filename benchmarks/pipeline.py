"""What each part of the main job costs a frame, beside the network, and how much memory it takes.

    python benchmarks/pipeline.py CLIP --model FILE [--size HxW] [--frames 200] [--stream 10000]

The clip is scaled to 1920x1080 and encoded as H.264 first, so that decoding costs what a camera's
stream costs. The stages then run one after the other on one thread each but the network's, so
that CPU time can be told apart; `sightline track` decodes beside the network. `--stream` plays the
clip in a loop for so many frames and prints the memory on the way.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np

from sightline.detector import Detector
from sightline.formats import FORMATS, open_sink
from sightline.structures import Frame
from sightline.tracker import Tracker
from sightline.video import VideoWriter, open_source

WIDTH, HEIGHT, CLIP_FRAMES = 1920, 1080, 300


class Stopwatch:
    """CPU and wall-clock seconds per stage."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what happens inside to a stage."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu[name] += time.process_time() - cpu
        self.wall[name] += time.perf_counter() - wall


def render(clip: Path, target: Path) -> None:
    """The first frames of a clip as 1080p H.264."""
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "fast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in open_source(clip):
            if frame.index == CLIP_FRAMES:
                break
            image = np.asarray(cv2.resize(frame.image, (WIDTH, HEIGHT)), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def looped(clip: Path, frames: int) -> Iterator[Frame]:
    """Frames of a clip, again and again, with times and numbers that go on."""
    index, offset, last = 0, 0.0, 0.0
    while True:
        for frame in open_source(clip):
            if index == frames:
                return
            last = offset + frame.time
            yield replace(frame, index=index, time=last)
            index += 1
        offset = last + 0.04


def resident_megabytes() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--size", default=None, help="network input, HxW")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--stream", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of the network; 0: all cores")
    options = parser.parse_args()
    size = None
    if options.size:
        height, width = map(int, options.size.split("x"))
        size = (height, width)
    detector = Detector(options.model, device="cpu", size=size, threads=options.threads)
    tracker = Tracker("sightline")
    watch = Stopwatch()
    frames = options.stream or options.frames
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clip = Path(folder) / "clip.mp4"
        render(options.clip, clip)
        sinks = [
            stack.enter_context(
                open_sink(
                    name, Path(folder) / f"tracks{FORMATS[name]}", source="clip", width=WIDTH,
                    height=HEIGHT, rate=25.0, class_names=detector.class_names,
                )
            )
            for name in FORMATS
        ]  # fmt: skip
        video = Path(folder) / "annotated.mp4"
        writer = stack.enter_context(
            VideoWriter(video, rate=25.0, class_names=detector.class_names)
        )
        source = looped(clip, frames)
        count = people = 0
        while True:
            with watch.stage("decode"):
                frame = next(source, None)
            if frame is None:
                break
            with watch.stage("detect"):
                detections = detector.detect([frame])[0]
            with watch.stage("track"):
                tracks = tracker.update(detections, time=frame.time)
            with watch.stage("write five formats"):
                for sink in sinks:
                    sink.write(frame, tracks)
            with watch.stage("draw and encode"):
                writer.write(frame, tracks)
            count += 1
            people += len(tracks)
            if options.stream and count % (frames // 10) == 0:
                print(f"{count:8d} frames  {resident_megabytes():6.0f} MB resident", flush=True)
    for name, seconds in detector.stage_seconds.items():
        watch.cpu[f"  {name}"] = seconds
    print(
        f"{count} frames of {WIDTH}x{HEIGHT}, {people / count:.1f} tracks a frame, {options.model}"
    )
    detect = watch.cpu["detect"]
    for name in ("decode", "detect", *(key for key in watch.cpu if key.startswith(" ")),
                 "track", "write five formats", "draw and encode"):  # fmt: skip
        cpu = watch.cpu[name]
        wall = f"{1000 * watch.wall[name] / count:8.2f}" if name in watch.wall else " " * 8
        print(f"{name:22s} CPU ms {1000 * cpu / count:8.2f}  wall ms {wall}  {cpu / detect:7.1%}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
