"""The networks that come along: chosen by the machine, and worth what their card says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.detector import Detector, embedded
from sightline.detector.embedded import default_model, has_byte_dot_products

_INTEL = "processor : 0\nflags : fpu sse2 avx512f avx512_vnni\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [(_INTEL, "sightline-n-int8"), ("flags : fpu sse2 avx2\n", "sightline-n"), ("", "sightline-n")],
)
def test_int8_is_the_default_only_where_bytes_are_multiplied_fast(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(text)
    monkeypatch.setattr(embedded, "_CPU_INFO", info)
    assert default_model("cpu") == name
    assert default_model("cuda") == "sightline-n"


def test_a_machine_that_says_nothing_gets_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_CPU_INFO", tmp_path / "none")
    assert not has_byte_dot_products()


@pytest.mark.parametrize("name", ["sightline-n", "sightline-n-int8"])
def test_an_embedded_network_describes_itself(name: str) -> None:
    detector = Detector(name, "cpu")
    assert detector.class_names == ("person", "bicycle", "car", "motorcycle", "bus", "truck")
    assert detector.entry.licence == "Apache-2.0"
    assert detector.path.stat().st_size < 8e6
