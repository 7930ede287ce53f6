from __future__ import annotations

from pathlib import Path

import pytest

from sightline.detector import COCO_CLASSES, names
from sightline.detector.registry import (
    ModelEntry,
    entry_by_name,
    entry_by_sha256,
    read_entry,
    registry,
)
from sightline.errors import ConfigError, ModelError
from sightline.inference import file_sha256

UPSTREAM = ["yolox-l", "yolox-m", "yolox-nano", "yolox-s", "yolox-tiny", "yolox-x"]


@pytest.mark.parametrize("name", names())
def test_every_entry_says_what_a_user_must_know(name: str) -> None:
    entry = entry_by_name(name)
    assert entry.name == name
    assert entry.summary
    assert entry.source
    assert entry.licence == "Apache-2.0"
    assert entry.sha256
    assert entry.head
    assert entry.preprocessing or entry.embedded  # ours describe themselves
    assert entry.class_names
    assert entry.file_name.endswith(".onnx")


def test_no_two_entries_mean_the_same_file() -> None:
    digests = [entry.sha256 for entry in registry().values()]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("name", UPSTREAM)
def test_the_upstream_networks_come_from_megviis_release(name: str) -> None:
    entry = entry_by_name(name)
    assert entry.url == (
        "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"
        f"{name.replace('-', '_')}.onnx"
    )
    assert entry.class_names == COCO_CLASSES


def test_shared_networks_are_known_by_their_bytes(shared: Path) -> None:
    known = {
        path.name: entry.name
        for path in (shared / "weights").glob("*.onnx")
        if (entry := entry_by_sha256(file_sha256(path))) is not None
    }
    assert known == {
        "deimv2_atto_coco_int8_raw.onnx": "deimv2-atto-int8",
        "rtmdet_nano_person_320_end2end.onnx": "rtmdet-nano-person",
        "yolox_nano_416.onnx": "yolox-nano-kazuhito",
    }


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ModelError, match="did you mean yolox-s"):
        entry_by_name("yolox-small")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head: ssd", "head: .*'ssd'"),
        ("size: 416", "size: .*416"),
        ("std: [1, 0, 1]", "std: every divisor is above 0"),
        ("sha256: abc", "sha256"),
        ("classes: [1, 2]", "classes"),
        ("- a list", "mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_description_names_the_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_entry(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_entry(tmp_path / "none.yaml")


def test_the_file_name_comes_from_the_address() -> None:
    assert ModelEntry(name="a", url="https://host/x/my%20net.onnx?raw=1").file_name == "my net.onnx"
    assert ModelEntry(name="a").file_name == "a.onnx"
