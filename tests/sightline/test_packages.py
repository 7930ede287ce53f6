"""What is not installed is said before anything is read."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from sightline.cli import app
from sightline.cli.packages import check_training_packages
from sightline.errors import ConfigError


def _without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in missing else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_a_training_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "torch", "torchvision")
    with pytest.raises(ConfigError, match=r"needs torch, torchvision: pip install"):
        check_training_packages(tensorboard=False)


def test_tensorboard_is_needed_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "tensorboard")
    check_training_packages(tensorboard=False)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        check_training_packages(tensorboard=True)


def test_a_command_without_its_packages_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "sightline: this command needs torch: pip install 'sightline[train]'"
    ]
