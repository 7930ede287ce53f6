"""The benchmark of cross-camera identities in the small: one view a side, no detector.

The cameras make no mistake here (boxes of the ground truth), so that association alone is shown:
of who crosses the gap of vtest.avi four in five are joined, and one join in twenty is wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, dict[str, float]]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "cross_camera.py"), str(shared), "--perfect",
         "--clip", "vtest.avi", "--json"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    found: dict[str, dict[str, float]] = json.loads(done.stdout)["vtest.avi"]["ground truth"][
        "rows"
    ]
    return found


@pytest.mark.parametrize("way", ["looks, time gate and zones", "the same, learnt"])
def test_four_of_five_who_cross_are_joined_and_one_join_of_twenty_is_wrong(
    rows: dict[str, dict[str, float]], way: str
) -> None:
    row = rows[way]
    assert row["crossings"] >= 25
    assert row["joined"] >= 0.8 * row["crossings"]
    assert row["wrong"] <= 0.05 * row["links"]


def test_the_time_gate_alone_is_beaten(rows: dict[str, dict[str, float]]) -> None:
    ours, gate = rows["looks, time gate and zones"], rows["time gate alone"]
    assert ours["joined"] > gate["joined"]
    assert ours["wrong"] < gate["wrong"]
    assert ours["IDF1"] > gate["IDF1"] + 0.03
