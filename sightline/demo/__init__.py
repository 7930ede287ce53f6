"""The clip that the project renders itself, so that a demo needs no network and no weights."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CLIP", "DATASET", "TRUTH"]

DATASET = Path(__file__).parent / "data"
"""A folder in MOTChallenge layout with the one sequence `plaza`, for `sightline eval`."""

CLIP = DATASET / "plaza" / "plaza.mp4"
"""The rendered video."""

TRUTH = DATASET / "plaza" / "gt" / "gt.txt"
"""Where everybody in it really is."""
