"""`sightline eval`: inputs of every kind, the JSON contract, engines, errors."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.eval.comparison import METRICS

Run = Callable[..., tuple[int, str, str]]


def _json(run_cli: Run, *arguments: object) -> dict[str, Any]:
    code, out, err = run_cli("eval", *arguments, "--json")
    assert code == 0, err
    parsed: dict[str, Any] = json.loads(out)
    return parsed


def test_the_json_has_the_fields_of_the_contract(run_cli: Run, small_dataset: Path) -> None:
    output = _json(run_cli, small_dataset / "data", small_dataset / "good")
    assert (output["protocol"], output["split"]) == ("mot17", "all")
    tracker = output["trackers"]["good"]
    assert sorted(tracker["sequences"]) == ["A-01", "A-02"]
    expected = {name for family in METRICS.values() for name in family}
    for scores in (tracker["combined"], *tracker["sequences"].values()):
        assert expected <= set(scores)
        assert isinstance(scores["IDSW"], int)
        assert 0 <= scores["HOTA"] <= 1
    low, high = tracker["intervals"]["HOTA"]
    assert low <= tracker["combined"]["HOTA"] <= high
    manifest = output["manifest"]
    assert {"sightline", "packages", "parameters", "sha256", "machine"} <= set(manifest)
    assert len(manifest["sha256"]) == 4


def test_folder_zip_and_single_files_give_the_same_scores(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    for name in ("data", "good"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for path in sorted((small_dataset / name).rglob("*.*")):
                if path.is_file():
                    archive.write(path, path.relative_to(small_dataset).as_posix())
    folders = _json(run_cli, small_dataset / "data", small_dataset / "good")
    zips = _json(run_cli, tmp_path / "data.zip", tmp_path / "good.zip")
    assert zips["trackers"] == folders["trackers"]
    files = _json(run_cli, small_dataset / "data/A-01/gt/gt.txt", small_dataset / "good/A-01.txt")
    assert files["warnings"] == []  # its seqinfo.ini was found
    (single,) = files["trackers"].values()
    assert single["combined"]["HOTA"] == folders["trackers"]["good"]["sequences"]["A-01"]["HOTA"]


def test_several_trackers_are_compared(run_cli: Run, small_dataset: Path) -> None:
    output = _json(run_cli, small_dataset / "data", small_dataset / "good", small_dataset / "bad")
    assert list(output["trackers"]) == ["good", "bad"]
    (difference,) = output["differences"]
    assert (difference["first"], difference["second"]) == ("good", "bad")
    assert difference["scores"]["IDF1"]["larger_than_chance"]
    code, out, _ = run_cli(
        "eval", small_dataset / "data", small_dataset / "good", small_dataset / "bad"
    )
    assert code == 0
    assert "good − bad: IDF1" in out


def test_jobs_do_not_change_a_byte(run_cli: Run, small_dataset: Path, tmp_path: Path) -> None:
    outputs: list[tuple[str, bytes]] = []
    for jobs in (1, 2, 2):
        report = tmp_path / f"{len(outputs)}.html"
        code, out, _ = run_cli(
            "eval", small_dataset / "data", small_dataset / "good", small_dataset / "bad",
            "--jobs", jobs, "--json", "--report", report,
        )  # fmt: skip
        assert code == 0
        outputs.append((out, report.read_bytes()))
    assert outputs[0] == outputs[1] == outputs[2]


def test_metrics_narrow_the_output(run_cli: Run, small_dataset: Path) -> None:
    output = _json(run_cli, small_dataset / "data", small_dataset / "good", "--metrics", "identity")
    combined = output["trackers"]["good"]["combined"]
    assert "IDF1" in combined
    assert "HOTA" not in combined
    assert "MOTA" not in combined


@pytest.mark.parametrize("engine", ["motmetrics", "trackeval"])
@pytest.mark.parametrize("split", ["all", "val-half"])
@pytest.mark.filterwarnings("ignore")  # of the other package
def test_other_engines_agree_with_ours(
    engine: str, split: str, run_cli: Run, small_dataset: Path
) -> None:
    pytest.importorskip(engine)
    arguments = (small_dataset / "data", small_dataset / "bad", "--split", split)
    ours = _json(run_cli, *arguments)["trackers"]["bad"]
    theirs = _json(run_cli, *arguments, "--engine", engine)["trackers"]["bad"]
    assert set(theirs["sequences"]) == set(ours["sequences"])
    for field, value in theirs["combined"].items():
        if (engine, field) == ("motmetrics", "Frag"):
            continue  # it does not count a resumption after the object was absent
        assert ours["combined"][field] == pytest.approx(value, abs=1e-9), field


def test_a_renumbered_split_scores_as_the_original(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    results = tmp_path / "good"
    results.mkdir()
    for path in (small_dataset / "good").glob("*.txt"):
        lines = [line.split(",", 1) for line in path.read_text().splitlines(keepends=True)]
        kept = [f"{int(f) - 31},{rest}" for f, rest in lines if int(f) > 31]
        (results / path.name).write_text("".join(kept))
    split = ("--split", "val-half")
    original = _json(run_cli, small_dataset / "data", small_dataset / "good", *split)
    renumbered = _json(run_cli, small_dataset / "data", results, *split, "--renumbered")
    assert renumbered["trackers"] == original["trackers"]
    code, _, err = run_cli("eval", small_dataset / "data", results, *split)
    assert code == 2
    assert "--renumbered" in err
    assert err.count("\n") == 1


def test_validate_lists_every_finding_and_scores_nothing(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    results = tmp_path / "worse"
    shutil.copytree(small_dataset / "good", results)
    first, second = sorted(results.iterdir())
    first.write_text(first.read_text() + "60,1,nan,1,1,1,1\n")
    second.write_text(
        second.read_text().replace("\n", "\r\n") + "\r\n7,1,900,1,30,70,1,-1,-1,-1\r\n"
    )
    code, out, _ = run_cli("eval", small_dataset / "data", results, "--validate")
    assert code == 2
    assert f"error: {first}:" in out
    assert "[duplicate-id]" in out
    assert f"warning: {second}:1: lines end in CR LF" in out
    assert "HOTA" not in out
    code, out, _ = run_cli("eval", small_dataset / "data", small_dataset / "good", "--validate")
    assert (code, out) == (0, "2 results checked: 0 errors, 0 warnings\n")


def test_fatal_input_is_one_line_and_exit_code_two(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "A-01.txt").write_text("1,1,10,10,20,40,1\n")
    for arguments, message in (
        ((small_dataset / "data", tmp_path), "no result of sequence A-02"),
        ((small_dataset / "none", tmp_path), "there is no such file or folder"),
        ((small_dataset / "data", small_dataset / "good", "--protocol", "x"), "no protocol 'x'"),
        ((small_dataset / "data", small_dataset / "good", "--split", "x"), "no split 'x'"),
        ((small_dataset / "data", small_dataset / "good", "--engine", "x"), "no engine 'x'"),
        ((small_dataset / "data", small_dataset / "good", "--metrics", "x"), "no metrics 'x'"),
    ):
        code, out, err = run_cli("eval", *arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert err.startswith("sightline: ")
        assert err.count("\n") == 1


def test_a_missing_seqinfo_warns_on_stderr_and_is_scored(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_dataset / "data", tmp_path / "data")
    (tmp_path / "data/A-01/seqinfo.ini").unlink()
    code, out, err = run_cli("eval", tmp_path / "data", small_dataset / "good", "--json")
    assert code == 0
    assert "[missing-seqinfo]" in err
    assert json.loads(out)["warnings"]
    code, _, err = run_cli("eval", tmp_path / "data", small_dataset / "good", "--split", "val-half")
    assert code == 2


def test_the_report_holds_everything_and_asks_for_nothing(
    run_cli: Run, small_dataset: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    code, _, _ = run_cli(
        "eval", small_dataset / "data", small_dataset / "good", small_dataset / "bad",
        "--report", report,
    )  # fmt: skip
    text = report.read_text()
    assert code == 0
    for title in (
        "Comparison", "Differences", "localisation threshold", "Recovery by gap length",
        "Identity switches over time", "Lengths of tracks and gaps", "Precision and recall",
        "Sequences: good", "Sequences: bad", "Manifest",
    ):  # fmt: skip
        assert title in text, title
    assert text.count("<svg") == 5
    for outside in ("src=", 'href="http', "@import", "<script", "url(http"):
        assert outside not in text, outside


def test_links_to_sequences_are_followed(run_cli: Run, small_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("A-01", "A-02"):
        (tmp_path / "data" / name).symlink_to(small_dataset / "data" / name)
    output = _json(run_cli, tmp_path / "data", small_dataset / "good")
    assert sorted(output["trackers"]["good"]["sequences"]) == ["A-01", "A-02"]
