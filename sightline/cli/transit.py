"""`sightline transit`: which camera leads to which, learnt from what the service has stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sightline.cross_camera import Evidence, Learnt

__all__ = ["app"]

app = typer.Typer(help="Ways between cameras: which leads to which.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command()
def learn(
    config: Annotated[Path, typer.Option(help="The configuration of the service.")],
    days: Annotated[float, typer.Option(min=0.001, help="Days of stored tracks to look at.")] = 7,
    longest: Annotated[float, typer.Option(min=1, help="Most seconds between two cameras.")] = 120,
    overlap: Annotated[
        float, typer.Option(min=0, help="Seconds that one person is seen by two cameras at once.")
    ] = 0,
    least_people: Annotated[
        int, typer.Option(min=2, help="People who went a way before it is believed.")
    ] = 5,
    likeness: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Mean likeness of one person's tracks, if known."),
    ] = None,
) -> None:
    """Find passages in the stored tracks, and print them as a part of the configuration.

    The service may run. What is found is a proposal: read it before it is used.

    Example:  sightline transit learn --config service.yaml --days 2 > transit.yaml
    """
    import time

    import yaml

    from sightline.cross_camera import Learning, calibrate_looks, learn_passages
    from sightline.cross_camera.learning import SAME_LIKENESS
    from sightline.errors import InputError
    from sightline.service.config import read_config
    from sightline.service.store.database import Database
    from sightline.service.transit.joiner import configured_evidence
    from sightline.service.transit.sightings import read_sightings

    settings = read_config(config)
    database = Database(settings.storage.url.get_secret_value())
    try:
        database.check()
        with database.reading() as session:
            begin = time.time() - 86_400 * days
            sightings = read_sightings(session, begin=begin)
    finally:
        database.close()
    if not any(one.vectors is not None for one in sightings):
        raise InputError(
            f"{len(sightings)} tracks of the last {days:g} days, and none with looks; set "
            "tracker.reid, such as sightline-reid, and let the cameras run"
        )
    looks = calibrate_looks(sightings, likeness=likeness or SAME_LIKENESS, overlapping=overlap > 0)
    evidence = looks or configured_evidence(settings)
    found = learn_passages(
        sightings, evidence, Learning(-overlap, longest, least_links=least_people)
    )
    for way in found:
        print(f"sightline: {_sentence(way)}", file=sys.stderr)
    if not found:
        print(
            f"sightline: no way was found in {len(sightings)} tracks; try more --days, or a longer "
            "--longest",
            file=sys.stderr,
        )
    print(yaml.safe_dump({"transit": _section(found, looks)}, sort_keys=False), end="")


def _sentence(way: Learnt) -> str:
    passage = way.passage
    return (
        f"{passage.source} → {passage.target}: {way.links} people in "
        f"{passage.shortest:.1f} … {passage.longest:.1f} s, most in {passage.typical:.1f} s "
        f"({way.chance:.1f} would be chance)"
    )


def _section(found: list[Learnt], looks: Evidence | None) -> dict[str, Any]:
    passages = [
        {
            "leave": way.passage.source,
            "enter": way.passage.target,
            "seconds": [round(way.passage.shortest, 1), round(way.passage.longest, 1)],
            "typical": round(way.passage.typical or 0.0, 2),
            "deviation": round(way.passage.deviation or 0.0, 2),
            "exit": [list(corner) for corner in way.passage.exit or ()],
            "entry": [list(corner) for corner in way.passage.entry or ()],
        }
        for way in found
    ]
    section: dict[str, Any] = {"passages": passages}
    if looks is not None:
        section |= {
            "threshold": round(looks.threshold, 3),
            "steepness": round(looks.steepness, 2),
        }
    return section
