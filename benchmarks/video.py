"""What reading, drawing, writing and camera motion cost at 1080p, in CPU milliseconds a frame.

    python benchmarks/video.py CLIP [--frames 150] [--tracks 20]

The clip is scaled to 1080p H.264 first. Each figure is the smallest of three passes, in CPU time
of the whole process, so that other work on the machine hardly shows.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from sightline.structures import Detections, Frame, Tracks
from sightline.video import CameraMotionEstimator, TrackPainter, VideoWriter, open_source

_SIZE = (1920, 1080)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--tracks", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = _scaled(arguments.clip, Path(folder) / "clip.mp4", arguments.frames)
        frames = list(open_source(clip))
        tracks = [_walkers(arguments.tracks, frame) for frame in frames]
        count = len(frames)

        def read() -> None:
            for _ in open_source(clip):
                pass

        def read_opencv() -> None:
            capture = cv2.VideoCapture(str(clip))
            while capture.read()[0]:
                pass

        def draw() -> None:
            painter = TrackPainter(["person"])
            for frame, now in zip(frames, tracks, strict=True):
                painter.draw(frame.image, now)

        def write(rows: Iterable[Tracks]) -> Callable[[], None]:
            def run() -> None:
                path = Path(folder) / "out.mp4"
                with VideoWriter(path, class_names=["person"], rate=30) as writer:
                    for frame, now in zip(frames, rows, strict=True):
                        writer.write(frame, now)

            return run

        def motion() -> None:
            estimator = CameraMotionEstimator()
            for frame, now in zip(frames, tracks, strict=True):
                estimator.estimate(frame, Detections(now.boxes, now.scores, now.classes))

        print("| step | CPU ms a frame |\n| --- | --- |")
        print(f"| read and convert to BGR | {_best(read, count):.2f} |")
        print(f"| the same by cv2.VideoCapture | {_best(read_opencv, count):.2f} |")
        print(f"| camera motion | {_best(motion, count):.2f} |")
        print(f"| write, nothing drawn | {_best(write([Tracks.empty()] * count), count):.2f} |")
        print(f"| draw {arguments.tracks} tracks | {_best(draw, count):.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{count} frames, peak memory {peak:.0f} MB (the frames are held for the measurement)")


def _best(run: Callable[[], None], frames: int) -> float:
    times = []
    for _ in range(3):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return 1000 * min(times) / frames


def _scaled(clip: str, path: Path, count: int) -> Path:
    with VideoWriter(path, rate=30) as writer:
        for number, frame in enumerate(open_source(clip)):
            if number == count:
                break
            image = np.asarray(cv2.resize(frame.image, _SIZE), np.uint8)
            writer.write(Frame(image, frame.index, frame.time), Tracks.empty(frame.time))
    return path


def _walkers(count: int, frame: Frame) -> Tracks:
    """People who walk to the right, spread over the picture."""
    number = np.arange(count)
    x = (number * 397 + frame.index * 4) % 1800
    y = 200 + (number * 211) % 600
    boxes = np.stack([x, y, x + 90, y + 240], axis=1).astype(np.float32)
    return Tracks(
        number + 1,
        boxes,
        np.full(count, 0.87, np.float32),
        np.zeros(count, np.int32),
        number.astype(np.int32),
        np.zeros(count, np.float32),
        np.ones(count, np.int32),
        frame.time,
    )


if __name__ == "__main__":
    main()
