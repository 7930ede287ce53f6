from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_guide_names_is_there() -> None:
    guide = (_ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    links = dict(re.findall(r"^\[(\w+)\]: \.\./(tests/\S+\.py)$", guide, re.MULTILINE))
    named = re.findall(r"\[`(test_\w+)`\]\[(\w+)\]", guide)
    assert len(named) > 20
    for name, file in named:
        assert f"def {name}(" in (_ROOT / links[file]).read_text(encoding="utf-8"), name
