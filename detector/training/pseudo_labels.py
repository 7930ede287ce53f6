"""Labels by teachers for clips and folders of pictures that nobody has labelled.

A fused score of .5 and more is an object; from .2 to .5 the teachers are not sure, and the
place is left out of the loss; what is weaker is background.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sightline.detector.nms import nms
from sightline.detector.training.label_file import CATEGORIES, LabelFile, coco_boxes
from sightline.detector.training.labelling_run import LabellingRun, labelling_run
from sightline.detector.training.teachers import Committee
from sightline.detector.training.variety import pick_frames
from sightline.errors import InputError
from sightline.protocols import Source
from sightline.structures import Detections, Frame

__all__ = ["Bands", "ClassBands", "LabelCounts", "Material", "label", "say_each_once"]

LONG_SIDE = 1280
"""Pixels; larger frames are scaled down before they are kept."""

QUALITY = 92
"""Of the JPEG files."""

SMALLEST = 2.0
"""Pixels of a box's shorter side in the kept frame; smaller ones are nothing to learn from."""

SAME_OBJECT = 0.7
"""Overlap above which boxes of two kinds of vehicle are one vehicle, of the better score."""


@dataclass(frozen=True, slots=True)
class Bands:
    """What fused scores of a class mean.

    Args:
        positive: From here on it is an object.
        ignore: From here on up to `positive` it is left out of the loss; weaker is background.
        certain: From here on it is as good as a label by hand: an annotation's `score`, which
            training weighs it by, is the fused score over this, at most 1.

    Raises:
        InputError: Not 0 < ignore <= positive <= certain <= 1.
    """

    positive: float = 0.5
    ignore: float = 0.2
    certain: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.ignore <= self.positive <= self.certain <= 1:
            raise InputError(
                "score bands: expected 0 < ignore <= positive <= certain <= 1, "
                f"got {self.ignore}, {self.positive}, {self.certain}"
            )


class ClassBands:
    """The bands of each class of a committee, looked up by arrays.

    Args:
        bands: Bands by class name; other classes have the default ones.
        class_names: The committee's classes.

    Raises:
        InputError: Bands are given for a class that is none of these.
    """

    def __init__(self, bands: Mapping[str, Bands], class_names: Sequence[str]) -> None:
        unknown = [name for name in bands if name not in class_names]
        if unknown:
            raise InputError(
                f"score bands for {', '.join(unknown)}: the classes are {', '.join(class_names)}"
            )
        self._of = {name: bands.get(name, Bands()) for name in class_names}
        columns = [(row.positive, row.ignore, row.certain) for row in self._of.values()]
        self._positive, self._ignore, self._certain = np.array(columns, np.float32).T

    def sure(self, found: Detections) -> npt.NDArray[np.bool_]:
        """(N,) which are objects."""
        return np.asarray(found.scores >= self._positive[found.classes])

    def seen(self, found: Detections) -> npt.NDArray[np.bool_]:
        """(N,) which are objects or to be left out of the loss."""
        return np.asarray(found.scores >= self._ignore[found.classes])

    def weights(self, found: Detections) -> npt.NDArray[np.float32]:
        """(N,) the `score` of annotations."""
        weights: npt.NDArray[np.float32] = found.scores / self._certain[found.classes]
        return np.minimum(weights, np.float32(1))

    def describe(self) -> dict[str, dict[str, float]]:
        """Plain JSON values by class name."""
        return {name: asdict(bands) for name, bands in self._of.items()}


@dataclass(frozen=True, slots=True)
class Material:
    """A clip or a folder of pictures to label.

    Args:
        name: Folder of its frames in the output, and the images' `set` and `clip`.
        open: Opens it from the start; called once to pick frames and once to label them.
        classes: Names of the classes that can occur in it (no car in a station's hall): others
            that the teachers see are errors, and count as labelled; None for all.
        limit: At most so many frames; None for all that differ.
        least_difference: How much picked frames differ; see `variety.pick_frames`.
    """

    name: str
    open: Callable[[], Source]
    classes: tuple[str, ...] | None = None
    limit: int | None = None
    least_difference: float = 1.5


@dataclass(slots=True)
class LabelCounts:
    """What a run labelled.

    Args:
        images: Images labelled in this run.
        there: Images that an earlier run had labelled.
        objects: New annotations by class name.
        ignored: New boxes to leave out of the loss.
        interrupted: Whether Ctrl-C ended it; what was done until then is in the file.
        warnings: Plain sentences about pictures that could not be read.
    """

    images: int = 0
    there: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)


def label(
    materials: Sequence[Material],
    committee: Committee,
    out: Path,
    categories: Sequence[dict[str, Any]] = CATEGORIES,
    bands: Mapping[str, Bands] | None = None,
) -> LabelCounts:
    """Label frames of clips and folders, picked for variety.

    Writes `out/images/NAME/frame-000123.jpg` and `out/instances.json`, COCO's format with the
    fields of `label_file`. Images that are labelled already are passed over. Ctrl-C ends the run
    after saving; a hard kill loses at most 50 images, which the next run labels again.

    Args:
        materials: What to label.
        committee: Who labels it.
        out: Folder of the output; made if it is missing.
        categories: COCO categories; those that the committee knows are labelled. Of two classes
            with the same `supercategory` one place holds one object.
        bands: What scores mean, by class name; `Bands()` for classes that are not named.

    Raises:
        InputError: The output cannot be written, or two materials have one name.
        StateError: `out` holds labels of other teachers or bands.
        SourceError: A clip or folder cannot be read.
    """
    names = [material.name for material in materials]
    if len(set(names)) < len(names) or not all(re.fullmatch(r"[\w.-]+", name) for name in names):
        raise InputError(
            "names of materials are distinct and of letters, digits, dots and dashes; got "
            + ", ".join(names)
        )
    class_bands = ClassBands(bands or {}, committee.class_names)
    info = {
        "description": "Pseudo-labels by teachers, fused; see docs/distillation.md",
        "teachers": committee.describe(),
        "bands": class_bands.describe(),
    }
    file = LabelFile(out / "instances.json", {"info": info, "categories": list(categories)})
    done = {image["file_name"] for image in file.dataset["images"]}
    counts = LabelCounts()
    with labelling_run() as run:
        try:
            for material in materials:
                for frame in _picked_frames(material, run, counts):
                    file_name = f"{material.name}/frame-{frame.index:06d}.jpg"
                    if file_name in done:
                        counts.there += 1
                    else:
                        _label_frame(
                            frame, file_name, material, committee, class_bands, file, counts
                        )
                    run.advance()
        finally:
            file.save()
        counts.interrupted = run.stopped
    return counts


def say_each_once(
    detections: Detections, class_names: Sequence[str], categories: Sequence[dict[str, Any]]
) -> Detections:
    """Leave one class where a place was given two of the same kind (a van: car and truck).

    Args:
        detections: Of one picture.
        class_names: Their classes.
        categories: COCO categories; classes of the same `supercategory` are of the same kind.
    """
    kinds = {row["name"]: row.get("supercategory") or row["name"] for row in categories}
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds.values()))}
    of_class = np.array([numbers[kinds[name]] for name in class_names], dtype=np.int32)
    kept = nms(detections.boxes, detections.scores, of_class[detections.classes], SAME_OBJECT)
    return detections[kept]


def _picked_frames(material: Material, run: LabellingRun, counts: LabelCounts) -> Iterator[Frame]:
    """The frames that are worth labelling, in order; ends early when the run is stopped."""
    run.begin(f"looking at {material.name}", None)
    source = material.open()
    try:
        frames = takewhile(lambda _: not run.stopped, source)
        wanted = set(
            pick_frames(frames, material.limit, least_difference=material.least_difference)
        )
        counts.warnings.extend(source.warnings)
    finally:
        source.close()
    run.begin(f"labelling {material.name}", len(wanted))
    if run.stopped or not wanted:
        return
    last = max(wanted)
    source = material.open()
    try:
        for frame in takewhile(lambda frame: frame.index <= last and not run.stopped, source):
            if frame.index in wanted:
                yield frame
    finally:
        source.close()


def _label_frame(
    frame: Frame,
    file_name: str,
    material: Material,
    committee: Committee,
    bands: ClassBands,
    file: LabelFile,
    counts: LabelCounts,
) -> None:
    categories = file.dataset["categories"]
    names = committee.class_names
    seen = committee.detect([frame])[0]
    absent = [name for name in names if material.classes and name not in material.classes]
    seen = seen[~np.array([name in absent for name in names], np.bool_)[seen.classes]]
    seen = say_each_once(seen, names, categories)
    image, scale = _shrunk(frame.image)
    boxes = seen.boxes * np.float32(scale)
    big = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= SMALLEST
    sure = bands.sure(seen) & big
    unsure = bands.seen(seen) & ~sure
    _write_jpeg(file.path.parent / "images" / file_name, image)
    ids = {row["name"]: row["id"] for row in categories}
    objects = [names[index] for index in seen.classes[sure]]
    image_id = 1 + len(file.dataset["images"])
    file.dataset["images"].append(
        {
            "id": image_id,
            "file_name": file_name,
            "width": image.shape[1],
            "height": image.shape[0],
            "source": frame.source,
            "set": material.name,
            "clip": material.name,
            "labelled_classes": [
                name for name in names if name in committee.thorough or name in absent
            ],
            "exhaustive": True,
            "ignore_boxes": coco_boxes(boxes[unsure]),
        }
    )
    file.annotate(image_id, [ids[name] for name in objects], boxes[sure], bands.weights(seen)[sure])
    file.image_done()
    counts.images += 1
    counts.objects.update(objects)
    counts.ignored += int(unsure.sum())


def _shrunk(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
    """The picture with its long side at most `LONG_SIDE`, and its scale."""
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    if scale == 1:
        return image, 1.0
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _write_jpeg(path: Path, image: npt.NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
