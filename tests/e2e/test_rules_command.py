"""From a video to counts: `sightline track`, then `sightline rules replay`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

LINES = {
    **{f"x-{100 * x:.0f}": [[x, 0], [x, 1]] for x in (0.2, 0.35, 0.5, 0.65, 0.8)},
    **{f"y-{100 * y:.0f}": [[0, y], [1, y]] for y in (0.3, 0.4, 0.5, 0.6, 0.7)},
}
FRAMES, RATE = 300, 10


def sightline(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "sightline", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def crossings(rules: Path, tracks: Path, *options: str) -> Counter[tuple[str, str]]:
    printed = json.loads(sightline("rules", "replay", rules, tracks, "--json", *options))
    assert printed["warnings"] == []
    return Counter({(row["rule"], row["direction"]): row["count"] for row in printed["totals"]})


def test_counts_of_a_real_video_are_within_one_of_the_truth(shared: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    lines = [{"id": name, "points": points} for name, points in LINES.items()]
    rules.write_text(yaml.safe_dump({"lines": lines}))
    model = shared / "weights/rtmdet_nano_person_320_end2end.onnx"
    sightline(
        *("track", shared / "data/clips/vtest.avi", "--model", model, "--format", "jsonl"),
        *("--set", "high_score=0.3", "--set", "birth_score=0.4", "--out", tmp_path),
        *("--end", f"{FRAMES / RATE}"),
    )
    # Beside no seqinfo.ini, whose 7 frames a second are not the video's.
    rows = (shared / "data/mot15/PETS09-S2L1/gt/gt.txt").read_text().splitlines()
    truth = tmp_path / "truth.txt"
    truth.write_text("\n".join(row for row in rows if int(row.split(",")[0]) <= FRAMES))
    real = crossings(rules, truth, "--video", str(shared / "data/clips/vtest.avi"))
    seen = crossings(rules, tmp_path / "vtest.jsonl")
    assert sum(real.values()) >= 70
    apart = {key: seen[key] - real[key] for key in seen | real}
    assert max(map(abs, apart.values())) <= 1, apart
