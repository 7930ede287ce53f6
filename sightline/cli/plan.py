"""`sightline plan`: machines for so many cameras, from what was measured on one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from sightline.service.planning.plan import Machine, Plan
    from sightline.service.planning.simulation import Outcome

__all__ = ["plan"]


def plan(
    cameras: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many cameras.")],
    fps: Annotated[float, typer.Option(min=0.1, max=240, help="Frames a second of each.")],
    resolution: Annotated[str, typer.Option(metavar="WxH", help="Their pictures, as 1920x1080.")],
    model: Annotated[
        str | None, typer.Option(help="The network; the service's default if left out.")
    ] = None,
    device: Annotated[str, typer.Option(help="Device of the network: cpu, cuda.")] = "cpu",
    process_fps: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=240, help="Frames a second that are looked at; all if left out."
        ),
    ] = None,
    people: Annotated[
        float, typer.Option(min=0, help="People in view of a camera, on an average day.")
    ] = 1.0,
    days: Annotated[float, typer.Option(min=0.01, help="Days that tracks are kept.")] = 30.0,
    bitrate: Annotated[
        float | None,
        typer.Option(min=0.01, help="Mbit/s of a camera; as the measured clip's if left out."),
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(
            metavar="CORES,GIB,GBIT,DISK[,GPUS]",
            help="A machine of the rack: cores, GiB of memory, Gbit/s of network, GiB of disk, "
            "GPUs. The measured one with 1 Gbit/s and 1000 GiB if left out.",
        ),
    ] = None,
    spares: Annotated[int, typer.Option(min=0, help="Machines more, for those that fail.")] = 1,
    simulate: Annotated[
        float, typer.Option(min=0, help="Seconds to simulate with failing machines and cameras.")
    ] = 0.0,
    costs: Annotated[Path, typer.Option(help="What `benchmarks/unit_costs.py` measured.")] = Path(
        "benchmarks/unit-costs.json"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how many machines a number of cameras takes, and what decides it.

    Costs are those of the machine that was measured; 70 % of every resource is used, so that frames
    do not wait. --simulate shows frame ages and lost frames while machines and cameras fail.

    Example:  sightline plan --cameras 400 --fps 10 --resolution 1920x1080 --machine 32,64,10,4000
    """
    from dataclasses import asdict

    from sightline.detector.embedded import default_model
    from sightline.service.planning.costs import read_costs
    from sightline.service.planning.plan import Load, make_plan
    from sightline.service.planning.simulation import Failures
    from sightline.service.planning.simulation import simulate as run

    width, height = _resolution(resolution)
    measured = read_costs(costs)
    load = Load(
        cameras=cameras,
        fps=fps,
        process_fps=min(process_fps or fps, fps),
        width=width,
        height=height,
        people=people,
        days=days,
        bits_pixel=None if bitrate is None else bitrate * 1e6 / (fps * width * height),
    )
    made = make_plan(
        measured,
        load,
        _machine(machine, measured.machine.cores, measured.machine.memory_gib),
        model or default_model(),
        device,
        spares,
    )
    outcome = run(made, simulate, Failures()) if simulate else None
    if as_json:
        answer = asdict(made) | {"bottleneck": made.bottleneck}
        print(json.dumps(answer | {"simulation": outcome and asdict(outcome)}, indent=2))
    else:
        _print(made, outcome, f"{measured.machine.processor}, {measured.measured_at}")


def _resolution(text: str) -> tuple[int, int]:
    from sightline.errors import InputError

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise InputError(f"--resolution {text}: expected WIDTHxHEIGHT in pixels, as 1920x1080")
    return int(width), int(height)


def _machine(text: str | None, cores: float, memory: float) -> Machine:
    from sightline.errors import InputError
    from sightline.service.planning.plan import Machine

    if text is None:
        return Machine(cores, memory, 1.0, 1000.0)
    try:
        cores, memory, network, disk, *gpus = (float(part) for part in text.split(","))
        return Machine(cores, memory, network, disk, int(sum(gpus)))
    except ValueError:
        raise InputError(
            f"--machine {text}: expected cores, GiB of memory, Gbit/s, GiB of disk and perhaps "
            "GPUs, as 32,64,10,4000 or 32,64,10,4000,2"
        ) from None


def _print(made: Plan, outcome: Outcome | None, measured: str) -> None:
    console = Console(highlight=False)
    load = made.load
    console.print(
        f"{load.cameras} cameras of {load.width}×{load.height} at {load.fps:g} frames a second, "
        f"{load.process_fps:g} looked at; costs of {measured}",
        soft_wrap=True,
    )
    table = Table("resource", "needed", "machines", box=None, pad_edge=False)
    for need in made.needs:
        table.add_row(need.name, f"{need.amount:,.1f} {need.unit}", f"{need.machines:,.2f}")
    console.print(table)
    console.print(
        f"{made.machines} machines and {made.spares} to spare, {made.services} services; "
        f"what decides is the {made.bottleneck}",
        soft_wrap=True,
    )
    if outcome is None:
        return
    for name, text in (
        ("simulated", f"{outcome.seconds:g} s, {outcome.due:,} frames"),
        ("looked at", f"{outcome.processed / outcome.due:.2%}"),
        ("replaced by newer ones", f"{outcome.replaced:,}"),
        ("lost with machines", f"{outcome.lost:,}"),
        ("not sent while cameras reconnected", f"{outcome.unsent:,}"),
        (
            "frame age ms, median / p95 / worst",
            " / ".join(
                f"{1000 * age:.0f}"
                for age in (outcome.age_median, outcome.age_p95, outcome.age_worst)
            ),
        ),
        ("longest that a camera was not looked at", f"{outcome.longest_dark:.1f} s"),
    ):
        console.print(f"{name:41} {text}", soft_wrap=True)
