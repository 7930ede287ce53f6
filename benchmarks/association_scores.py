"""Accuracy of every contender of `association.py` on the same detections of a MOT dataset.

Scores are Sightline's own; the texts that `--out` leaves can be scored by TrackEval as well:
`sightline eval DATASET OUT/NAME --split val-half --engine trackeval`. Nobody gets the camera's
motion here, because most peers would need the pictures for it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from association_crowd import read_detections
from association_peers import Contender

from sightline.eval import combine, evaluate_sequence
from sightline.eval.benchmark import BenchSequence, find_bench_sequences
from sightline.formats.mot import MotRows, read_mot

FIELDS = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW")


def score(
    contenders: Sequence[Contender],
    dataset: Path,
    detections: Path | None,
    split: str,
    out: Path | None,
) -> dict[str, Any]:
    """Combined scores of each contender over a dataset's sequences.

    Args:
        contenders: Trackers; each starts afresh at each sequence.
        dataset: Folder of SEQ/gt/gt.txt with seqinfo.ini.
        detections: Folder of SEQ.txt, or None for each sequence's own.
        split: Name of the split.
        out: Folder for OUT/NAME/SEQ.txt, or None.
    """
    sequences = find_bench_sequences(dataset, detections=detections, split=split)
    print(f"{'':24}" + "".join(f"{field:>8}" for field in FIELDS))
    table = {}
    for contender in contenders:
        counts = []
        for sequence in sequences:
            rows = _track(contender, sequence)
            if out:
                _write(out / contender.name.replace(" ", "-") / f"{sequence.name}.txt", rows)
            counts.append(
                evaluate_sequence(
                    read_mot(io.BytesIO(sequence.truth.truth.read())),
                    rows,
                    protocol="mot17",
                    frames=(sequence.first, sequence.last),
                )
            )
        scores = combine(counts)
        table[contender.name] = {field: scores[field] for field in FIELDS}
        cells = (
            f"{scores[field]:8d}" if field == "IDSW" else f"{100 * scores[field]:8.2f}"
            for field in FIELDS
        )
        print(f"{contender.name:24}" + "".join(cells), flush=True)
    return {"scores": table}


def _track(contender: Contender, sequence: BenchSequence) -> MotRows:
    frames = read_detections(sequence.detections)
    frames += [np.empty((0, 5), np.float32)] * (sequence.last - len(frames))
    contender.start()
    _, found = contender.run(frames[sequence.first - 1 : sequence.last], keep=True)
    sizes = [len(tracks) for tracks in found]
    tracks = np.concatenate(found)
    boxes = tracks[:, 1:]
    return MotRows(
        np.repeat(np.arange(sequence.first, sequence.last + 1), sizes),
        tracks[:, 0].astype(np.int64),
        np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]),
        np.ones(len(tracks)),
        np.full(len(tracks), -1),
        np.full(len(tracks), -1.0),
    )


def _write(path: Path, rows: MotRows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers: npt.NDArray[np.float64] = np.column_stack([rows.frames, rows.ids, rows.ltwh])
    np.savetxt(path, numbers, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,1,-1,-1,-1")
