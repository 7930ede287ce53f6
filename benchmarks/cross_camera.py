"""Identities across cameras: two views cut out of one real clip, and who is known again.

    python benchmarks/cross_camera.py ../shared [--model DETECTOR] [--gap 0.1] [--clip NAME]...
        [--perfect] [--cache FOLDER] [--json]

The left and the right part of a clip, with a gap between, are watched as two cameras, each by the
detector, the tracker and the re-ID network of the service. Everybody who walks across the gap is a
crossing; it is joined if the track that left and the track that came have one identity. A join is
wrong if its tracks are of two people, or one of them of nobody. The truth of vtest.avi is
mot15/PETS09-S2L1; of an unlabelled clip it is what the tracker makes of the whole picture, which
breaks in places, so that right joins count as wrong there.

Rows: the time gate alone, and with the zones, both told the true typical time of a crossing; then
looks within the gate, and all three together as `sightline serve` joins (`transit:` with 0 to 10 s
and the fifth of each picture that is next to the gap); then the same with passages that are learnt
from the two views' own tracks. What likeness means is told by people who are seen by both cameras
at once (`calibrate_looks`). `possible` are the crossings whose two tracks the passages admit: where
a tracker goes on with somebody else at the edge of a view, nothing can be joined rightly. With
`tracks of the ground truth` a camera makes no mistake, which leaves the association alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from crossings import Crossing, find_crossings, judge, owners_of
from split_views import LEFT, RIGHT, WHOLE, Watched, Watching, view_span, watch, watch_perfectly

from sightline.cross_camera import (
    Evidence,
    Learning,
    Link,
    Passage,
    Passages,
    Sighting,
    associate,
    calibrate_looks,
    chain_identities,
    learn_passages,
)
from sightline.detector.embedded import default_model
from sightline.eval.multi_camera import CameraRows, evaluate_cameras
from sightline.formats.mot import MotRows, read_mot
from sightline.reid import Embedder
from sightline.service.transit.sightings import sighting_of

GATE = (0.0, 10.0)
ZONE = 0.2
CLIPS = ("vtest.avi", "unlabelled-towncentre-street.mp4", "unlabelled-revolving-door.mp4")
TRUTHS = {"vtest.avi": "data/mot15/PETS09-S2L1/gt/gt.txt"}
WAYS = ((LEFT, RIGHT), (RIGHT, LEFT))


def main() -> None:
    """Read the arguments, watch, join, print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", help="detector; the embedded one if left out")
    parser.add_argument("--size", type=int, default=None, help="side of the network's input")
    parser.add_argument("--reid", default="sightline-reid")
    parser.add_argument("--high-score", type=float, default=None)
    parser.add_argument("--birth-score", type=float, default=None)
    parser.add_argument("--gap", type=float, default=0.1, help="share of the width, unseen")
    parser.add_argument("--clip", action="append", default=[], help="several times")
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps the tracks")
    parser.add_argument(
        "--perfect", action="store_true", help="only with the tracks of the ground truth"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    how = Watching(
        options.model or default_model("cpu"),
        options.size,
        options.reid,
        options.high_score,
        options.birth_score,
    )
    network = Embedder(options.reid, "cpu", threads=1).track_threshold or 0.5
    found = {}
    for name in options.clip or CLIPS:
        found[name] = measure(options, name, how, network)
        if not options.json:
            _print(name, found[name])
    if options.json:
        print(json.dumps(found, indent=1))


def measure(
    options: argparse.Namespace, name: str, how: Watching, network: float
) -> dict[str, Any]:
    """All rows of one clip, by whose tracks they rest on."""
    shared, gap, cache = options.shared, options.gap, options.cache
    clip = shared / "data/clips" / name
    found = {}
    truth = None
    if name in TRUTHS:
        truth = read_mot(shared / TRUTHS[name])
        truth = truth[truth.confidences != 0]
        perfect = {
            view: watch_perfectly(clip, view, gap, truth, how.reid, cache) for view in (LEFT, RIGHT)
        }
        found["ground truth"] = compare(truth, perfect, gap, network)
    if not options.perfect:
        views = {view: watch(clip, view, gap, how, cache) for view in (LEFT, RIGHT)}
        if truth is None:
            truth = watch(clip, WHOLE, gap, how, cache).rows
        found["tracker"] = compare(truth, views, gap, network)
    return found


def compare(
    truth: MotRows, views: dict[str, Watched], gap: float, network: float
) -> dict[str, Any]:
    """What the gate alone, looks, and all cues together make of two views' tracks."""
    watched = views[LEFT]
    crossings = find_crossings(truth, watched.size[0], watched.rate, gap)
    sightings = [
        sighting
        for view in views.values()
        for record in view.records
        if (sighting := sighting_of(record)) is not None
    ]
    looks = calibrate_looks(sightings) or Evidence(network)
    time = Evidence(0.0, appearance=0.0, bias=-10.0)  # whoever is in the gate may be joined
    timed = _true_time(crossings, watched.rate)
    learnt = learn_passages(sightings, looks, Learning(longest=30.0))
    variants = {
        "time gate alone": (given(zones=False, **timed), time),
        "time gate and zones": (given(zones=True, **timed), time),
        "looks and time gate": (given(zones=False), looks),
        "looks, time gate and zones": (given(zones=True), looks),
        "the same, learnt": (Passages([way.passage for way in learnt]), looks),
    }
    owners = owners_of(truth, views, gap)
    rows = {}
    for label, (passages, evidence) in variants.items():
        links = associate(sightings, passages, evidence)
        rows[label] = asdict(judge(crossings, owners, links, watched.rate, sightings, passages)) | {
            "IDF1": identity_score(truth, views, sightings, links, gap)
        }
    return {
        "threshold": looks.threshold,
        "steepness": looks.steepness,
        "unjoined_IDF1": identity_score(truth, views, sightings, [], gap),
        "learnt": [
            {"way": f"{way.passage.source} → {way.passage.target}", "links": way.links,
             "chance": way.chance, "typical": way.passage.typical,
             "seconds": [way.passage.shortest, way.passage.longest]}
            for way in learnt
        ],
        "rows": rows,
    }  # fmt: skip


def given(*, zones: bool, **timed: float) -> Passages:
    """The passages as somebody would configure them who looks at both pictures."""
    beside_gap = {
        LEFT: ((1 - ZONE, 0.0), (1.0, 0.0), (1.0, 1.0), (1 - ZONE, 1.0)),
        RIGHT: ((0.0, 0.0), (ZONE, 0.0), (ZONE, 1.0), (0.0, 1.0)),
    }
    return Passages(
        Passage(
            source,
            target,
            *GATE,
            exit=beside_gap[source] if zones else None,
            entry=beside_gap[target] if zones else None,
            typical=timed.get("typical"),
            deviation=timed.get("deviation"),
        )
        for source, target in WAYS
    )


def identity_score(
    truth: MotRows,
    views: dict[str, Watched],
    sightings: Sequence[Sighting],
    links: Sequence[Link],
    gap: float,
) -> float:
    """IDF1 over the boxes of both views, an identity being one in both."""
    keys = [sighting.key for sighting in sightings]
    known = chain_identities(keys, links)
    cameras = {}
    for view, watched in views.items():
        first, last = view_span(view, watched.size[0], gap)
        shown = _inside(truth, first, last)
        ids = np.array([known.get((view, number), 0) for number in watched.rows.ids.tolist()])
        rows = watched.rows[ids > 0]
        result = MotRows(
            rows.frames, ids[ids > 0], rows.ltwh, rows.confidences, rows.classes, rows.visibilities
        )
        end = int(max(truth.frames.max(), rows.frames.max()))
        cameras[view] = CameraRows(shown, result, (1, end))
    return float(evaluate_cameras(cameras).together.scores()["IDF1"])


def _inside(truth: MotRows, first: int, last: int) -> MotRows:
    """The boxes of which a view shows at least half, cut at its edges."""
    left = np.clip(truth.ltwh[:, 0] - 1, first, last)
    right = np.clip(truth.ltwh[:, 0] - 1 + truth.ltwh[:, 2], first, last)
    shown = right - left >= truth.ltwh[:, 2] / 2
    ltwh = np.column_stack([left + 1, truth.ltwh[:, 1], right - left, truth.ltwh[:, 3]])
    cut = MotRows(
        truth.frames, truth.ids, ltwh, truth.confidences, truth.classes, truth.visibilities
    )
    return cut[shown]


def _true_time(crossings: Sequence[Crossing], rate: float) -> dict[str, float]:
    """Typical time and mean deviation of the crossings that there were."""
    if not crossings:
        return {}
    seconds = np.array([(crossing.came - crossing.left) / rate for crossing in crossings])
    typical = float(np.median(seconds))
    return {"typical": typical, "deviation": max(float(np.abs(seconds - typical).mean()), 0.25)}


def _print(name: str, found: dict[str, Any]) -> None:
    for tracks, part in found.items():
        print(
            f"{name}, tracks of the {tracks}: likeness of {part['threshold']:.2f} is even, "
            f"{part['steepness']:.2f} log odds for each .1; cross-camera IDF1 without joins "
            f"{100 * part['unjoined_IDF1']:.1f}"
        )
        for label, row in part["rows"].items():
            share, wrong = (
                100 * row["joined"] / max(row["crossings"], 1),
                100 * row["wrong"] / max(row["links"], 1),
            )
            print(
                f"  {label:28} {row['joined']:3} of {row['crossings']} crossings joined "
                f"({share:.0f} %; possible {row['possible']}), {row['wrong']} of {row['links']} "
                f"joins wrong ({wrong:.0f} %), IDF1 {100 * row['IDF1']:.1f}"
            )
        for way in part["learnt"]:
            low, high = way["seconds"]
            print(
                f"  learnt {way['way']}: {low:.1f} … {high:.1f} s, typical {way['typical']:.1f} s, "
                f"{way['links']} people ({way['chance']:.1f} by chance)"
            )


if __name__ == "__main__":
    main()
