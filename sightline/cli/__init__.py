"""The command line: `sightline COMMAND …`, one module a command."""

from __future__ import annotations

from sightline.cli.app import main

__all__ = ["main"]
