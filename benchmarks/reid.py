"""Re-ID on ready crops of vtest.avi, and what it costs beside a detector.

    python benchmarks/reid.py ../shared [--reid NAME|FILE]... [--threads 1] [--people 20]

Ranking: `data/person-crops/pets09-s2l1`, 431 crops of 19 people; queries are the first third of
each person's crops in time, the gallery is the last third. PETS numbers people anew who come
back, so a network that knows them is scored as wrong; `actors` counts them as who they are
(`reid_tracking.ACTORS`, told apart by eye). Cost: CPU time of cutting and
describing the people of one frame, the networks in turn, the median of the rounds; and of the
detector on the same frame. `sightline eval-reid` scores videos.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from reid_tracking import ACTORS

from sightline.detector import Detector
from sightline.protocols import Embedder
from sightline.reid import open_embedder
from sightline.reid.ranking import rank_gallery
from sightline.structures import Frame

ROUNDS = 15


def crops_by_person(folder: Path) -> dict[int, list[Frame]]:
    """The crops of each person, in the order of time."""
    people: dict[int, list[Frame]] = {}
    for path in sorted(folder.glob("*.jpg")):
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        people.setdefault(int(path.name[:4]), []).append(Frame(picture))
    return people


def rankings(embedder: Embedder, people: dict[int, list[Frame]]) -> list[float]:
    """Rank-1 and mAP by identity, then by actor."""
    queries: list[npt.NDArray[np.float32]] = []
    gallery: list[npt.NDArray[np.float32]] = []
    names: tuple[list[int], list[int]] = ([], [])
    for person, frames in people.items():
        third = len(frames) // 3
        for part, vectors, own in (
            (frames[:third], queries, names[0]),
            (frames[len(frames) - third :], gallery, names[1]),
        ):
            for frame in part:
                whole = np.array([[0, 0, frame.width, frame.height]], np.float32)
                vectors.append(embedder.embed(frame, whole)[0])
                own.append(person)
    similarity = np.stack(queries) @ np.stack(gallery).T
    values: list[float] = []
    for same in ({}, ACTORS):
        asked, known = (np.array([same.get(person, person) for person in own]) for own in names)
        found = rank_gallery(similarity, asked, known)
        values += [found.rank(1), found.mean_average_precision]
    return values


def costs(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median CPU milliseconds of each, one round after the other."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, step in work.items():
            began = time.process_time()
            step()
            taken[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--reid", action="append", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--people", type=int, default=20)
    given = parser.parse_args()
    weights = given.shared / "weights"
    choices = given.reid or [
        "sightline-reid",
        str(weights / "osnet_x0_25_msmt17.onnx"),
        str(weights / "person-reidentification-retail-0288.onnx"),
        "colour",
    ]
    embedders: dict[str, Embedder] = {}
    for choice in choices:
        opened = open_embedder(choice, "cpu", threads=given.threads)
        if opened is not None:
            embedders[Path(choice).stem] = opened

    people = crops_by_person(given.shared / "data" / "person-crops" / "pets09-s2l1")
    capture = cv2.VideoCapture(str(given.shared / "data" / "clips" / "vtest.avi"))
    frame = Frame(np.asarray(capture.read()[1], np.uint8))
    random = np.random.default_rng(0)
    lefts = random.uniform([0, 0], [frame.width - 50, frame.height - 110], (given.people, 2))
    boxes = np.concatenate([lefts, lefts + np.array([42, 95])], axis=1).astype(np.float32)
    detector = Detector(weights / "yolox_nano_416.onnx", device="cpu", threads=given.threads)

    def describe(embedder: Embedder) -> Callable[[], object]:
        return lambda: embedder.embed(frame, boxes)

    work: dict[str, Callable[[], object]] = {"detector": lambda: detector.detect([frame])}
    work |= {name: describe(embedder) for name, embedder in embedders.items()}
    milliseconds = costs(work)
    print(f"{'':38} rank-1    mAP | actors' | ms a crop  ms a frame of {given.people}")
    for name, embedder in embedders.items():
        values = "".join(f"{value:7.3f}" for value in rankings(embedder, people))
        print(
            f"{name:36} {values} {milliseconds[name] / given.people:11.2f} "
            f"{milliseconds[name]:11.1f}"
        )
    print(f"{'detector yolox_nano_416':36} {'':28} {'':11} {milliseconds['detector']:11.1f}")


if __name__ == "__main__":
    main()
