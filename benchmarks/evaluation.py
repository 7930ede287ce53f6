"""The evaluator against its peers, in one run: CPU seconds and ratios.

    python benchmarks/evaluation.py ../shared [--repeat 3] [--peers FOLDER]

Reads the ground truth of the seven MOT17 train sequences and a published result of 107,606 boxes,
and scores HOTA, CLEAR and Identity. Every program reads the files itself; imports and compilation
come before the clock starts. A peer that is not installed is reported as absent; `--peers` names
a site-packages folder in which peers may be found that are not in this environment. py-motmetrics
has no HOTA and no MOT17 preprocessing: it is handed boxes that ours has read and preprocessed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from sightline.eval import combine, evaluate_sequence
from sightline.eval.bootstrap import intervals
from sightline.eval.comparison import Pair, Prepared, prepare
from sightline.eval.dataset import TextFile, find_truth
from sightline.eval.engines import score_with_motmetrics
from sightline.eval.protocols import get_protocol
from sightline.formats.mot import read_mot

NUMBERS = ("02", "04", "05", "09", "10", "11", "13")
Figures = dict[str, float]


def main() -> None:
    """Time every program that is there and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peers", type=Path)
    arguments = parser.parse_args()
    if arguments.peers is not None:
        sys.path.append(str(arguments.peers))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_out(arguments.shared / "data", folder)
        _native(folder)  # compiles, or loads the compiled code
        best, figures = _timed(lambda: _native(folder), arguments.repeat)
        _print("sightline", best, best, figures)
        checked, _ = _timed(lambda: _native_checked(folder), arguments.repeat)
        _print("sightline with preflight and 95 % intervals", checked, best, figures)
        for peer in (_trackeval, _motmetrics, _roboflow):
            try:
                run = peer(folder)
            except ImportError as error:
                print(f"{peer.__name__[1:]}: absent ({error})")
                continue
            seconds, figures = _timed(run, 1)
            _print(peer.__name__[1:], seconds, best, figures)


def _lay_out(data: Path, folder: Path) -> None:
    """TrackEval's layout, which the other peers read too."""
    (folder / "results").mkdir()
    with zipfile.ZipFile(data / "reference" / "trackeval-mot17-train-mott.zip") as archive:
        for number in NUMBERS:
            name = f"MOT17-{number}-FRCNN"
            source = data / "mot17" / "train" / f"MOT17-{number}-SDP"
            (folder / "truth" / name / "gt").mkdir(parents=True)
            shutil.copy(source / "gt" / "gt.txt", folder / "truth" / name / "gt" / "gt.txt")
            shutil.copy(source / "seqinfo.ini", folder / "truth" / name / "seqinfo.ini")
            text = archive.read(f"mott/data/{name}.txt")
            (folder / "results" / f"{name}.txt").write_bytes(text)


def _timed(run: Callable[[], Figures], repeat: int) -> tuple[float, Figures]:
    best = float("inf")
    figures: Figures = {}
    for _ in range(repeat):
        start = time.process_time()
        figures = run()
        best = min(best, time.process_time() - start)
    return best, figures


def _print(name: str, seconds: float, ours: float, figures: Figures) -> None:
    scores = ", ".join(f"{field} {100 * value:.3f}" for field, value in figures.items())
    print(f"{name}: {seconds:.3f} s CPU, {seconds / ours:.1f} x; {scores}")


def _native(folder: Path) -> Figures:
    counts = [
        evaluate_sequence(
            read_mot(folder / "truth" / f"MOT17-{number}-FRCNN" / "gt" / "gt.txt"),
            read_mot(folder / "results" / f"MOT17-{number}-FRCNN.txt"),
        )
        for number in NUMBERS
    ]
    scores = combine(counts)
    return {name: scores[name] for name in ("HOTA", "MOTA", "IDF1")}


def _prepared(folder: Path) -> list[Prepared]:
    protocol = get_protocol("mot17")
    return [
        prepare(
            Pair("one", truth.name, truth, TextFile(folder / "results" / f"{truth.name}.txt")),
            protocol,
            "all",
        )
        for truth in find_truth(folder / "truth")
    ]


def _native_checked(folder: Path) -> Figures:
    counts = {
        item.pair.name: evaluate_sequence(item.truth, item.result, frames=item.frames)
        for item in _prepared(folder)
    }
    intervals(counts)
    scores = combine(counts.values())
    return {name: scores[name] for name in ("HOTA", "MOTA", "IDF1")}


def _trackeval(folder: Path) -> Callable[[], Figures]:
    with contextlib.redirect_stdout(io.StringIO()):
        import trackeval

    tracks = folder / "trackers" / "one" / "data"
    shutil.copytree(folder / "results", tracks)

    def run() -> Figures:
        with contextlib.redirect_stdout(io.StringIO()):
            quiet = {"PRINT_CONFIG": False}
            dataset = trackeval.datasets.MotChallenge2DBox(
                {
                    "GT_FOLDER": str(folder / "truth"),
                    "TRACKERS_FOLDER": str(folder / "trackers"),
                    "TRACKERS_TO_EVAL": ["one"],
                    "SEQ_INFO": {f"MOT17-{number}-FRCNN": None for number in NUMBERS},
                    "SKIP_SPLIT_FOL": True,
                    **quiet,
                }
            )
            metrics = [
                trackeval.metrics.HOTA(),
                trackeval.metrics.CLEAR(quiet),
                trackeval.metrics.Identity(quiet),
            ]
            found: list[dict[str, dict[str, float]]] = [{} for _ in metrics]
            for number in NUMBERS:
                name = f"MOT17-{number}-FRCNN"
                raw = dataset.get_raw_seq_data("one", name)
                data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
                for metric, by_sequence in zip(metrics, found, strict=True):
                    by_sequence[name] = metric.eval_sequence(data)
            combined = [
                metric.combine_sequences(by_sequence)
                for metric, by_sequence in zip(metrics, found, strict=True)
            ]
        hota = float(sum(combined[0]["HOTA"]) / len(combined[0]["HOTA"]))
        return {"HOTA": hota, "MOTA": combined[1]["MOTA"], "IDF1": combined[2]["IDF1"]}

    return run


def _motmetrics(folder: Path) -> Callable[[], Figures]:
    import motmetrics  # noqa: F401

    def run() -> Figures:
        scores = score_with_motmetrics(_prepared(folder), get_protocol("mot17"))["combined"]
        return {name: scores[name] for name in ("MOTA", "IDF1")}

    return run


def _roboflow(folder: Path) -> Callable[[], Figures]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trackers.eval import evaluate_mot_sequences  # type: ignore[import-not-found]

    def run() -> Figures:
        with contextlib.redirect_stdout(io.StringIO()):
            found = evaluate_mot_sequences(
                gt_dir=folder / "truth",
                tracker_dir=folder / "results",
                metrics=["CLEAR", "HOTA", "Identity"],
            ).aggregate
        return {
            "HOTA": found.HOTA.HOTA,
            "MOTA": found.CLEAR.MOTA,
            "IDF1": found.Identity.IDF1,
        }

    return run


if __name__ == "__main__":
    main()
