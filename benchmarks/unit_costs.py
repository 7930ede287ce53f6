"""What a frame, a camera and a service cost on this machine, for `sightline plan`.

    python benchmarks/unit_costs.py ../shared [--model NAME …] [--device cpu] [--seconds 15]

Runs `sightline serve` with cameras of several sizes and rates (a real clip in loops), reads the
CPU time and the memory of each of its processes, and fits a straight line to each kind: so much a
second, a camera, a frame, a megapixel. Writes `benchmarks/unit-costs.json`. CPU time hardly depends
on who else works on the machine; still, measure while little else does.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from service_costs import Setup, Spent, encode, measure, started, streams_of

from sightline.detector.embedded import default_model
from sightline.service.planning.costs import DetectorCosts, MachineFacts, ProcessCosts, UnitCosts

SETUPS = (
    Setup(1, (640, 360), 10, 1),
    Setup(4, (640, 360), 10, 4),
    Setup(1, (1280, 720), 10, 5),
    Setup(3, (1280, 720), 10, 5),
    Setup(6, (640, 360), 5, 1),
)
_CLIP = "vtest.avi"
_BYTES_A_BOX = 13.8 + 9.0
"""Recordings by `benchmarks/store.py` (docs/store.md); tracks and events of passers-by besides."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", action="append", help="the service's default if left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("unit-costs.json"))
    options = parser.parse_args()
    taken = {
        model: _measured(options.shared, model, options.device, options.seconds)
        for model in options.model or [default_model()]
    }
    spent = [both for runs in taken.values() for both in runs.spent]
    first = next(iter(taken.values()))
    costs = UnitCosts(
        machine=_machine(),
        measured_at=datetime.now(UTC).date().isoformat(),
        people=sum(one.tracks for _, one in spent) / sum(setup.cameras for setup, _ in spent),
        reader=_fit(spent, lambda one: one.readers, lambda one: one.reader_mib, _of_readers),
        service=_fit(spent, lambda one: one.service, lambda one: one.service_mib, _of_service),
        detectors=tuple(
            _detector(runs.spent, model, options.device) for model, runs in taken.items()
        ),
        store_bytes_box=_BYTES_A_BOX,
        bits_pixel=first.bits_pixel,
    )
    options.out.write_text(costs.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(costs.model_dump_json(indent=2))


@dataclass(frozen=True, slots=True)
class _Runs:
    """What the setups took, with one network."""

    spent: list[tuple[Setup, Spent]]
    bits_pixel: float


def _measured(shared: Path, model: str, device: str, seconds: float) -> _Runs:
    with tempfile.TemporaryDirectory() as folder:
        bits, streams = [], []
        for number, setup in enumerate(SETUPS):
            clip = Path(folder) / f"{number}.mp4"
            bits.append(encode(shared / "data" / "clips" / _CLIP, clip, setup.size, setup.fps))
            streams += streams_of(setup, clip)
        config = {
            "detector": {"model": model, "device": device, "classes": ["person"]},
            "streams": streams,
            "telemetry": {"log_level": "warning"},
        }
        spent = []
        with started(Path(folder), config) as (service, client):
            for setup in SETUPS:
                spent.append((setup, measure(service, client, setup, seconds)))
                print(setup, spent[-1][1], flush=True)
    return _Runs(spent, float(np.mean(bits)))


def _of_readers(setup: Setup, one: Spent) -> list[float]:
    """What second, camera, frame and megapixel stand for in a run."""
    return [
        setup.cameras * one.seconds,
        0.0,
        one.received,
        one.received * setup.megapixels,
    ]


def _of_service(setup: Setup, one: Spent) -> list[float]:
    return [one.seconds, setup.cameras * one.seconds, one.processed, 0.0]


def _of_detector(setup: Setup, one: Spent) -> list[float]:
    return [one.seconds, 0.0, one.processed, one.processed * setup.megapixels]


def _fit(
    spent: Sequence[tuple[Setup, Spent]],
    cpu: Callable[[Spent], float],
    memory: Callable[[Spent], float],
    terms: Callable[[Setup, Spent], list[float]],
) -> ProcessCosts:
    """Least squares without negative costs; every run weighs the same."""
    rows = np.array([terms(setup, one) for setup, one in spent])
    values = np.array([cpu(one) for _, one in spent])
    costs, _ = nnls(rows / values[:, None], np.ones(len(values)))
    own, a_megapixel = _memory(spent, memory, is_each=terms is _of_readers)
    return ProcessCosts(
        second=costs[0],
        camera=costs[1],
        frame=costs[2],
        megapixel=costs[3],
        memory_mib=own,
        memory_mib_megapixel=a_megapixel,
    )


def _memory(
    spent: Sequence[tuple[Setup, Spent]], memory: Callable[[Spent], float], *, is_each: bool
) -> tuple[float, float]:
    """MiB of a process, and more a megapixel where there is one a camera; else the most seen."""
    if not is_each:
        return max(memory(one) for _, one in spent), 0.0
    rows = np.array([[setup.cameras, setup.cameras * setup.megapixels] for setup, _ in spent])
    values = np.array([memory(one) for _, one in spent])
    (own, a_megapixel), _ = nnls(rows / values[:, None], np.ones(len(values)))
    return float(own), float(a_megapixel)


def _detector(spent: Sequence[tuple[Setup, Spent]], model: str, device: str) -> DetectorCosts:
    fitted = _fit(spent, lambda one: one.detector, lambda one: one.detector_mib, _of_detector)
    frames = sum(one.processed for _, one in spent)
    if device == "cpu":
        # By the clock it would be longer where others work, too.
        idle = fitted.second * sum(one.seconds for _, one in spent)
        busy = sum(one.detector - one.beside for _, one in spent) - idle
    else:
        busy = sum(one.detecting for _, one in spent)
    return DetectorCosts(**fitted.model_dump(), model=model, device=device, busy=busy / frames)


def _machine() -> MachineFacts:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return MachineFacts(
        processor=names[0] if names else platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=memory,
    )


if __name__ == "__main__":
    main()
