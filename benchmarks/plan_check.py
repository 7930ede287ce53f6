"""Whether the plan is right: against what a real service takes, at 1, 2, 4 and 8 cameras.

    python benchmarks/plan_check.py ../shared [--costs benchmarks/unit-costs.json] [--seconds 20]

The cameras have a size and a rate that no unit cost was measured at. Compared are CPU time, which
hardly depends on who else works on the machine, and memory; the exit code is 1 where CPU is off by
more than 15 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from service_costs import Setup, encode, measure, started, streams_of

from sightline.service.planning.costs import read_costs
from sightline.service.planning.plan import Load, predict_cpu, predict_memory

SETUPS = tuple(Setup(cameras, (960, 540), 10, 3) for cameras in (1, 2, 4, 8))
_ALLOWED = 0.15
_CLIP = "vtest.avi"


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--costs", type=Path, default=Path(__file__).with_name("unit-costs.json"))
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    costs = read_costs(options.costs)
    detector = costs.detectors[0]
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        encode(options.shared / "data" / "clips" / _CLIP, clip, SETUPS[0].size, SETUPS[0].fps)
        config = {
            "detector": {
                "model": detector.model, "device": detector.device, "classes": ["person"]
            },
            "streams": [stream for setup in SETUPS for stream in streams_of(setup, clip)],
            "telemetry": {"log_level": "warning"},
        }  # fmt: skip
        print(f"{'cameras':>7} {'frames/s':>9} {'cores: reckoned':>16} {'measured':>9} {'off':>7} "
              f"{'MiB: reckoned':>14} {'measured':>9} {'off':>7}")  # fmt: skip
        with started(Path(folder), config) as (service, client):
            for setup in SETUPS:
                spent = measure(service, client, setup, options.seconds)
                load = Load(
                    setup.cameras, setup.fps, setup.process_fps, *setup.size, costs.people, 1
                )
                cores, mib = (
                    predict_cpu(costs, detector, load, 1),
                    predict_memory(costs, detector, load, 1),
                )
                was, held = spent.cpu / spent.seconds, spent.memory_mib
                worst = max(worst, abs(cores / was - 1))
                print(
                    f"{setup.cameras:7} {spent.processed / spent.seconds:9.1f} {cores:16.3f} "
                    f"{was:9.3f} {cores / was - 1:+7.1%} {mib:14.0f} {held:9.0f} "
                    f"{mib / held - 1:+7.1%}",
                    flush=True,
                )
    print(f"worst: {worst:.1%} (asked: {_ALLOWED:.0%})")
    sys.exit(worst > _ALLOWED)


if __name__ == "__main__":
    main()
