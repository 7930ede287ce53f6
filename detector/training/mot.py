"""Examples from sequences in MOTChallenge's layout: SEQ/img1, SEQ/gt/gt.txt, SEQ/seqinfo.ini.

Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016. Pedestrians (class 1) with a
quarter visible are objects; hidden ones, rows that are not considered, and what MOTChallenge's
evaluation forgives (people on vehicles 2, static people 7, distractors 8, reflections 12) are
ignore regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightline.detector.training.examples import CLASSES, Example, Labels
from sightline.errors import InputError
from sightline.formats.mot import MotRows, SequenceInfo, read_mot, read_sequence_info
from sightline.geometry import clip_boxes, ltwh_to_xyxy

__all__ = ["read_mot_sequences"]

_PEDESTRIAN = 1
_FORGIVEN = (2, 7, 8, 12)
_LEAST_VISIBLE = 0.25


def read_mot_sequences(folder: Path, classes: Sequence[str] = CLASSES) -> list[Example]:
    """Examples of one sequence, or of a folder of sequences: an example a picture, in order.

    Boxes span the whole body in this format, so what lies beyond the picture is cut; a row of
    which less than a quarter is left becomes an ignore region. Only people are labelled.

    Args:
        folder: A sequence, or a folder of sequences.
        classes: Names of the classes, in the network's order; "person" is among them.

    Raises:
        InputError: There is no sequence, a file or a picture is missing, or a row is wrong.
    """
    if "person" not in classes:
        raise InputError(f"{folder}: MOT labels are of people; 'person' is not among {classes}")
    sequences = sorted(path.parent.parent for path in folder.glob("*/gt/gt.txt"))
    if (folder / "gt" / "gt.txt").is_file():
        sequences = [folder]
    if not sequences:
        raise InputError(f"{folder}: no gt/gt.txt in it or in its folders")
    return [example for sequence in sequences for example in _read(sequence, classes)]


def _read(sequence: Path, classes: Sequence[str]) -> list[Example]:
    info = read_sequence_info(sequence / "seqinfo.ini")
    if info.width < 1 or info.height < 1:
        raise InputError(f"{sequence / 'seqinfo.ini'}: imWidth and imHeight are missing")
    truth = sequence / "gt" / "gt.txt"
    rows = read_mot(truth)
    pictures = sequence / info.image_folder
    paths = sorted(pictures.glob(f"*{info.image_suffix}"))
    if not paths:
        raise InputError(f"{pictures}: no {info.image_suffix} pictures in it")
    frames = {}
    for path in paths:
        if not path.stem.isdecimal():
            raise InputError(f"{path}: expected a frame number as its name, such as 000001.jpg")
        frames[int(path.stem)] = path
    without = np.setdiff1d(rows.frames, list(frames))
    if without.size:
        raise InputError(f"{truth}: frame {without[0]} has rows but no picture in {pictures}")
    return [
        Example(
            path=path,
            width=info.width,
            height=info.height,
            labels=_labels(rows[rows.frames == frame], info, classes),
            set_name=sequence.name,
            group=str(sequence),
        )
        for frame, path in sorted(frames.items())
    ]


def _labels(rows: MotRows, info: SequenceInfo, classes: Sequence[str]) -> Labels:
    person = classes.index("person")
    pedestrian = (rows.classes == _PEDESTRIAN) | (rows.classes < 0)
    rows = rows[pedestrian | np.isin(rows.classes, _FORGIVEN)]
    pedestrian = (rows.classes == _PEDESTRIAN) | (rows.classes < 0)
    ltwh = rows.ltwh - (1, 1, 0, 0)  # the text counts from 1
    boxes = clip_boxes(ltwh_to_xyxy(ltwh), info.width, info.height)
    sides = boxes[:, 2:] - boxes[:, :2]
    left = sides.prod(axis=1) / np.maximum(ltwh[:, 2:].prod(axis=1), 1e-9)
    visible = (rows.visibilities < 0) | (rows.visibilities >= _LEAST_VISIBLE)
    positive = pedestrian & (rows.confidences > 0) & visible & (left >= _LEAST_VISIBLE)
    ignored = ~positive & (sides > 0).all(axis=1)
    return Labels(
        boxes[positive],
        np.full(np.count_nonzero(positive), person),
        np.arange(len(classes)) == person,
        ignore=boxes[ignored],
        ignore_classes=np.full(np.count_nonzero(ignored), person),
    )
