"""From measured unit costs to machines: a sum for each resource, and the largest need wins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sightline.errors import InputError
from sightline.service.cameras.ring import FrameRing
from sightline.service.planning.costs import DetectorCosts, UnitCosts

__all__ = [
    "USABLE",
    "Load",
    "Machine",
    "Need",
    "Plan",
    "make_plan",
    "predict_cpu",
    "predict_memory",
]

USABLE: Final = 0.7
"""Share of a resource that a plan uses: what is busier makes frames wait."""
_RINGS: Final = 2
"""Of a camera: of its frames, and while somebody watches, of what was looked at."""
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for.

    Args:
        cameras: How many.
        fps: Frames a second that each sends.
        process_fps: Of them looked at.
        width: Pixels.
        height: Pixels.
        people: In view of a camera, on an average.
        days: That tracks are kept.
        bits_pixel: Of the cameras' video; None takes what was measured.
    """

    cameras: int
    fps: float
    process_fps: float
    width: int
    height: int
    people: float
    days: float
    bits_pixel: float | None = None

    @property
    def megapixels(self) -> float:
        """Of a frame."""
        return self.width * self.height / 1e6


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the rack.

    Args:
        cores: Processor cores, as fast as those that were measured.
        memory_gib: Memory.
        network_gbit: Gigabits a second that come in.
        disk_gib: Room for the store.
        gpus: Devices of the kind that was measured.
    """

    cores: float
    memory_gib: float
    network_gbit: float
    disk_gib: float
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """How much of a resource is needed.

    Args:
        name: The resource.
        amount: How much, in `unit`.
        unit: Of the amount.
        machines: Machines that have so much between them, with `USABLE` of it used.
    """

    name: str
    amount: float
    unit: str
    machines: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load takes.

    Args:
        load: The load.
        machine: The machine.
        needs: By resource, the greatest first.
        services: Services, each with a detector's process of its own.
        machines: Machines that carry the load.
        spares: Machines more, for those that fail.
        busy: Seconds that a frame keeps a detector.
    """

    load: Load
    machine: Machine
    needs: tuple[Need, ...]
    services: int
    machines: int
    spares: int
    busy: float

    @property
    def bottleneck(self) -> str:
        """The resource that decides how many machines it takes."""
        return self.needs[0].name


def make_plan(
    costs: UnitCosts, load: Load, machine: Machine, model: str, device: str, spares: int = 1
) -> Plan:
    """Reckon what a load takes.

    Raises:
        InputError: The network was not measured, or one camera is more than a machine or a
            detector can do.
    """
    detector = costs.detector(model, device)
    services = _services(costs, detector, load)
    rings = load.cameras * _RINGS * FrameRing.bytes_for(load.height, load.width) / 2**20
    memory = predict_memory(costs, detector, load, services) + rings
    frames = load.cameras * load.process_fps
    bits = costs.bits_pixel if load.bits_pixel is None else load.bits_pixel
    network = load.cameras * load.fps * load.width * load.height * bits / 1e9
    disk = frames * load.people * costs.store_bytes_box * _DAY * load.days / 2**30
    amounts = [
        ("processor", predict_cpu(costs, detector, load, services), "cores", machine.cores),
        ("memory", memory / 1024, "GiB", machine.memory_gib),
        ("network", network, "Gbit/s", machine.network_gbit),
        ("disk", disk, "GiB", machine.disk_gib),
    ]
    if device != "cpu":
        amounts.append(("GPU", frames * detector.busy, "GPUs", machine.gpus))
    for name, _, unit, there in amounts:
        if there <= 0:
            raise InputError(f"a machine without {name} ({there:g} {unit}) carries no camera")
    needs = sorted(
        (
            Need(name, amount, unit, amount / (USABLE * there))
            for name, amount, unit, there in amounts
        ),
        key=lambda need: -need.machines,
    )
    return Plan(
        load,
        machine,
        tuple(needs),
        services,
        max(1, math.ceil(needs[0].machines - 1e-9)),
        spares,
        detector.busy,
    )


def predict_cpu(costs: UnitCosts, detector: DetectorCosts, load: Load, services: int) -> float:
    """Cores that are busy all the time."""
    size = load.megapixels
    frames = load.cameras * load.process_fps
    return (
        load.cameras * costs.reader.cpu(load.fps, size)
        + services * (costs.service.second + detector.second)
        + costs.service.cpu(frames, size, load.cameras)
        - costs.service.second
        + detector.cpu(frames, size, load.cameras)
        - detector.second
    )


def predict_memory(costs: UnitCosts, detector: DetectorCosts, load: Load, services: int) -> float:
    """MiB of all processes, without the frames in shared memory."""
    size = load.megapixels
    return load.cameras * costs.reader.memory(size) + services * (
        costs.service.memory(size) + detector.memory(size)
    )


def _services(costs: UnitCosts, detector: DetectorCosts, load: Load) -> int:
    """How many: a detector, and a main process, do one thing at a time."""
    size = load.megapixels
    detecting = load.process_fps * detector.busy
    serving = costs.service.cpu(load.process_fps, size, 1) - costs.service.second
    room = USABLE - costs.service.second
    if detecting > USABLE or serving > room:
        raise InputError(
            f"one camera at {load.process_fps:g} frames a second keeps a detector busy for "
            f"{detecting:.0%} of the time, and a plan uses {USABLE:.0%}; look at fewer "
            "(--process-fps), or take a faster network or device"
        )
    most = math.floor(min(USABLE / detecting, room / serving if serving else math.inf))
    return math.ceil(load.cameras / most)
