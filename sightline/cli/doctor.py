"""`sightline doctor`: what this machine offers, and why not something better."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["doctor"]

_RUNS = 20
_PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "numba",
    "opencv-python-headless",
    "av",
)


def doctor(
    model: Annotated[
        str | None,
        typer.Option(help="Also load and time this network: a name of `models list`, or a file."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Also look whether this machine has what the service asks for: its YAML file."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which device networks would run on and why not a better one.

    With --config also whether the service can run here: shared memory, file handles, store,
    folder, port.

    Example: sightline doctor --model yolox-nano
    """
    fields = _examine()
    if model is not None:
        fields["network"] = _timed(model)
    if config is not None:
        fields["service"] = _service(config)
    if as_json:
        print(json.dumps(fields, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("networks run on", f"{fields['device']} (--device auto)")
    for name, reason in fields["devices"].items():
        table.add_row(f"  {name}", reason or "usable")
    table.add_row(
        "processor cores",
        f"{fields['cores']} usable of {fields['machine_cores']}; a network takes "
        f"{fields['threads']}",
    )
    table.add_row("INT8 networks", fields["int8"])
    for name, value in fields.get("network", {}).items():
        table.add_row(name, str(value))
    table.add_row("system", str(fields["system"]))
    for name, version in fields["versions"].items():
        table.add_row(name, version or "not installed")
    for finding in fields.get("service", ()):
        sign = "" if finding["is_fine"] else "PROBLEM: "
        table.add_row(f"service: {finding['name']}", f"{sign}{finding['text']}")
    for warning in fields["warnings"]:
        table.add_row("warning", warning)
    Console(markup=False, highlight=False).print(table)


def _examine() -> dict[str, Any]:
    from sightline.inference import available_cores, device_reports, int8_instructions

    reports = device_reports()
    versions = {"sightline": _version("sightline"), "python": platform.python_version()}
    versions |= {name: _version(name) for name in _PACKAGES}
    warnings = []
    if versions["onnxruntime"] and versions["onnxruntime-gpu"]:
        warnings.append(
            "onnxruntime and onnxruntime-gpu provide the same module and overwrite each other: "
            "uninstall both, then install the one that you want"
        )
    devices = {report.device: report.reason for report in reports}
    if not devices["tensorrt"]:
        devices["tensorrt"] = "usable; auto takes it only where an engine of the network is cached"
    best = [report.device for report in reports if report.usable and report.device != "tensorrt"]
    return {
        "device": best[0],
        "devices": devices,
        "cores": available_cores(),
        "threads": available_cores(physical=True),
        "int8": _int8(int8_instructions()),
        "machine_cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions,
        "warnings": warnings,
    }


def _service(config: Path) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from sightline.service.config import read_config
    from sightline.service.readiness import examine

    return [asdict(finding) for finding in examine(read_config(config))]


def _int8(instructions: str | None) -> str:
    if instructions is None:
        return "cannot tell whether this processor runs them faster than float32: time both"
    if not instructions:
        return "no faster than float32 here: the processor lacks VNNI and dot products"
    return f"faster than float32 here: the processor has {instructions}"


def _timed(model: str) -> dict[str, Any]:
    """A network on the device that auto takes, and what a frame costs there."""
    import statistics
    import time

    import numpy as np

    from sightline.detector import Detector
    from sightline.structures import Frame

    detector = Detector(model)
    frame = Frame(np.full((1080, 1920, 3), 90, np.uint8))
    times = []
    for _ in range(_RUNS + 3):  # the first ones prepare
        began = time.perf_counter()
        detector.detect([frame])
        times.append(time.perf_counter() - began)
    described = detector.describe()
    fields = {
        "network": described["name"],
        "it runs on": described["device"],
        "milliseconds a frame": round(statistics.median(times[3:]) * 1e3, 1),
    }
    if described["nodes"]:
        shares = described["nodes"].items()
        fields["its nodes"] = ", ".join(f"{count} on {provider}" for provider, count in shares)
    return fields


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
