"""The association benchmark runs as its documentation says, and what it shows holds in the small.

The script is started as its user starts it; peers are not installed here and are named as absent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "association.py"


def run(*arguments: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--json", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(done.stdout), done.stderr


def test_memory_and_tracks_stay_flat_over_a_stream_of_churn() -> None:
    """20,000 frames here, a million in the benchmark: thousands of people come and go."""
    result, _ = run("--stream", "20000")
    points = result["stream"]
    assert [point["frames"] for point in points] == list(range(2000, 20001, 2000))
    assert points[-1]["last_id"] > 5000
    assert points[-1]["rss_mb"] - points[1]["rss_mb"] < 2
    assert points[-1]["tracks"] <= 2 * points[1]["tracks"]


def test_every_contender_gets_the_same_blocks_and_absent_peers_are_named() -> None:
    result, said = run("--sizes", "10", "--blocks", "2", "--only", "norfair")
    assert result["ratio_to_ours"]["10"]["sightline"] == 1
    assert result["cpu_ms"]["10"]["sightline"] > 0
    if "norfair" not in result["cpu_ms"]["10"]:
        assert "absent: norfair (pip install norfair" in said


def test_growth_reports_four_sizes() -> None:
    result, _ = run("--growth", "--blocks", "1")
    assert list(result["growth_ms"]) == ["100", "200", "500", "1000"]


def test_an_unknown_peer_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        run("--interpreter", "nobody=python3")
    assert "no peer is called ['nobody']" in error.value.stderr
