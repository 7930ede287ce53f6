"""The image without Docker: its own command lines, an unprivileged user, a tree it cannot write.

    sudo python benchmarks/image.py            # as root, files belong to root and nobody runs it
    python benchmarks/image.py --keep out/image

Takes the stages `page`, `cpu-build` and `cpu` from the Dockerfile: copies what .dockerignore lets
through, runs every RUN line but those of apt-get and useradd with `/opt` and `/src` moved below a
folder, takes away all rights to write, and starts ENTRYPOINT and CMD with the image's ENV until
HEALTHCHECK's command says that it is well. Then the same with the demonstration's configuration,
until its camera is seen. It takes minutes, most of them pip's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dockerfile import Stage, read_stages

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65_534
TOKEN = "a token for this run alone"
_WELL_SECONDS = 900.0
_END_SECONDS = 60.0  # it promises ten, on a machine that is not overloaded
_TAKEN = ("apt-get", "useradd")


def main() -> None:
    """Build the tree, run it twice, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="build here and keep it for the next run")
    arguments = parser.parse_args()
    if arguments.keep is not None:
        run_in(arguments.keep.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="sightline-image-") as folder:
        try:
            run_in(Path(folder))
        finally:
            _change_rights(Path(folder), "u+w")


def run_in(folder: Path) -> None:
    """Build below a folder unless that is done, and run what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    # Others have to get through, as in an image.
    folder.chmod(0o755)
    stages = read_stages(ROOT / "Dockerfile")
    image = stages["cpu"]
    if not (folder / "opt/built").exists():
        page = folder / "page"
        build(page, stages["page"], {})
        build(folder, stages["cpu-build"], {"page": page})
        shutil.rmtree(page)
        shutil.rmtree(_below(folder, stages["cpu-build"].settings["WORKDIR"]))
        for _, sources, target in [copy for copy in image.copies if copy[0] is None]:
            place = _below(folder, target)
            place.parent.mkdir(parents=True, exist_ok=True)
            text = (ROOT / sources[0]).read_text(encoding="utf-8")
            place.write_text(text.replace("/opt/", f"{folder}/opt/"), encoding="utf-8")
        (folder / "opt/built").touch()
        for name in ("opt", "etc"):
            _change_rights(folder / name, "a-w")
    size = sum(file.stat().st_size for file in (folder / "opt").rglob("*") if file.is_file())
    print(f"/opt/sightline holds {size / 2**20:.0f} MiB")
    command = [*image.command("ENTRYPOINT"), *image.command("CMD")]
    demo = [word.replace("/service.yaml", "/demo.yaml") for word in command]
    # The volume: what the first start compiles is there for the second.
    with tempfile.TemporaryDirectory() as volume:
        with started(folder, Path(volume), image, command) as port:
            print(f"service  {len(ask(port, '/v1/streams')['items'])} cameras, as configured")
        with started(folder, Path(volume), image, demo) as port:
            began = time.monotonic()
            while not ask(port, "/v1/tracks")["items"]:
                if time.monotonic() - began > _WELL_SECONDS:
                    sys.exit("demo: nobody was seen")
                time.sleep(0.5)
            (camera,) = ask(port, "/v1/streams")["items"]
            print(f"demo     people are seen; the camera is {camera['status']['state']}")


def build(folder: Path, stage: Stage, others: Mapping[str, Path]) -> None:
    """Run the stage's command lines below a folder.

    Args:
        folder: Stands for the root of the stage's files.
        stage: What is run.
        others: Where the stages lie that this one copies from.
    """
    source = _below(folder, stage.settings["WORKDIR"])
    copy_context(source)
    for origin, (path, *_), target in stage.copies:
        if origin is not None:
            shutil.copytree(_below(others[origin], path), source / target)
    for line in stage.runs:
        if any(word in line for word in _TAKEN):
            print(f"left out {line}")
            continue
        moved = line.replace("/opt/", f"{folder}/opt/")
        began = time.monotonic()
        print(f"run      {line}", flush=True)
        subprocess.run(
            ["sh", "-c", moved],
            cwd=source,
            # Debian's own Python, not one that stands in front of it here.
            env={**os.environ, "PATH": "/usr/bin:/bin"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        print(f"         {time.monotonic() - began:.0f} s")


def copy_context(target: Path) -> None:
    """Copy what .dockerignore lets through; links stay links."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in rules, ".dockerignore is expected to name what goes in"
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns(*(rule[3:] for rule in rules if rule.startswith("**/")))
    for name in (rule[1:] for rule in rules if rule.startswith("!")):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, target / name)


@contextmanager
def started(folder: Path, home: Path, image: Stage, command: list[str]) -> Iterator[int]:
    """A running service, as the image starts it; gives its port, and ends it by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(home, user, user)
    environment = {
        "PATH": "/usr/bin:/bin",
        **image.environment,
        "HOME": str(home),
        "SIGHTLINE__SERVER__PORT": str(port),
        "SIGHTLINE__AUTH__ADMIN_TOKEN": TOKEN,
    }
    moved = [_moved(word, folder) for word in command]
    health = [
        _moved(word, folder).replace(":8000/", f":{port}/") for word in image.command("HEALTHCHECK")
    ]
    _refuse_writing(folder, user)
    print(f"start    {' '.join(command)}", flush=True)
    process = subprocess.Popen(
        moved, cwd=home, env=environment, user=user, group=user,
        extra_groups=[] if user is not None else None,
    )  # fmt: skip
    try:
        _wait_until_well(process, health, environment)
        yield port
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = process.wait(_END_SECONDS)
        print(f"ended    exit code {code} after {time.monotonic() - began:.1f} s")
        if code != 0:
            sys.exit(f"the service ended with {code}")
    finally:
        process.kill()
        process.wait()


def ask(port: int, path: str) -> dict[str, list[dict[str, Any]]]:
    """What the interface answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        document: dict[str, list[dict[str, Any]]] = json.load(answer)
    return document


def _wait_until_well(
    process: subprocess.Popen[bytes], health: list[str], environment: dict[str, str]
) -> None:
    began = time.monotonic()
    while True:
        check = subprocess.run(health, env=environment, capture_output=True)
        if check.returncode == 0:
            print(f"well     after {time.monotonic() - began:.0f} s")
            return
        if process.poll() is not None:
            sys.exit(f"the service ended with {process.returncode} before it was well")
        if time.monotonic() - began > _WELL_SECONDS:
            sys.exit(f"not well after {_WELL_SECONDS:.0f} s: {check.stderr.decode()[-500:]}")
        time.sleep(1)


def _refuse_writing(folder: Path, user: int | None) -> None:
    """Make sure that who runs the service cannot write into its tree."""
    touch = ["touch", str(folder / "opt/sightline/lib/x")]
    if subprocess.run(touch, user=user, group=user, capture_output=True).returncode == 0:
        sys.exit("the tree can be written by who runs it")


def _below(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _moved(word: str, folder: Path) -> str:
    return f"{folder}{word}" if word.startswith(("/opt/", "/etc/")) else word


def _change_rights(folder: Path, rights: str) -> None:
    subprocess.run(["chmod", "-R", rights, str(folder)], check=False)


if __name__ == "__main__":
    main()
