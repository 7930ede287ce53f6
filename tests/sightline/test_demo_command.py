"""`sightline demo` and `sightline convert`, from the command line to the files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.errors import InputError
from sightline.formats import FORMATS, read_tracks
from sightline.video import open_source


def test_the_demo_leaves_tracks_video_and_a_fair_score(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "network: sightline-n" in result.stdout
    score = re.search(r"MOTA ([\d.]+)", result.stdout)
    assert score is not None
    assert float(score[1]) > 40
    counts = {len(read_tracks(tmp_path / f"plaza{suffix}")) for suffix in FORMATS.values()}
    assert len(counts) == 1
    source = open_source(str(tmp_path / "plaza.mp4"))
    assert sum(1 for _ in source) == 300


def test_convert_reads_one_format_and_writes_another(tmp_path: Path) -> None:
    text = tmp_path / "clip.txt"
    text.write_text("1,1,11,21,30,40,0.9,-1,-1,-1\n3,1,13,21,30,40,0.8,-1,-1,-1\n")
    out = tmp_path / "clip.cvat.xml"
    result = CliRunner().invoke(
        app,
        ["convert", str(text), str(out), "--rate", "10", "--size", "64x48", "--classes", "person"],
        catch_exceptions=False,
    )
    assert "2 boxes in 2 frames" in result.stdout
    table = read_tracks(out)
    assert table.boxes.tolist() == [[10, 20, 40, 60], [12, 20, 42, 60]]
    assert (table.info.rate, table.info.width, table.info.class_names) == (10, 64, ("person",))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.txt", "out.jsonl"], "missing.txt: cannot be read"),
        (["missing.txt", "out.doc"], "missing.txt: cannot be read"),
        (["missing.txt", "out.jsonl", "--size", "wide"], "WIDTHxHEIGHT"),
        (["missing.doc", "out.jsonl"], "the suffix names no format"),
    ],
)
def test_convert_says_what_it_cannot_do(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, ["convert", *arguments], catch_exceptions=False)
