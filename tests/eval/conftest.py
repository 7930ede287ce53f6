"""The reference evaluator and its data layout, for parity tests."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.formats.mot import SequenceInfo, read_sequence_info

Scores = dict[str, Any]
RunTrackEval = Callable[..., dict[str, Scores]]

MOT17_TRAIN = ("02", "04", "05", "09", "10", "11", "13")


def _run_trackeval(
    truths: Mapping[str, Path],
    results: Mapping[str, Path],
    lengths: Mapping[str, int],
    folder: Path,
    benchmark: str = "MOT17",
    preprocess: bool = True,
) -> dict[str, Scores]:
    """TrackEval's scores by sequence, and of all together under `combined`."""
    import trackeval

    for name, truth in truths.items():
        target = folder / "gt" / name / "gt"
        target.mkdir(parents=True, exist_ok=True)
        (target / "gt.txt").write_bytes(truth.read_bytes())
        tracks = folder / "trackers" / "tested" / "data"
        tracks.mkdir(parents=True, exist_ok=True)
        (tracks / f"{name}.txt").write_bytes(results[name].read_bytes())
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                "GT_FOLDER": str(folder / "gt"),
                "TRACKERS_FOLDER": str(folder / "trackers"),
                "TRACKERS_TO_EVAL": ["tested"],
                "BENCHMARK": benchmark,
                "DO_PREPROC": preprocess,
                "SEQ_INFO": dict(lengths),
                "SKIP_SPLIT_FOL": True,
                "PRINT_CONFIG": False,
            }
        )
        metrics = [
            trackeval.metrics.HOTA(),
            trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
            trackeval.metrics.Identity({"PRINT_CONFIG": False}),
            trackeval.metrics.Count(),
        ]
        by_metric: list[dict[str, Scores]] = [{} for _ in metrics]
        for name in truths:
            raw = dataset.get_raw_seq_data("tested", name)
            data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
            for metric, found in zip(metrics, by_metric, strict=True):
                found[name] = metric.eval_sequence(data)
        for metric, found in zip(metrics, by_metric, strict=True):
            found["combined"] = metric.combine_sequences(dict(found))
    return {
        name: {field: value for found in by_metric for field, value in found[name].items()}
        for name in by_metric[0]
    }


@pytest.fixture(scope="session")
def run_trackeval() -> RunTrackEval:
    """TrackEval over (ground truths, results, lengths, scratch folder)."""
    pytest.importorskip("trackeval")
    return _run_trackeval


def require_equal(ours: Mapping[str, float | int], theirs: Mapping[str, Any]) -> None:
    """Counts exactly, ratios to 1e-9."""
    renamed = {"TP": "CLR_TP", "FP": "CLR_FP", "FN": "CLR_FN"}
    for name, value in ours.items():
        if name == "Frames":
            continue
        reference = theirs[renamed.get(name, name)]
        if isinstance(value, int):
            assert value == int(reference), name
        else:
            assert value == pytest.approx(float(np.mean(reference)), abs=1e-9), name


@pytest.fixture(scope="session")
def equal_to_trackeval() -> Callable[[Mapping[str, float | int], Mapping[str, Any]], None]:
    """Fail unless counts are equal and ratios agree to 1e-9."""
    return require_equal


@pytest.fixture(scope="session")
def reference(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference archives, unpacked."""
    folder = tmp_path_factory.mktemp("reference")
    for archive in sorted((shared / "data" / "reference").glob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def mot17(shared: Path) -> dict[str, tuple[Path, SequenceInfo]]:
    """Ground truth and seqinfo of the seven MOT17 train sequences, by number."""
    train = shared / "data" / "mot17" / "train"
    return {
        number: (
            train / f"MOT17-{number}-SDP" / "gt" / "gt.txt",
            read_sequence_info(train / f"MOT17-{number}-SDP" / "seqinfo.ini"),
        )
        for number in MOT17_TRAIN
    }


@pytest.fixture
def run_cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout and stderr of `sightline ARGUMENTS`."""

    def run(*arguments: object) -> tuple[int, str, str]:
        from sightline.cli import main

        monkeypatch.setattr("sys.argv", ["sightline", *map(str, arguments)])
        capsys.readouterr()  # importing TrackEval prints
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two made sequences of three walkers with gt, det and seqinfo, and results of two trackers."""
    folder = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(3)
    for number, name in enumerate(("A-01", "A-02")):
        truth, found, good, bad = [], [], [], []
        for frame in range(1, 61):
            for walker in range(1, 4):
                if walker == 2 and 20 <= frame < 40:
                    continue
                left, top = 100 * walker + 3 * frame * (walker - 2) + 50 * number, 60 + 40 * walker
                box = f"{left},{top},30,70"
                truth.append(f"{frame},{walker},{box},1,1,1\n")
                shifted = f"{left + random.normal():.2f},{top + random.normal():.2f},30,70"
                if random.random() < 0.9:
                    found.append(f"{frame},-1,{shifted},{random.uniform(0.6, 1):.3f}\n")
                    good.append(f"{frame},{walker},{shifted},0.9,-1,-1,-1\n")
                    bad.append(f"{frame},{walker + 10 * (frame // 15)},{shifted},0.9,-1,-1,-1\n")
        files = {
            f"data/{name}/gt/gt.txt": truth,
            f"data/{name}/det/det.txt": found,
            f"good/{name}.txt": good,
            f"bad/{name}.txt": bad,
            f"data/{name}/seqinfo.ini": [
                (
                    f"[Sequence]\nname={name}\nimDir=img1\nframeRate=10\nseqLength=60\n"
                    "imWidth=640\nimHeight=480\nimExt=.jpg\n"
                )
            ],
        }
        for path, lines in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("".join(lines))
    return folder
