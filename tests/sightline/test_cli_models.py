"""The commands `models` and `doctor`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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


def test_doctor_times_a_network_where_it_would_run(shared: Path) -> None:
    model = str(shared / "weights" / "yolox_nano_416.onnx")
    fields = json.loads(run.invoke(app, ["doctor", "--model", model, "--json"]).stdout)
    assert fields["network"]["network"] == "yolox-nano-kazuhito"
    assert fields["network"]["it runs on"] == fields["device"]
    assert fields["network"]["milliseconds a frame"] > 0
    table = run.invoke(app, ["doctor", "--model", model]).stdout
    assert "milliseconds a frame" in table
    assert "INT8 networks" in table


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("flags : fpu avx512f avx512_vnni", "faster than float32 here: .*avx512_vnni"),
        ("flags : fpu sse4_2 avx2", "no faster than float32 here"),
        (None, "cannot tell"),
    ],
)
def test_doctor_says_whether_int8_is_worth_it(
    flags: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.read_text

    def read(path: Path, *arguments: Any, **options: Any) -> str:
        if str(path) != "/proc/cpuinfo":
            return whole(path, *arguments, **options)
        if flags is None:
            raise FileNotFoundError(path)
        return flags

    monkeypatch.setattr(Path, "read_text", read)
    fields = json.loads(run.invoke(app, ["doctor", "--json"]).stdout)
    assert re.search(said, fields["int8"])
