"""Checkpoints: whole or not there."""

from __future__ import annotations

import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from sightline.errors import InputError, ModelError
from sightline.learning.checkpoints import read_checkpoint, write_checkpoint

STATE: dict[str, Any] = {"weights": torch.arange(100_000), "epoch": 3, "best": [0.5, {"AP": 0.1}]}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "last.pt"
    write_checkpoint(path, STATE)
    return path


@contextmanager
def _full_disk(most_bytes: int) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_written_is_read(written: Path) -> None:
    state = read_checkpoint(written)
    assert torch.equal(state["weights"], STATE["weights"])
    assert (state["epoch"], state["best"]) == (3, [0.5, {"AP": 0.1}])
    assert [file.name for file in written.parent.iterdir()] == ["last.pt"]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused_in_one_line(written: Path, share: float) -> None:
    data = written.read_bytes()
    written.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"last\.pt: not a checkpoint that can be read") as caught:
        read_checkpoint(written)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pt: no such checkpoint"):
        read_checkpoint(tmp_path / "none.pt")


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    torch.save(torch.zeros(2), tmp_path / "tensor.pt")
    with pytest.raises(ModelError, match="not a checkpoint of a training"):
        read_checkpoint(tmp_path / "tensor.pt")


class _Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


def test_no_code_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"network": _Harm()}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"network": _Harm()}, protocol=2))
    for name in ("zip.pt", "plain.pt"):
        with pytest.raises(ModelError, match="not a checkpoint"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "harm").exists()


def test_on_a_full_disk_the_old_checkpoint_stays(written: Path) -> None:
    before = written.read_bytes()
    with (
        _full_disk(100_000),
        pytest.raises(InputError, match="the checkpoint could not be written") as caught,
    ):
        write_checkpoint(written, STATE | {"epoch": 4})
    assert "\n" not in str(caught.value)
    assert written.read_bytes() == before
    assert [file.name for file in written.parent.iterdir()] == ["last.pt"]


def test_a_part_that_a_kill_left_behind_does_no_harm(written: Path) -> None:
    part = written.with_name("last.pt.part")
    part.write_bytes(b"half of a checkpoint")
    assert read_checkpoint(written)["epoch"] == 3
    write_checkpoint(written, STATE | {"epoch": 4})
    assert read_checkpoint(written)["epoch"] == 4
    assert not part.exists()
