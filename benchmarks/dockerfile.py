"""What a Dockerfile says, stage by stage; as much of its language as ours uses."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Stage", "read_stages"]


@dataclass
class Stage:
    """One stage.

    Args:
        name: What it is called.
        base: Image or stage that it begins with.
        runs: Command lines of RUN, in order.
        copies: Sources and destination of COPY, in order, with the stage that it copies from.
        settings: Other instructions by name; the last of each, as text.
        environment: Variables of ENV.
    """

    name: str
    base: str
    runs: list[str] = field(default_factory=list)
    copies: list[tuple[str | None, list[str], str]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, name: str) -> list[str]:
        """The words of an instruction in its JSON form: ENTRYPOINT, CMD, HEALTHCHECK's CMD."""
        text = self.settings[name]
        words: list[str] = json.loads(text[text.index("[") :])
        return words


def read_stages(path: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name, in order."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    text = re.sub(r"(?m)^\s*#.*\n", "", path.read_text(encoding="utf-8"))
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        name, _, rest = line.strip().partition(" ")
        if not name or name == "ARG":
            continue
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stage = stages[alias] = Stage(alias, base)
            continue
        assert stage is not None, f"{name} before the first FROM"
        if name == "RUN":
            stage.runs.append(rest)
        elif name == "COPY":
            words = rest.split()
            origin = next((w.partition("=")[2] for w in words if w.startswith("--from=")), None)
            *sources, target = [word for word in words if not word.startswith("--")]
            stage.copies.append((origin, sources, target))
        elif name == "ENV":
            for word in shlex.split(rest):
                variable, _, value = word.partition("=")
                stage.environment[variable] = value
        else:
            stage.settings[name] = rest
    return stages
