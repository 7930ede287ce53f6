"""`sightline doctor`: what this machine offers, and why not something better."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["doctor"]

_PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "numba",
    "opencv-python-headless",
    "av",
)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which device networks would run on and why not a better one.

    Example: sightline doctor
    """
    fields = _examine()
    if as_json:
        print(json.dumps(fields, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("networks run on", f"{fields['device']} (--device auto)")
    for name, reason in fields["devices"].items():
        table.add_row(f"  {name}", reason or "usable")
    table.add_row("processor cores", f"{fields['cores']} usable of {fields['machine_cores']}")
    table.add_row("system", str(fields["system"]))
    for name, version in fields["versions"].items():
        table.add_row(name, version or "not installed")
    for warning in fields["warnings"]:
        table.add_row("warning", warning)
    Console(markup=False, highlight=False).print(table)


def _examine() -> dict[str, Any]:
    from sightline.inference import available_cores, device_reports

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
        "machine_cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions,
        "warnings": warnings,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
