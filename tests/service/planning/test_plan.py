"""Plans from unit costs: what they grow with, what decides, what cannot be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.errors import ConfigError, InputError
from sightline.service.planning.costs import UnitCosts, read_costs
from sightline.service.planning.plan import USABLE, Load, Machine, make_plan, predict_cpu

MEASURED = Path(__file__).resolve().parents[3] / "benchmarks" / "unit-costs.json"
COSTS = UnitCosts.model_validate(
    {
        "machine": {"processor": "a", "cores": 4, "memory_gib": 16},
        "measured_at": "2026-01-01",
        "people": 4,
        "reader": {"second": 0.01, "frame": 0.001, "megapixel": 0.002, "memory_mib": 50},
        "service": {"second": 0.01, "camera": 0.001, "frame": 0.001, "megapixel": 0,
                    "memory_mib": 200},
        "detectors": [
            {"model": "n", "device": "cpu", "busy": 0.02, "second": 0.02, "frame": 0.02,
             "megapixel": 0.001, "memory_mib": 100},
            {"model": "n", "device": "cuda", "busy": 0.002, "second": 0.02, "frame": 0.002,
             "megapixel": 0.001, "memory_mib": 900},
        ],
        "store_bytes_box": 20,
        "bits_pixel": 0.1,
    }
)  # fmt: skip
LOAD = Load(
    cameras=100, fps=10, process_fps=5, width=1000, height=1000, people=2, days=10, bits_pixel=None
)
MACHINE = Machine(cores=16, memory_gib=64, network_gbit=1, disk_gib=1000, gpus=2)


def test_processor_is_the_sum_of_what_each_process_takes() -> None:
    detector = COSTS.detector("n", "cpu")
    readers = 100 * (0.01 + 10 * (0.001 + 0.002))
    looking = 500 * (0.02 + 0.001) + 3 * 0.02
    serving = 3 * 0.01 + 100 * 0.001 + 500 * 0.001
    assert predict_cpu(COSTS, detector, LOAD, 3) == pytest.approx(readers + looking + serving)


def test_largest_need_decides_and_is_named_first() -> None:
    plan = make_plan(COSTS, LOAD, MACHINE, "n", "cpu")
    assert plan.bottleneck == plan.needs[0].name == "processor"
    assert plan.machines == -(-plan.needs[0].amount // (USABLE * 16))
    for need, short in (
        ("network", replace(MACHINE, network_gbit=1e-4)),
        ("disk", replace(MACHINE, disk_gib=0.1)),
    ):
        assert make_plan(COSTS, LOAD, short, "n", "cpu").bottleneck == need
    on_gpu = make_plan(COSTS, LOAD, replace(MACHINE, cores=1e4), "n", "cuda")
    gpu = next(need for need in on_gpu.needs if need.name == "GPU")
    assert gpu.amount == pytest.approx(500 * 0.002)
    assert gpu.machines == pytest.approx(1.0 / (USABLE * 2))


def test_amounts_are_those_of_the_load() -> None:
    amounts = {need.name: need.amount for need in make_plan(COSTS, LOAD, MACHINE, "n", "cpu").needs}
    assert amounts["network"] == pytest.approx(100 * 10 * 1e6 * 0.1 / 1e9)
    assert amounts["disk"] == pytest.approx(500 * 2 * 20 * 86_400 * 10 / 2**30)
    told = replace(LOAD, bits_pixel=0.4)
    more = {need.name: need.amount for need in make_plan(COSTS, told, MACHINE, "n", "cpu").needs}
    assert more["network"] == pytest.approx(4 * amounts["network"])


@given(cameras=st.integers(1, 5000), more=st.integers(1, 5000))
def test_more_cameras_never_take_less(cameras: int, more: int) -> None:
    few, many = (
        make_plan(COSTS, replace(LOAD, cameras=number), MACHINE, "n", "cpu")
        for number in (cameras, cameras + more)
    )
    assert many.machines >= few.machines
    assert many.services >= few.services
    # No detector is asked for more than it has time for.
    per_service = -(-cameras // few.services)
    assert per_service * LOAD.process_fps * few.busy <= USABLE + 1e-9


def test_what_no_number_of_machines_can_do_is_said() -> None:
    with pytest.raises(InputError, match="--process-fps"):
        make_plan(COSTS, replace(LOAD, process_fps=60), MACHINE, "n", "cpu")
    with pytest.raises(InputError, match="measured: n on cpu, n on cuda"):
        make_plan(COSTS, LOAD, MACHINE, "m", "cpu")
    with pytest.raises(InputError, match="without GPU"):
        make_plan(COSTS, LOAD, replace(MACHINE, gpus=0), "n", "cuda")


def test_costs_that_are_missing_or_damaged_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"benchmarks/unit_costs\.py"):
        read_costs(tmp_path / "none.json")
    path = tmp_path / "costs.json"
    path.write_text(
        COSTS.model_dump_json().replace('"store_bytes_box":20.0', '"store_bytes_box":0')
    )
    with pytest.raises(ConfigError, match="store_bytes_box"):
        read_costs(path)


def test_command_plans_with_what_was_measured_and_names_the_bottleneck() -> None:
    costs = read_costs(MEASURED)
    arguments = [
        *("plan", "--cameras", "400", "--fps", "10", "--resolution", "1920x1080"),
        *("--model", costs.detectors[0].model, "--machine", "32,64,10,4000"),
        *("--costs", str(MEASURED)),
    ]
    done = CliRunner().invoke(app, [*arguments, "--simulate", "2", "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    assert answer["bottleneck"] in {"processor", "memory", "network", "disk"}
    assert answer["machines"] >= 1
    assert answer["simulation"]["processed"] > 0
    text = CliRunner().invoke(app, arguments).output
    assert f"what decides is the {answer['bottleneck']}" in text


@pytest.mark.parametrize(
    ("option", "value"),
    [("--resolution", "1920"), ("--resolution", "0x4"), ("--machine", "4,a,1,1")],
)
def test_a_size_that_is_none_is_refused(option: str, value: str) -> None:
    arguments = {"--cameras": "1", "--fps": "1", "--resolution": "640x360", option: value}
    done = CliRunner().invoke(
        app,
        ["plan", "--costs", str(MEASURED), *(word for pair in arguments.items() for word in pair)],
    )
    assert isinstance(done.exception, InputError)
    assert option in str(done.exception)
