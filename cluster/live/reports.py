"""What the engines of all nodes are and do, as one report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from sightline.service.engine.messages import EngineReport, EngineState

__all__ = ["merged"]

_ORDER: tuple[EngineState, ...] = ("RUNNING", "STARTING", "BACKOFF", "STOPPED")


def merged(reports: Mapping[str, EngineReport], empty: EngineReport) -> EngineReport:
    """One report of several engines.

    It runs where one of them does. Numbers are sums, the utilisation is the mean; what a network
    says of itself is what the first that runs says, with the device of every node.

    Args:
        reports: By node.
        empty: What is said without any.
    """
    if not reports:
        return empty
    ranked = sorted(reports.items(), key=lambda pair: (_ORDER.index(pair[1].state), pair[0]))
    _, first = ranked[0]
    seconds: defaultdict[str, float] = defaultdict(float)
    batches: Counter[int] = Counter()
    for report in reports.values():
        batches.update(report.batches)
        for stage, spent in report.stage_seconds.items():
            seconds[stage] += spent
    errors = [f"{name}: {one.last_error}" for name, one in ranked if one.last_error]
    return replace(
        first,
        at=max(report.at for report in reports.values()),
        detector={**first.detector, "nodes_of_cluster": {n: r.device for n, r in ranked}},
        utilisation=sum(report.utilisation for report in reports.values()) / len(reports),
        frames=sum(report.frames for report in reports.values()),
        stage_seconds=dict(seconds),
        batches=dict(batches),
        restarts=sum(report.restarts for report in reports.values()),
        last_error="; ".join(errors),
        problems={
            key: text for report in reports.values() for key, text in report.problems.items()
        },
    )
