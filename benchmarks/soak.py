"""A service for an hour under cameras that break, viewers who come and go, and jobs: is it flat?

    python benchmarks/soak.py [--seconds 3600] [--cycle 30] [--curves docs/images/soak.svg] [--json]

Starts `sightline serve` as its users do, with four real cameras (RTSP where GStreamer is there, and
HTTP). In each cycle a camera dies, one falls silent, others end; six listeners (WebSocket), three
watchers (MJPEG) and a reader of lists come and go, and in each third a job. Between two cycles all
is calm, and what the service takes is looked at: memory, handles, threads, shared memory, store,
latency. Printed is a verdict for each; the exit code is 1 where one is not flat.

Rows are kept for ten minutes, so that the store has something to delete; it is judged from when the
first were, which takes twenty-five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from soak_curves import Calm, Verdict, draw, judge
from soak_site import Cameras, Crowd, Tally

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tests.e2e.running_service import RunningService

_KEPT_DAYS = 10 / 1440
_SETTLED_SECONDS = 1500.0
_PATIENCE_SECONDS = 120.0
_LOOKS = 3
_CYCLES_A_JOB = 3


def main() -> None:
    """Soak, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--cycle", type=float, default=30.0, help="seconds that visits take")
    parser.add_argument("--curves", type=Path, help="PNG or SVG to draw")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cameras = Cameras(stack, tally)
        service = stack.enter_context(RunningService(Path(folder), _config(Path(folder), cameras)))
        moments, lost = asyncio.run(
            _soak(service, cameras, tally, options.seconds, options.cycle, quiet=options.json)
        )
        code = service.end(60)
    if options.curves is not None:
        draw(moments, options.curves)
    verdicts = judge(moments, _SETTLED_SECONDS)
    summary = {
        "seconds": round(moments[-1].seconds),
        "cycles": len(moments),
        "camera deaths": tally.deaths,
        "listeners": tally.sockets,
        "messages": tally.messages,
        "watchers": tally.watchers,
        "jobs": tally.jobs,
        "rows lost": lost,
        "exit code": code,
    }
    if options.json:
        answer = {
            "summary": summary,
            "verdicts": {name: asdict(verdict) for name, verdict in verdicts.items()},
            "moments": [asdict(moment) for moment in moments],
        }
        print(json.dumps(answer, indent=1))
    else:
        _print(summary, verdicts)
    sys.exit(not all(verdict.is_flat for verdict in verdicts.values()))


def _config(folder: Path, cameras: Cameras) -> dict[str, Any]:
    kinds = ("events", "tracks", "counts", "jobs", "audit", "pictures")
    return {
        "detector": {"classes": ["person"]},
        "streams": cameras.streams(),
        "telemetry": {"log_level": "warning"},
        "storage": {
            "url": f"sqlite:///{folder / 'store.db'}",
            "folder": str(folder / "files"),
            "retention": {f"{kind}_days": _KEPT_DAYS for kind in kinds},
        },
    }


async def _soak(
    service: RunningService,
    cameras: Cameras,
    tally: Tally,
    seconds: float,
    cycle: float,
    *,
    quiet: bool,
) -> tuple[list[Calm], int]:
    chance = random.Random(16)
    headers = {"Authorization": f"Bearer {service.token}"}
    began = time.monotonic()
    moments: list[Calm] = []
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as client:
        crowd = Crowd(client, service.token, tally, chance)
        await _until_calm(client)
        ages = await _ages(client)
        while True:
            async with asyncio.TaskGroup() as group:
                group.create_task(crowd.visit(cycle))
                group.create_task(_later(0.3 * cycle, cameras))
                if len(moments) % _CYCLES_A_JOB == 0:
                    group.create_task(crowd.have_tracked())
            await _until_calm(client)
            before, ages = ages, await _ages(client)
            moments.append(
                Calm(
                    time.monotonic() - began,
                    **await _looked_at(service),
                    latency=float(np.percentile(tally.latencies, 95)),
                    age=(ages[0] - before[0]) / max(ages[1] - before[1], 1),
                )
            )
            tally.latencies.clear()
            if not quiet:
                print(_line(moments[-1]), flush=True)
            if moments[-1].seconds >= seconds and len(moments) >= 6:
                return moments, round(sum(await _metric(client, "sightline_store_lost_total")))


async def _later(seconds: float, cameras: Cameras) -> None:
    await asyncio.sleep(seconds)
    await cameras.misbehave()


async def _until_calm(client: httpx.AsyncClient) -> None:
    """All cameras run and are looked at, and nobody watches."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            views = (await client.get("/v1/streams")).json()["items"]
            crowd = sum(
                [
                    *await _metric(client, "sightline_live_clients"),
                    *await _metric(client, "sightline_picture_viewers"),
                ]
            )
            running = all(
                view["status"]["state"] == "RUNNING" and view["processing"] for view in views
            )
            if running and not crowd:
                return
            await asyncio.sleep(0.2)


async def _looked_at(service: RunningService) -> dict[str, float]:
    """The middle of some looks: a connection may be about to end in one of them."""
    looks = []
    for _ in range(_LOOKS):
        looks.append(await asyncio.to_thread(_look, service))
        await asyncio.sleep(0.4)
    return {name: float(np.median([look[name] for look in looks])) for name in looks[0]}


def _look(service: RunningService) -> dict[str, float]:
    sizes = {"service": 0.0, "detector": 0.0, "readers": 0.0}
    handles = threads = 0
    for pid in service.processes():
        place = Path(f"/proc/{pid}")
        try:
            libraries = (place / "maps").read_text()
            size = _field(place / "smaps_rollup", "Pss:") * 1024
            handles += sum(1 for _ in (place / "fd").iterdir())
            threads += _field(place / "status", "Threads:")
        except OSError:  # it ended meanwhile
            continue
        if pid == service.pid:
            sizes["service"] += size
        elif "onnxruntime" in libraries:
            sizes["detector"] += size
        else:
            sizes["readers"] += size
    rings = sum(_sizes(Path("/dev/shm"), f"sightline-{service.pid}-*"))
    store = sum(_sizes(service.folder, "store.db*"))
    return {**sizes, "handles": handles, "threads": threads, "rings": rings, "store": store}


def _field(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.open() if line.startswith(name))


def _sizes(folder: Path, pattern: str) -> Iterator[int]:
    for path in folder.glob(pattern):
        try:
            yield path.stat().st_size
        except FileNotFoundError:
            continue


async def _ages(client: httpx.AsyncClient) -> tuple[float, float]:
    """Seconds and number of all frames so far."""
    return (
        sum(await _metric(client, "sightline_frame_age_seconds_sum")),
        sum(await _metric(client, "sightline_frame_age_seconds_count")),
    )


async def _metric(client: httpx.AsyncClient, name: str) -> list[float]:
    text = (await client.get("/metrics")).text
    return [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def _line(moment: Calm) -> str:
    return (
        f"{moment.seconds:6.0f} s  memory {moment.service / 2**20:.0f} + "
        f"{moment.detector / 2**20:.0f} + {moment.readers / 2**20:.0f} MiB  "
        f"handles {moment.handles:.0f}  threads {moment.threads:.0f}  "
        f"store {moment.store / 2**20:.1f} MiB  p95 {1000 * moment.latency:.0f} ms  "
        f"age {1000 * moment.age:.0f} ms"
    )


def _print(summary: dict[str, Any], verdicts: dict[str, Verdict]) -> None:
    print(", ".join(f"{name} {value}" for name, value in summary.items()))
    print(f"{'':30} {'median':>9} {'grew':>8} {'surely':>8} {'allowed':>8}")
    for verdict in verdicts.values():
        print(
            f"{verdict.label:30} {verdict.median:9.1f} {verdict.growth:8.1f} "
            f"{verdict.surely:8.1f} {verdict.allowed:8.1f}  "
            f"{'flat' if verdict.is_flat else 'GROWS'}"
        )


if __name__ == "__main__":
    main()
