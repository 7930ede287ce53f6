"""The same sequences scored by other people's programs.

`motmetrics` gets the boxes that our preprocessing left and a distance matrix of our own (1 - IoU,
NaN below IoU 0.5), because its `iou_matrix` calls `np.asfarray`, which NumPy 2 removed.
`trackeval` gets files and does everything itself.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.errors import ConfigError
from sightline.eval.comparison import Prepared
from sightline.eval.matching import match_boxes
from sightline.eval.protocols import Protocol
from sightline.formats.mot import MotRows

__all__ = ["ENGINES", "score_with_motmetrics", "score_with_trackeval"]

ENGINES = ("native", "motmetrics", "trackeval")

Scores = dict[str, float | int]

_MOTMETRICS_NAMES = {
    "mota": "MOTA",
    "idf1": "IDF1",
    "idp": "IDP",
    "idr": "IDR",
    "num_switches": "IDSW",
    "num_false_positives": "FP",
    "num_misses": "FN",
    "mostly_tracked": "MT",
    "partially_tracked": "PT",
    "mostly_lost": "ML",
    "num_fragmentations": "Frag",
    "idtp": "IDTP",
    "idfp": "IDFP",
    "idfn": "IDFN",
}
_TRACKEVAL_NAMES = {"TP": "CLR_TP", "FP": "CLR_FP", "FN": "CLR_FN"}
_TRACKEVAL_BENCHMARKS = {
    "mot15": "MOT15",
    "mot16": "MOT16",
    "mot17": "MOT17",
    "mot20": "MOT20",
    "dancetrack": "MOT17",
    "plain": "MOT15",
}


def score_with_motmetrics(sequences: Sequence[Prepared], protocol: Protocol) -> dict[str, Scores]:
    """MOTA, IDF1 and their counts through py-motmetrics, by sequence and `combined`.

    Raises:
        ConfigError: The package is not installed.
    """
    try:
        import motmetrics
    except ImportError as error:
        raise ConfigError("--engine motmetrics needs: pip install motmetrics") from error
    accumulators = [_accumulate(motmetrics, prepared, protocol) for prepared in sequences]
    names = [prepared.pair.name for prepared in sequences]
    with warnings.catch_warnings():
        # Its tables still rely on things that pandas has deprecated.
        warnings.simplefilter("ignore")
        table = motmetrics.metrics.create().compute_many(
            accumulators, names=names, metrics=list(_MOTMETRICS_NAMES), generate_overall=True
        )
    rows = {str(index): row for index, row in table.iterrows()}
    found = {name: _from_motmetrics(rows[name]) for name in names}
    return found | {"combined": _from_motmetrics(rows["OVERALL"])}


def _accumulate(motmetrics: Any, prepared: Prepared, protocol: Protocol) -> Any:
    overlaps = match_boxes(prepared.truth, prepared.result, protocol, *prepared.frames)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    truth, tracks = overlaps.truth, overlaps.tracks
    for frame in range(overlaps.frame_count):
        rows = slice(truth.offsets[frame], truth.offsets[frame + 1])
        columns = slice(tracks.offsets[frame], tracks.offsets[frame + 1])
        pairs = slice(overlaps.offsets[frame], overlaps.offsets[frame + 1])
        distances = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan)
        near = overlaps.similarities[pairs] >= 0.5
        distances[overlaps.truth_rows[pairs][near], overlaps.track_rows[pairs][near]] = (
            1 - overlaps.similarities[pairs][near]
        )
        accumulator.update(truth.rows.ids[rows], tracks.rows.ids[columns], distances)
    return accumulator


def _from_motmetrics(row: Any) -> Scores:
    scores: Scores = {}
    for theirs, ours in _MOTMETRICS_NAMES.items():
        value = float(row[theirs])
        scores[ours] = value if ours in ("MOTA", "IDF1", "IDP", "IDR") else int(value)
    return scores


def score_with_trackeval(sequences: Sequence[Prepared], protocol: Protocol) -> dict[str, Scores]:
    """Every score through TrackEval, by sequence and `combined`.

    Raises:
        ConfigError: The package is not installed.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            import trackeval
        except ImportError as error:
            raise ConfigError("--engine trackeval needs: pip install trackeval") from error
        with tempfile.TemporaryDirectory() as name:
            return _run_trackeval(trackeval, Path(name), sequences, protocol)


def _run_trackeval(
    trackeval: Any, folder: Path, sequences: Sequence[Prepared], protocol: Protocol
) -> dict[str, Scores]:
    for prepared in sequences:
        truth = folder / "truth" / prepared.pair.name / "gt" / "gt.txt"
        result = folder / "trackers" / "one" / "data" / f"{prepared.pair.name}.txt"
        for path, rows in ((truth, prepared.truth), (result, prepared.result)):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, rows, prepared.frames)
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "truth"),
            "TRACKERS_FOLDER": str(folder / "trackers"),
            "TRACKERS_TO_EVAL": ["one"],
            "BENCHMARK": _TRACKEVAL_BENCHMARKS[protocol.name],
            "SEQ_INFO": {s.pair.name: s.frames[1] - s.frames[0] + 1 for s in sequences},
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
    )
    quiet = {"PRINT_CONFIG": False}
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR(quiet),
        trackeval.metrics.Identity(quiet),
        trackeval.metrics.Count(),
    ]
    found: list[dict[str, Mapping[str, Any]]] = [{} for _ in metrics]
    for prepared in sequences:
        raw = dataset.get_raw_seq_data("one", prepared.pair.name)
        data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
        for metric, by_sequence in zip(metrics, found, strict=True):
            by_sequence[prepared.pair.name] = metric.eval_sequence(data)
    for metric, by_sequence in zip(metrics, found, strict=True):
        by_sequence["combined"] = metric.combine_sequences(dict(by_sequence))
    names = [*(prepared.pair.name for prepared in sequences), "combined"]
    return {
        name: _from_trackeval({k: v for part in found for k, v in part[name].items()})
        for name in names
    }


def _from_trackeval(fields: Mapping[str, Any]) -> Scores:
    from sightline.eval.counts import COUNT_FIELDS, SCORE_FIELDS

    scores: Scores = {}
    for name in (*SCORE_FIELDS, *COUNT_FIELDS):
        if name == "Frames":
            continue
        value = float(np.mean(fields[_TRACKEVAL_NAMES.get(name, name)]))
        scores[name] = int(value) if name in COUNT_FIELDS else value
    return scores


def _write(path: Path, rows: MotRows, frames: tuple[int, int]) -> None:
    rows = rows[(rows.frames >= frames[0]) & (rows.frames <= frames[1])]
    columns = [
        rows.frames - frames[0] + 1, rows.ids, rows.ltwh,
        rows.confidences, rows.classes, rows.visibilities,
    ]  # fmt: skip
    np.savetxt(path, np.column_stack(columns), fmt="%d,%d" + 5 * ",%.17g" + ",%d,%.17g")
