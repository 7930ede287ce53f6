"""Trackers scored side by side: files in, `Comparison` out, and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

from sightline.errors import InputError
from sightline.eval.bootstrap import Difference, compare, intervals
from sightline.eval.counts import SequenceCounts, combine
from sightline.eval.dataset import (
    TextFile,
    TrackerResults,
    TruthSequence,
    sequence_key,
    split_frames,
)
from sightline.eval.manifest import manifest, sha256
from sightline.eval.preflight import Finding, LoadedText, check_sequence, load_text
from sightline.eval.protocols import Protocol, get_protocol
from sightline.eval.sequence import evaluate_sequence
from sightline.formats.mot import MotRows

__all__ = [
    "METRICS",
    "Comparison",
    "Pair",
    "Prepared",
    "comparison_as_json",
    "evaluate_trackers",
    "pair_sequences",
    "prepare",
    "refuse_fatal",
    "select_metrics",
]

METRICS: Mapping[str, tuple[str, ...]] = {
    "hota": ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA"),
    "clear": ("MOTA", "MOTP", "IDSW", "TP", "FP", "FN", "MT", "PT", "ML", "Frag"),
    "identity": ("IDF1", "IDP", "IDR", "IDTP", "IDFP", "IDFN"),
}
"""Score names of each family of metrics; sizes (Dets, GT_Dets, IDs, …) come with any."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """A ground truth and the result that is scored against it.

    Args:
        tracker: Name of the tracker.
        name: Name of the sequence, as the result calls it.
        truth: The ground truth.
        result: The result.
    """

    tracker: str
    name: str
    truth: TruthSequence
    result: TextFile


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One pair, read and checked.

    Args:
        pair: What was read.
        truth: Rows of the ground truth.
        result: Rows of the result, in the ground truth's frame numbers.
        frames: First and last frame that is scored.
        rate: Frames per second.
        findings: What is wrong with the two.
        inputs: SHA-256 by tracker and sequence.
    """

    pair: Pair
    truth: MotRows
    result: MotRows
    frames: tuple[int, int]
    rate: float
    findings: list[Finding]
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Scores of one or several trackers.

    Args:
        protocol: Name of the protocol.
        split: Name of the split.
        trackers: Counts by tracker, then by sequence.
        findings: What preflight found, fatal findings excepted.
        parameters: What was asked for, for the manifest.
        inputs: SHA-256 by tracker and sequence.
    """

    protocol: str
    split: str
    trackers: Mapping[str, Mapping[str, SequenceCounts]]
    findings: Sequence[Finding] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def differences(self) -> dict[tuple[str, str], dict[str, Difference]]:
        """Paired bootstrap of every two trackers."""
        return {
            (one, two): compare(self.trackers[one], self.trackers[two])
            for one, two in combinations(self.trackers, 2)
        }


def pair_sequences(
    truths: Sequence[TruthSequence], trackers: Sequence[TrackerResults]
) -> tuple[list[Pair], list[Finding]]:
    """Which result is scored against which ground truth; missing and extra ones are findings.

    A result is scored against the sequence of its own name, else against the same video's of
    another detector. A tracker that has results of some detectors must have them for all videos.
    """
    by_name = {truth.name: truth for truth in truths}
    by_key: dict[str, TruthSequence] = {}
    for truth in truths:
        by_key.setdefault(sequence_key(truth.name), truth)
    pairs, findings = [], []
    for tracker in trackers:
        found = {}
        for name, result in tracker.files.items():
            matched = by_name.get(name) or by_key.get(sequence_key(name))
            if matched is None:
                message = "no sequence of that name in the ground truth; it is not scored"
                findings.append(Finding("extra-sequence", False, str(result), 0, message))
                continue
            found[name] = Pair(tracker.name, name, matched, result)
        endings = {name.removeprefix(sequence_key(name)) for name in found}
        for key in by_key:
            for ending in sorted(endings):
                if key + ending not in found:
                    message = f"no result of sequence {key}{ending}; every sequence needs one"
                    findings.append(Finding("missing-sequence", True, tracker.name, 0, message))
        pairs += [found[name] for name in sorted(found)]
    return pairs, findings


def prepare(pair: Pair, protocol: Protocol, split: str, renumbered: bool = False) -> Prepared:
    """Read and check one pair.

    Args:
        pair: What is read.
        protocol: What is going to be scored.
        split: Name of the split.
        renumbered: Whether the result's frames count from 1 at the split's first frame.
    """
    truth, findings = load_text(str(pair.truth.truth), pair.truth.truth.read())
    result, found = load_text(str(pair.result), pair.result.read())
    findings += found
    info = pair.truth.info
    length = info.length if info is not None else 0
    if info is None:
        if pair.truth.truth.relative.name == "gt.txt" or split != "all":
            findings.append(_no_info(pair, fatal=split != "all"))
        length = max(int(rows.frames.max(initial=1)) for rows in (truth.rows, result.rows))
    frames = split_frames(split, length)
    scored = result.rows
    if renumbered:
        shift = frames[0] - 1
        scored = MotRows(
            scored.frames + shift, scored.ids, scored.ltwh,
            scored.confidences, scored.classes, scored.visibilities,
        )  # fmt: skip
    shifted = LoadedText(result.file, result.data, scored)
    findings += check_sequence(truth, shifted, protocol, frames, info)
    # By name, not by path: the same files elsewhere give the same report.
    inputs = {
        f"ground truth {pair.truth.name}": sha256(truth.data),
        f"{pair.tracker} {pair.name}": sha256(result.data),
    }
    rate = info.rate if info is not None and info.rate > 0 else 30.0
    return Prepared(pair, truth.rows, scored, frames, rate, findings, inputs)


def evaluate_trackers(
    truths: Sequence[TruthSequence],
    trackers: Sequence[TrackerResults],
    *,
    protocol: str | Protocol = "mot17",
    split: str = "all",
    renumbered: bool = False,
    jobs: int = 1,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Read, check and score every sequence of every tracker.

    Args:
        truths: Ground truth of each sequence.
        trackers: Results of each tracker.
        protocol: What is scored and what is forgiven.
        split: Name of the split.
        renumbered: Whether results' frames count from 1 at the split's first frame.
        jobs: Sequences at a time; the scores do not depend on it.
        parameters: What was asked for, for the manifest.
        progress: Called with a sequence's name when it is done.

    Raises:
        InputError: Preflight found something fatal; the message has a line for each.
    """
    protocol = get_protocol(protocol)
    pairs, findings = pair_sequences(truths, trackers)
    refuse_fatal(findings)

    def work(pair: Pair) -> tuple[Prepared, SequenceCounts | None]:
        prepared = prepare(pair, protocol, split, renumbered)
        counts = None
        if not any(finding.fatal for finding in prepared.findings):
            counts = evaluate_sequence(
                prepared.truth, prepared.result,
                protocol=protocol, frames=prepared.frames, rate=prepared.rate,
            )  # fmt: skip
        if progress is not None:
            progress(pair.name)
        return prepared, counts

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        done = list(pool.map(work, pairs))
    scored: dict[str, dict[str, SequenceCounts]] = {tracker.name: {} for tracker in trackers}
    inputs: dict[str, str] = {}
    for prepared, counts in done:
        findings += [finding for finding in prepared.findings if finding not in findings]
        inputs |= prepared.inputs
        if counts is not None:
            scored[prepared.pair.tracker][prepared.pair.name] = counts
    refuse_fatal(findings)
    return Comparison(protocol.name, split, scored, findings, parameters or {}, inputs)


def select_metrics(scores: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """What of `scores` belongs to some families of METRICS, or to no family (sizes)."""
    kept = {name for family in metrics for name in METRICS[family]}
    left_out = {name for names in METRICS.values() for name in names} - kept
    return {name: value for name, value in scores.items() if name not in left_out}


def comparison_as_json(
    comparison: Comparison, metrics: Sequence[str] = tuple(METRICS)
) -> dict[str, Any]:
    """The JSON that DESIGN §2 describes, as Python values.

    Args:
        comparison: What was scored.
        metrics: Families of METRICS that are wanted.
    """

    def wanted(scores: Mapping[str, Any]) -> dict[str, Any]:
        return select_metrics(scores, metrics)

    trackers = {}
    for name, sequences in comparison.trackers.items():
        trackers[name] = {
            "combined": wanted(combine(sequences.values())),
            "intervals": wanted({k: list(v) for k, v in intervals(sequences).items()}),
            "sequences": {
                sequence: wanted(counts.scores()) for sequence, counts in sequences.items()
            },
        }
    differences = [
        {
            "first": one,
            "second": two,
            "scores": wanted(
                {
                    name: asdict(difference) | {"larger_than_chance": difference.larger_than_chance}
                    for name, difference in found.items()
                }
            ),
        }
        for (one, two), found in comparison.differences().items()
    ]
    return {
        "protocol": comparison.protocol,
        "split": comparison.split,
        "trackers": trackers,
        "differences": differences,
        "warnings": [str(finding) for finding in comparison.findings],
        "manifest": manifest(comparison.parameters, comparison.inputs),
    }


def _no_info(pair: Pair, *, fatal: bool) -> Finding:
    consequence = (
        "a split needs the sequence's length"
        if fatal
        else "the last frame of the two texts counts as the sequence's last"
    )
    message = f"no seqinfo.ini beside it; {consequence}"
    return Finding("missing-seqinfo", fatal, str(pair.truth.truth), 0, message)


def refuse_fatal(findings: Sequence[Finding]) -> None:
    """Stop where scores would mean nothing.

    Raises:
        InputError: A finding is fatal; names the first and says how many there are.
    """
    fatal = [str(finding) for finding in findings if finding.fatal]
    if fatal:
        more = f" (and {len(fatal) - 1} more: sightline eval --validate lists all)"
        raise InputError(fatal[0] + (more if len(fatal) > 1 else ""))
