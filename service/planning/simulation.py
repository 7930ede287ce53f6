"""A plan put to the test without its machines: cameras, detectors and failures, simulated.

Each service has one detector that takes the newest frame of the camera that has waited longest, as
the scheduler does; a frame that nobody came for is replaced by the next. A machine that fails takes
its services with it; their cameras are looked at nowhere until that is noticed, then begin on the
other machines. Discrete events by SimPy: one a frame that is looked at.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.service.planning.plan import Plan

__all__ = ["Failures", "Outcome", "simulate"]

_SPREAD = 0.1
"""Of a frame's time at the detector, as a share of it."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What goes wrong in the simulated time.

    Args:
        machines: How many machines fail, one after the other.
        noticed: Seconds until that is noticed.
        moved: Seconds from then until cameras are looked at elsewhere.
        cameras: Share of the cameras that reconnect once.
        reconnecting: Seconds that it takes them.
    """

    machines: int = 2
    noticed: float = 5.0
    moved: float = 10.0
    cameras: float = 0.02
    reconnecting: float = 8.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Args:
        seconds: Simulated.
        due: Frames that cameras offered to be looked at.
        processed: Of them looked at.
        replaced: Left out, since a newer one came first.
        lost: Of cameras whose machine had failed.
        unsent: That cameras did not send while they reconnected.
        age_median: Seconds from capture to tracks.
        age_p95: The same.
        age_worst: The same.
        longest_dark: Seconds that a camera was not looked at, at most.
    """

    seconds: float
    due: int
    processed: int
    replaced: int
    lost: int
    unsent: int
    age_median: float
    age_p95: float
    age_worst: float
    longest_dark: float


@dataclass(slots=True)
class _Camera:
    """Frames come at `phase + k · period`; those before `done` are accounted for.

    Args:
        phase: Of its frames.
        done: Number of the next frame that nothing is known of.
        looked_at: When it was looked at last.
        silent: From when to when it sends nothing.
    """

    phase: float
    done: int = 0
    looked_at: float = 0.0
    silent: tuple[float, float] = (math.inf, math.inf)


@dataclass(slots=True)
class _Service:
    """A detector with the cameras that wait for it, by when their next frame comes.

    Args:
        machine: Number of its machine.
        waiting: Heap of time and camera.
    """

    machine: int
    waiting: list[tuple[float, int]] = field(default_factory=list)


def simulate(
    plan: Plan, seconds: float = 60.0, failures: Failures | None = None, seed: int = 1
) -> Outcome:
    """Let a plan run for so long.

    Args:
        plan: Its load, its machines with their spares, its cost of a frame.
        seconds: Simulated; all failures are in the first half.
        failures: What goes wrong; None for nothing.
        seed: Of everything that is by chance.
    """
    return _Simulation(plan, seconds, failures or Failures(machines=0, cameras=0.0), seed).run()


class _Simulation:
    def __init__(self, plan: Plan, seconds: float, failures: Failures, seed: int) -> None:
        import simpy

        self._environment = simpy.Environment()
        self._plan = plan
        self._seconds = seconds
        self._failures = failures
        self._random = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
        self._period = 1 / plan.load.process_fps
        self._ages: list[float] = []
        self._replaced = self._lost = self._unsent = 0
        self._dark = 0.0
        self._dead: set[int] = set()
        count = plan.machines + plan.spares
        # Spares carry cameras too: more room for all until one fails.
        self._services = [_Service(number % count) for number in range(max(plan.services, count))]
        self._cameras = [
            _Camera(self._random.uniform(0, self._period)) for _ in range(plan.load.cameras)
        ]
        for number, camera in enumerate(self._cameras):
            self._give(self._services[number % len(self._services)], number)
            if self._random.random() < failures.cameras:
                begin = self._random.uniform(0, seconds / 2)
                camera.silent = (begin, begin + failures.reconnecting)

    def run(self) -> Outcome:
        environment = self._environment
        for service in self._services:
            environment.process(self._detect(service))
        environment.process(self._fail())
        environment.run(until=self._seconds)
        for camera in self._cameras:
            self._dark = max(self._dark, self._seconds - camera.looked_at)
        ages = np.array(self._ages or [math.nan])
        median, p95 = np.percentile(ages, (50, 95))
        processed = len(self._ages)
        return Outcome(
            self._seconds,
            processed + self._replaced + self._lost + self._unsent,
            processed,
            self._replaced,
            self._lost,
            self._unsent,
            float(median),
            float(p95),
            float(ages.max()),
            self._dark,
        )

    def _give(self, service: _Service, number: int) -> None:
        """Have a camera looked at by a service, from its next frame on."""
        camera = self._cameras[number]
        heapq.heappush(service.waiting, (camera.phase + camera.done * self._period, number))

    def _detect(self, service: _Service) -> Generator[Any, Any, None]:
        environment = self._environment
        while service.machine not in self._dead:
            if not service.waiting:
                yield environment.timeout(self._period)
                continue
            ready, number = heapq.heappop(service.waiting)
            camera = self._cameras[number]
            begin = max(environment.now, ready)
            newest = int((begin - camera.phase) / self._period + 1e-9)
            captured = camera.phase + newest * self._period
            self._replaced += newest - camera.done
            if camera.silent[0] <= captured < camera.silent[1]:
                back = math.ceil((camera.silent[1] - camera.phase) / self._period)
                self._unsent += back - newest
                camera.done = back
                self._give(service, number)
                continue
            camera.done = newest + 1
            busy = self._plan.busy * max(0.5, self._random.gauss(1, _SPREAD))
            yield environment.timeout(begin - environment.now + busy)
            self._give(service, number)
            if service.machine in self._dead:
                self._lost += 1  # it was in flight
                return
            self._ages.append(environment.now - captured)
            self._dark = max(self._dark, environment.now - camera.looked_at)
            camera.looked_at = environment.now

    def _fail(self) -> Generator[Any, Any, None]:
        """Machines fail one after the other in the first half."""
        gap = self._seconds / 2 / (self._failures.machines + 1)
        for machine in range(self._failures.machines):
            yield self._environment.timeout(gap)
            self._dead.add(machine)
            self._environment.process(self._move(machine))

    def _move(self, machine: int) -> Generator[Any, Any, None]:
        """Its cameras begin elsewhere; what they sent meanwhile is lost."""
        yield self._environment.timeout(self._failures.noticed + self._failures.moved)
        left = [service for service in self._services if service.machine not in self._dead]
        orphans = [
            number
            for service in self._services
            if service.machine == machine
            for _, number in service.waiting
        ]
        for place, number in enumerate(orphans):
            camera = self._cameras[number]
            come = math.ceil((self._environment.now - camera.phase) / self._period)
            self._lost += max(0, come - camera.done)
            camera.done = max(come, camera.done)
            if left:
                self._give(left[place % len(left)], number)
