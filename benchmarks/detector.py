"""Our detector beside others: accuracy and CPU time in one run, and frames a second by batch.

    python benchmarks/detector.py ../shared [--model NAME_OR_FILE[@SIZE]]... [--device auto]

SIZE is HxW, or a side: for our own exports a budget of pixels in each frame's own shape. AP50 in
percent with score > .01 and NMS .65 by pycocotools, on every fifth frame of vtest, on
MOT17-mini, and on the 128 photographs of coco128-val (detection_accuracy.py says which ground
truth). CPU milliseconds are one thread's, the median over frames of which each network sees one
after the other, so that all meet the same machine.

Then, on --device, frames a second for 1 to 32 full-HD frames a call at 640, scaling of the
pictures and suppression included. On a GPU of a network of ours only bytes go in and only boxes
come out; a CPU runs frames one by one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
from detection_accuracy import Truth, ap50, mini, open_detector, photographs, vtest

from sightline.detector import Detector
from sightline.errors import ModelError
from sightline.structures import Frame

DEFAULT_MODELS = ("yolox-nano-kazuhito", "sightline-n", "sightline-n-int8")
BATCHES = (1, 2, 4, 8, 16, 32)
TIMED = 40
LEAST_SECONDS = 2.0

Pairs = list[tuple[Frame, Truth]]


def milliseconds(detectors: Sequence[Detector], frames: Sequence[Frame]) -> list[float]:
    """Median CPU time of each detector for a frame; they take turns."""
    spent: list[list[float]] = [[] for _ in detectors]
    for frame in (frames[0], *frames):  # the first prepares
        for detector, times in zip(detectors, spent, strict=True):
            began = time.process_time()
            detector.detect([frame])
            times.append(time.process_time() - began)
    return [statistics.median(times[1:]) * 1e3 for times in spent]


def frames_per_second(detector: Detector, frames: Sequence[Frame]) -> float:
    """Frames a second of wall-clock time where all come in one call."""
    detector.detect(frames)
    calls, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < LEAST_SECONDS:
        detector.detect(frames)
        calls += 1
    return calls * len(frames) / passed


def print_accuracy(models: Sequence[str], shared: Path) -> None:
    """AP50 and CPU time of each model on each set."""
    detectors = [
        open_detector(model, device="cpu", confidence=0.01, iou_threshold=0.65, threads=1)
        for model in models
    ]
    sets: dict[str, tuple[str, Pairs]] = {
        "vtest": ("person", list(vtest(shared))),
        "mini": ("person", list(mini(shared))),
        "photos": ("person", list(photographs(shared, "person"))),
        "photos, car": ("car", list(photographs(shared, "car"))),
    }
    times = {
        name: milliseconds(detectors, [frame for frame, _ in pairs[:TIMED]])
        for name, (_, pairs) in sets.items()
        if name in ("vtest", "mini")
    }
    print(f"{'AP50':40}", *(f"{name:>12}" for name in sets), *(f"ms {name:>7}" for name in times))
    for number, (model, detector) in enumerate(zip(models, detectors, strict=True)):
        scores = []
        for wanted, pairs in sets.values():
            if wanted not in detector.class_names:
                scores.append("-")
                continue
            index = detector.class_names.index(wanted)
            found = [detector.detect([frame])[0] for frame, _ in pairs]
            found = [each[each.classes == index] for each in found]
            scores.append(f"{ap50([truth for _, truth in pairs], found, origin=0):.1f}")
        costs = [f"{each[number]:.2f}" for each in times.values()]
        print(f"{Path(model).name:40}", *(f"{score:>12}" for score in scores), end=" ")
        print(*(f"{cost:>10}" for cost in costs))


def print_throughput(models: Sequence[str], shared: Path, device: str) -> None:
    """Frames a second of each model by batch, at 640."""
    path = shared / "data/clips/MOT17-mini/MOT17-02/img1/000001.jpg"
    frame = Frame(cv2.imread(str(path)))  # type: ignore[arg-type]
    print(f"\n{'frames/s at 640':40}", *(f"{batch:>8}" for batch in BATCHES))
    for model in models:
        try:
            detector = open_detector(f"{model.partition('@')[0]}@640", device=device)
        except ModelError as error:
            print(f"{Path(model).name:40} {error}")
            continue
        rates = [frames_per_second(detector, [frame] * batch) for batch in BATCHES]
        print(f"{Path(model).name:40}", *(f"{rate:8.1f}" for rate in rates), end="  ")
        print(f"on {detector.session.device}, input {detector.input_size}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", choices=("accuracy", "throughput"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    models = options.model or list(DEFAULT_MODELS)
    if options.only != "throughput":
        print_accuracy(models, options.shared)
    if options.only != "accuracy":
        print_throughput(models, options.shared, options.device)


if __name__ == "__main__":
    main()
