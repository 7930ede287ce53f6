"""`sightline eval-mtmc`: identities that hold across cameras, against ground truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.evaluate import JsonOption, table_console

__all__ = ["eval_mtmc"]

_SHOWN = ("IDF1", "IDP", "IDR", "IDTP", "IDFP", "IDFN", "HOTA", "AssA", "GT_IDs", "IDs")


def eval_mtmc(
    ground_truth: Annotated[
        Path, typer.Argument(help="Folder of CAMERA.txt or CAMERA/gt/gt.txt, or a zip file.")
    ],
    results: Annotated[
        list[Path],
        typer.Argument(help="Folder of CAMERA.txt, or a zip file; several are compared."),
    ],
    protocol: Annotated[
        str, typer.Option(help="plain, mot15, mot16, mot17, mot20 or dancetrack.")
    ] = "plain",
    least_cameras: Annotated[
        int,
        typer.Option(min=1, help="Leave out identities of fewer cameras; 2 as CityFlow has it."),
    ] = 1,
    json_output: JsonOption = False,
) -> None:
    """Score identities across cameras: IDF1 over all cameras' boxes, as AI City defines it.

    A MOT file a camera; an identity has the same number in all of them.

    Example:  sightline eval-mtmc truth/ results/ --least-cameras 2
    """
    from sightline.eval.comparison import METRICS, pair_sequences, prepare, refuse_fatal
    from sightline.eval.comparison import select_metrics as select
    from sightline.eval.dataset import find_results, find_truth
    from sightline.eval.manifest import manifest
    from sightline.eval.multi_camera import CameraRows, evaluate_cameras
    from sightline.eval.protocols import get_protocol
    from sightline.eval.tables import score_table

    chosen = get_protocol(protocol)
    truths = find_truth(ground_truth)
    trackers = [found for path in results for found in find_results(path, truths)]
    pairs, findings = pair_sequences(truths, trackers)
    refuse_fatal(findings)
    prepared = [prepare(pair, chosen, "all") for pair in pairs]
    for item in prepared:
        findings += [finding for finding in item.findings if finding not in findings]
    refuse_fatal(findings)
    for finding in findings:
        print(f"sightline: warning: {finding}", file=sys.stderr)
    families = [name for name in METRICS if name != "clear"]
    scored = {}
    for tracker in trackers:
        cameras = {
            item.pair.name: CameraRows(item.truth, item.result, item.frames)
            for item in prepared
            if item.pair.tracker == tracker.name
        }
        counts = evaluate_cameras(cameras, chosen, least_cameras=least_cameras)
        scored[tracker.name] = {
            "combined": select(counts.together.scores(), families),
            "cameras": {
                name: select(camera.scores(), families) for name, camera in counts.cameras.items()
            },
        }
    if json_output:
        asked = {"protocol": chosen.name, "least_cameras": least_cameras}
        inputs = {name: digest for item in prepared for name, digest in item.inputs.items()}
        output = {**asked, "trackers": scored, "manifest": manifest(asked, inputs)}
        print(json.dumps(output, indent=2, ensure_ascii=False))
        return
    console = table_console()
    title = f"all cameras, protocol {chosen.name}: percent and boxes"
    rows = {name: scores["combined"] for name, scores in scored.items()}
    console.print(score_table(title, rows, _SHOWN))
    for name, scores in scored.items():
        console.print(score_table(f"{name}: each camera alone", scores["cameras"], _SHOWN))
