"""The commands `models` and `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app

run = CliRunner()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path


def test_list_shows_every_network_and_whether_it_is_here() -> None:
    result = run.invoke(app, ["models", "list", "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["yolox-nano"]["licence"] == "Apache-2.0"
    assert rows["yolox-nano"]["cached"] is False
    assert rows["yolox-nano"]["downloadable"] is True
    table = run.invoke(app, ["models", "list"]).stdout
    assert all(name in table for name in rows)


def test_info_says_how_the_file_is_checked(cache: Path) -> None:
    fields = json.loads(run.invoke(app, ["models", "info", "yolox-s", "--json"]).stdout)
    assert "checked against the registry" in fields["check"]
    assert fields["file"].startswith(str(cache))
    assert "yolox_s.onnx" in run.invoke(app, ["models", "info", "yolox-s"]).stdout


def test_info_of_a_file_shows_what_it_takes_and_returns(shared: Path) -> None:
    path = shared / "weights" / "yolox_nano_416.onnx"
    fields = json.loads(run.invoke(app, ["models", "info", str(path), "--json"]).stdout)
    assert fields["name"] == "yolox-nano-kazuhito"
    assert fields["outputs"] == ["output (1, 3549, 85) float32"]
    assert fields["head"] == "yolox"


def test_fetch_prints_where_the_file_lies(cache: Path, shared: Path) -> None:
    place = cache / "sightline" / "models" / "yolox-nano-kazuhito" / "yolox_nano.onnx"
    place.parent.mkdir(parents=True)
    place.write_bytes((shared / "weights" / "yolox_nano_416.onnx").read_bytes())
    result = run.invoke(app, ["models", "fetch", "yolox-nano-kazuhito"])
    assert result.exit_code == 0
    assert result.stdout.strip() == str(place)


def test_doctor_names_the_device_and_why_not_a_better_one() -> None:
    fields = json.loads(run.invoke(app, ["doctor", "--json"]).stdout)
    assert fields["device"] in ("cpu", "cuda")
    assert set(fields["devices"]) == {"cpu", "cuda", "tensorrt"}
    assert fields["device"] == "cuda" or fields["devices"]["cuda"]
    assert fields["cores"] >= 1
    assert fields["versions"]["numpy"]
    assert fields["device"] in run.invoke(app, ["doctor"]).stdout
