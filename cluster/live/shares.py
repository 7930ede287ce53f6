"""How much of a core processes take, as Linux counts it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CpuShares"]

_TICKS = os.sysconf("SC_CLK_TCK")
_OVER_SECONDS = 2.0
"""Least stretch that a share is taken over: ticks are coarse."""


class CpuShares:
    """CPU shares of named processes between looks."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, float, float]] = {}
        self._shares: dict[str, float] = {}

    def of(self, processes: Mapping[str, int]) -> dict[str, float]:
        """The share of a core that each process took lately.

        Args:
            processes: Process numbers by name; one that is new has no share yet.
        """
        now = time.monotonic()
        for name, pid in processes.items():
            seconds = _cpu_seconds(pid)
            before = self._before.get(name)
            if seconds is None:
                continue
            if before is None or before[0] != pid:
                self._before[name] = (pid, now, seconds)
            elif now - before[1] >= _OVER_SECONDS:
                self._shares[name] = (seconds - before[2]) / (now - before[1])
                self._before[name] = (pid, now, seconds)
        for known in (self._before, self._shares):
            for name in known.keys() - processes.keys():
                del known[name]
        return dict(self._shares)


def _cpu_seconds(pid: int) -> float | None:
    """CPU time of a process; None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
