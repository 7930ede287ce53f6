"""`sightline eval`: result files against ground truth."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from sightline.eval.comparison import Progress
    from sightline.eval.dataset import TrackerResults, TruthSequence
    from sightline.eval.protocols import Protocol

__all__ = ["evaluate", "print_tables", "progress_bar", "table_console"]

ProtocolOption = Annotated[
    str, typer.Option(help="mot15, mot16, mot17, mot20, dancetrack or plain.")
]
SplitOption = Annotated[str, typer.Option(help="all, train-half or val-half.")]
JobsOption = Annotated[
    int, typer.Option(min=1, help="Sequences at a time; the output does not depend on it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the scores as JSON on stdout.")]
ReportOption = Annotated[
    Path | None, typer.Option(help="Write one self-contained HTML file.", show_default=False)
]


def evaluate(
    ground_truth: Annotated[
        Path,
        typer.Argument(help="Folder of SEQ/gt/gt.txt, a zip file of that, or one gt.txt."),
    ],
    results: Annotated[
        list[Path],
        typer.Argument(help="Folder of SEQ.txt, a zip file, or one file; several are compared."),
    ],
    protocol: ProtocolOption = "mot17",
    split: SplitOption = "all",
    renumbered: Annotated[
        bool, typer.Option(help="Result frames count from 1 at the split's first frame.")
    ] = False,
    metrics: Annotated[str, typer.Option(help="Any of hota,clear,identity.")] = (
        "hota,clear,identity"
    ),
    engine: Annotated[
        str, typer.Option(help="native; or motmetrics, trackeval: score through those packages.")
    ] = "native",
    jobs: JobsOption = 1,
    json_output: JsonOption = False,
    report: ReportOption = None,
    validate: Annotated[
        bool, typer.Option(help="Only check the files: every finding, nothing is scored.")
    ] = False,
) -> None:
    """Score tracks against ground truth: HOTA, MOTA, IDF1, with 95 % intervals.

    Example:  sightline eval MOT17/train results/mytracker --split val-half --report report.html
    """
    from sightline.eval.comparison import (
        METRICS,
        comparison_as_json,
        evaluate_trackers,
        select_metrics,
    )
    from sightline.eval.dataset import find_results, find_truth
    from sightline.eval.engines import ENGINES
    from sightline.eval.protocols import get_protocol

    families = _families(metrics, tuple(METRICS))
    if engine not in ENGINES:
        raise ConfigError(f"no engine {engine!r}; known are {', '.join(ENGINES)}")
    chosen = get_protocol(protocol)
    truths = find_truth(ground_truth)
    trackers = _distinct([found for path in results for found in find_results(path, truths)])
    if validate:
        raise typer.Exit(_validate(truths, trackers, chosen, split, renumbered=renumbered))
    if engine != "native":
        output = _score_elsewhere(engine, truths, trackers, chosen, split, renumbered=renumbered)
        for tracker in output["trackers"].values():
            tracker["combined"] = select_metrics(tracker["combined"], families)
            tracker["sequences"] = {
                name: select_metrics(scores, families)
                for name, scores in tracker["sequences"].items()
            }
        _finish(output, json_output=json_output)
        return
    with progress_bar(sum(len(tracker.files) for tracker in trackers), "scoring") as progress:
        comparison = evaluate_trackers(
            truths, trackers,
            protocol=chosen, split=split, renumbered=renumbered, jobs=jobs, progress=progress,
            parameters={"protocol": chosen.name, "split": split, "renumbered": renumbered},
        )  # fmt: skip
    for finding in comparison.findings:
        print(f"sightline: warning: {finding}", file=sys.stderr)
    output = comparison_as_json(comparison, families)
    if report is not None:
        from sightline.eval.report import write_report

        write_report(report, comparison)
    _finish(output, json_output=json_output)
    if report is not None and not json_output:
        print(f"report: {report}")


@contextmanager
def progress_bar(total: int, what: str) -> Iterator[Progress]:
    """A bar on a terminal, silence where output is piped; yields what counts one step."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    bar = Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[name]}"),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(what, total=total, name="")
        yield lambda name: bar.update(task, advance=1, name=name)


def table_console() -> Console:
    """Standard output; where it is piped, wide enough for every column."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def print_tables(output: Mapping[str, Any]) -> None:
    """Tables of a comparison's JSON: trackers side by side, then each tracker's sequences."""
    from sightline.eval.tables import score_table

    console = table_console()
    trackers = output["trackers"]
    title = f"{output['protocol']}, split {output['split']}: combined, percent (95 % interval)"
    rows = {name: tracker["combined"] for name, tracker in trackers.items()}
    ends = {name: tracker.get("intervals", {}) for name, tracker in trackers.items()}
    console.print(score_table(title, rows, intervals=ends))
    for name, tracker in trackers.items():
        console.print(score_table(name, tracker["sequences"]))
    for difference in output.get("differences", []):
        for score in ("HOTA", "MOTA", "IDF1"):
            found = difference["scores"].get(score)
            if found is None:
                continue
            verdict = "larger than chance" if found["larger_than_chance"] else "may be chance"
            console.print(
                f"{difference['first']} − {difference['second']}: {score} "
                f"{100 * found['difference']:+.2f} "
                f"({100 * found['low']:+.2f} … {100 * found['high']:+.2f}), {verdict}"
            )


def _finish(output: Mapping[str, Any], *, json_output: bool) -> None:
    if json_output:
        print(json.dumps(output, indent=2, ensure_ascii=False))
    else:
        print_tables(output)


def _families(metrics: str, known: tuple[str, ...]) -> list[str]:
    families = [name.strip().lower() for name in metrics.split(",") if name.strip()]
    unknown = [name for name in families if name not in known]
    if unknown or not families:
        raise ConfigError(f"no metrics {metrics!r}; any of {', '.join(known)}")
    return families


def _distinct(trackers: Sequence[TrackerResults]) -> list[TrackerResults]:
    """Trackers with names of their own: the second `data` becomes `data-2`."""
    from sightline.eval.dataset import TrackerResults

    seen: dict[str, int] = {}
    renamed = []
    for tracker in trackers:
        seen[tracker.name] = seen.get(tracker.name, 0) + 1
        count = seen[tracker.name]
        name = tracker.name if count == 1 else f"{tracker.name}-{count}"
        renamed.append(TrackerResults(name, tracker.files))
    return renamed


def _validate(
    truths: Sequence[TruthSequence],
    trackers: Sequence[TrackerResults],
    protocol: Protocol,
    split: str,
    *,
    renumbered: bool,
) -> int:
    from sightline.eval.comparison import pair_sequences, prepare

    pairs, findings = pair_sequences(truths, trackers)
    for pair in pairs:
        found = prepare(pair, protocol, split, renumbered).findings
        findings += [finding for finding in found if finding not in findings]
    for finding in findings:
        print(f"{'error' if finding.fatal else 'warning'}: {finding}")
    fatal = sum(finding.fatal for finding in findings)
    print(f"{len(pairs)} results checked: {fatal} errors, {len(findings) - fatal} warnings")
    return 2 if fatal else 0


def _score_elsewhere(
    engine: str,
    truths: Sequence[TruthSequence],
    trackers: Sequence[TrackerResults],
    protocol: Protocol,
    split: str,
    *,
    renumbered: bool,
) -> dict[str, Any]:
    """The JSON of scores that another package computed; it has no intervals."""
    from sightline.eval.comparison import pair_sequences, prepare, refuse_fatal
    from sightline.eval.engines import score_with_motmetrics, score_with_trackeval
    from sightline.eval.manifest import manifest

    score = score_with_motmetrics if engine == "motmetrics" else score_with_trackeval
    pairs, findings = pair_sequences(truths, trackers)
    refuse_fatal(findings)
    prepared = [prepare(pair, protocol, split, renumbered) for pair in pairs]
    inputs: dict[str, str] = {}
    for item in prepared:
        findings += [finding for finding in item.findings if finding not in findings]
        inputs |= item.inputs
    refuse_fatal(findings)
    for finding in findings:
        print(f"sightline: warning: {finding}", file=sys.stderr)
    scored = {}
    for tracker in trackers:
        found = score([item for item in prepared if item.pair.tracker == tracker.name], protocol)
        combined = found.pop("combined")
        scored[tracker.name] = {"combined": combined, "sequences": found}
    return {
        "protocol": protocol.name,
        "split": split,
        "engine": engine,
        "trackers": scored,
        "warnings": [str(finding) for finding in findings],
        "manifest": manifest({"engine": engine, "protocol": protocol.name, "split": split}, inputs),
    }
