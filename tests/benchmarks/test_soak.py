"""The soak runs as its documentation says, in the small; and a leak would not be called flat."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Times are for machines that nobody shares.
_TIMES = {"latency", "age"}


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_six_cycles_of_what_an_hour_holds_leave_nothing_behind(tmp_path: Path) -> None:
    picture = tmp_path / "soak.png"
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "soak.py"), "--json"),
            *("--seconds", "1", "--cycle", "3", "--curves", str(picture)),
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    summary = result["summary"]
    assert summary["cycles"] >= 6
    assert summary["camera deaths"] >= 6
    assert summary["messages"] > summary["listeners"] >= 36
    assert summary["watchers"] >= 18
    assert summary["jobs"] >= 2
    assert (summary["rows lost"], summary["exit code"]) == (0, 0)
    for name, verdict in result["verdicts"].items():
        assert verdict["is_flat"] or name in _TIMES, (verdict, result["moments"])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "step"), [("handles", 1.0), ("threads", 1.0), ("service", 4 * 2**20), ("age", 0.05)]
)
def test_what_grows_with_every_cycle_is_not_flat(name: str, step: float) -> None:
    from soak_curves import Calm, judge

    calm = Calm(0.0, 2e8, 1.5e8, 2e8, 120, 60, 8e6, 6e6, 0.05, 0.1)
    moments = [replace(calm, seconds=30.0 * number) for number in range(8)]
    assert all(verdict.is_flat for verdict in judge(moments).values())
    leaking = [
        replace(moment, **{name: getattr(moment, name) + number * step})
        for number, moment in enumerate(moments)
    ]
    verdicts = judge(leaking)
    assert [one for one, verdict in verdicts.items() if not verdict.is_flat] == [name]


def test_store_is_judged_once_something_was_deleted() -> None:
    from soak_curves import Calm, judge

    calm = Calm(0.0, 2e8, 1.5e8, 2e8, 120, 60, 8e6, 6e6, 0.05, 0.1)
    growing = [
        replace(calm, seconds=60.0 * number, store=1e6 * min(number, 8)) for number in range(16)
    ]
    assert "store" not in judge(growing[:6], settled=480)
    assert judge(growing, settled=480)["store"].is_flat
    assert not judge(growing, settled=120)["store"].is_flat
