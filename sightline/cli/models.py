"""`sightline models`: which networks there are, what is known of one, and fetching them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

__all__ = ["app"]

app = typer.Typer(
    help="Networks: list them, show what is known of one, download them.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the networks of the registry.

    Example: sightline models list
    """
    from sightline.detector.downloads import is_cached
    from sightline.detector.registry import registry

    rows = [
        {
            "name": name,
            "licence": entry.licence,
            "cached": is_cached(entry),
            "embedded": entry.embedded,
            "downloadable": entry.url is not None,
            "summary": entry.summary,
        }
        for name, entry in sorted(registry().items())
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "licence", "here", "what"):
        table.add_column(column, no_wrap=column != "what")
    for row in rows:
        here = "yes" if row["cached"] else "no" if row["downloadable"] else "by hand"
        here = "embedded" if row["embedded"] else here
        table.add_row(str(row["name"]), str(row["licence"]), here, str(row["summary"]))
    Console(markup=False, highlight=False).print(table)


@app.command()
def info(
    model: Annotated[
        str, typer.Argument(help="A name of the registry, a file, or the folder of a training.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show what is known of a network; of a file also what it takes and returns.

    Example: sightline models info yolox-s
    """
    path = Path(model)
    if path.is_dir() or path.suffix == ".pt":
        fields = _training_info(path)
    else:
        fields = _file_info(path) if path.is_file() else _entry_info(model)
    if as_json:
        print(json.dumps(fields, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        table.add_row(name, text)
    Console(markup=False, highlight=False).print(table)


@app.command()
def fetch(
    models: Annotated[list[str], typer.Argument(help="Names of the registry, or `all`.")],
) -> None:
    """Download networks into the cache and check them; done already, it only checks.

    Example: sightline models fetch yolox-nano yolox-s
    """
    from sightline.detector import downloads
    from sightline.detector.registry import entry_by_name, registry

    wanted = [name for name, entry in sorted(registry().items()) if entry.url]
    entries = [entry_by_name(name) for name in (wanted if models == ["all"] else models)]
    for entry in entries:
        path = downloads.fetch(entry, _DownloadBar(entry.name))
        print(path)


class _DownloadBar:
    """Shows a download; has what `pooch` calls."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress: Progress | None = None
        self.total = 0

    def update(self, count: int) -> None:
        if self._progress is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
            )
            console = Console(stderr=True)
            self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
            self._progress.start()
            self._progress.add_task(self._name, total=self.total)
        self._progress.update(self._progress.task_ids[0], advance=count)

    def reset(self) -> None:
        """Called by pooch before it completes the bar."""

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _entry_info(name: str) -> Mapping[str, Any]:
    from sightline.detector import downloads
    from sightline.detector.registry import entry_by_name

    entry = entry_by_name(name)
    sha256, known_from = downloads.expected_sha256(entry)
    check = {
        "registry": "every load is checked against the registry's SHA-256",
        "first download": "SHA-256 recorded at the first download; a file that differs is refused",
        "unknown": "SHA-256 not known; the first download records it, a later change is refused",
    }[known_from]
    return entry.model_dump(exclude_none=True, exclude={"sha256", "file"}) | {
        "sha256": sha256,
        "check": check,
        "file": str(downloads.cached_path(entry)),
        "cached": downloads.is_cached(entry),
    }


def _file_info(path: Path) -> Mapping[str, Any]:
    from sightline.detector import Detector
    from sightline.inference import file_sha256

    detector = Detector(path, device="cpu")
    entry, session = detector.entry, detector.session
    fields = {
        "name": entry.name,
        "summary": entry.summary or "not in the registry",
        "licence": detector.licence,
        "source": entry.source or "unknown",
        "sha256": file_sha256(detector.path),
        "head": detector.describe()["head"],
        "inputs": [str(tensor) for tensor in session.inputs],
        "outputs": [str(tensor) for tensor in session.outputs],
        "size": detector.input_size,
    }
    if detector.exported is None:
        fields |= asdict(detector.preprocessing)
    else:
        side = detector.exported.size
        fields |= {"size": f"as many pixels as {side}x{side}"} | _readable(detector.exported.facts)
    return fields | {"classes": detector.class_names}


def _training_info(path: Path) -> Mapping[str, Any]:
    """What a network of a training is; its exported file says also what its cells see."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from sightline.detector.training.run_folder import load_network

    network, recipe, facts = load_network(path)
    side = recipe.validation.size
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, side, side))
    scores = {name: round(value, 4) for name, value in facts["scores"].items()}
    return {
        "name": recipe.name,
        "licence": recipe.licence,
        "head": recipe.head,
        "scale": network.scale,
        "backbone": network.backbone_name,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "gflops": round(counter.get_total_flops() / 1e9, 3),
        "size": f"as many pixels as {side}x{side}",
        "epoch": facts["epoch"],
        "average_precision": [f"{name}: {value}" for name, value in scores.items()],
        "classes": network.class_names,
    }


def _readable(facts: Mapping[str, str]) -> dict[str, Any]:
    """What an export of ours says of itself, JSON taken apart."""
    readable: dict[str, Any] = {}
    for name, text in sorted(facts.items()):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if isinstance(value, dict):
            value = [f"{key}: {entry}" for key, entry in value.items()]
        readable[name] = value
    return readable
