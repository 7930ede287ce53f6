"""What the service is deployed with: the image's lines, compose on every profile, the wheel.

`benchmarks/image.py` runs the image's command lines themselves; it takes minutes.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from sightline.cli.app import app
from sightline.service.config import Config, read_config

if TYPE_CHECKING:
    from dockerfile import Stage

ROOT = Path(__file__).resolve().parents[2]
PROFILES: list[tuple[str, ...]] = [(), ("gpu",), ("demo",), ("cluster",), ("gpu", "demo")]


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from dockerfile import read_stages
    return read_stages(ROOT / "Dockerfile")


@functools.cache
def compose(*profiles: str, **environment: str) -> dict[str, Any]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed")
    options = [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        [program, *options, "config"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    values: dict[str, Any] = yaml.safe_load(done.stdout)
    return values


@pytest.mark.parametrize("profiles", PROFILES)
def test_compose_is_clean_on_every_profile(profiles: tuple[str, ...]) -> None:
    services = compose(*profiles)["services"]
    asked = {name: service.get("profiles") for name, service in services.items()}
    assert asked == {
        "database": None,
        "sightline": None,
        "sightline-gpu": ["gpu"],
        "demo": ["demo"],
        "cluster-head": ["cluster"],
        "cluster-node": ["cluster"],
    }


def test_compose_listens_and_is_configured_as_it_is_told() -> None:
    values = compose(
        SIGHTLINE_LISTEN="0.0.0.0:9000", SIGHTLINE_CONFIG="/srv/own.yaml", SIGHTLINE_SHM="2gb"
    )
    service = values["services"]["sightline"]
    assert service["ports"] == ["0.0.0.0:9000:8000/tcp"]
    assert "/srv/own.yaml:/etc/sightline/service.yaml:ro" in service["volumes"]
    assert service["shm_size"] == "2gb"


def test_compose_gives_no_service_more_than_it_needs(stages: dict[str, Stage]) -> None:
    services = compose("gpu", "demo")["services"]
    for name in ("sightline", "sightline-gpu", "demo", "database"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["pids_limit"] > 0
        assert service["mem_limit"] == ("1gb" if name == "database" else "4gb")
        assert service["logging"]["options"]["max-size"]
    for name in ("sightline", "sightline-gpu", "demo"):
        service = services[name]
        assert service["shm_size"] == "1gb"
        assert service["ports"] == ["127.0.0.1:8000:8000/tcp"]
        assert service["build"]["target"] in stages
        health = stages[service["build"]["target"]].command("HEALTHCHECK")
        assert service["healthcheck"]["test"] == ["CMD", *health]
        assert "/readyz" in health[-1]
    for name in ("sightline", "sightline-gpu"):
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
    assert "pg_isready" in services["database"]["healthcheck"]["test"]
    # Started as root it would need capabilities to become this user.
    assert services["database"]["user"] == "postgres"
    assert "ports" not in services["database"]
    assert services["database"]["networks"] == {"store": None}
    (device,) = services["sightline-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_secrets_reach_compose_as_files_alone(tmp_path: Path) -> None:
    values = compose("gpu", "demo")
    known = {name: Path(secret["file"]).name for name, secret in values["secrets"].items()}
    assert known == {name: name for name in ("admin_token", "database_password", "database_url")}
    assert Path(values["secrets"]["admin_token"]["file"]).parent == ROOT / "secrets"
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "!secrets" not in (ROOT / ".dockerignore").read_text()
    service = values["services"]["sightline"]
    assert {one["source"] for one in service["secrets"]} == {"admin_token", "database_url"}
    # What the variables name is read as the service reads it, only from another folder.
    for name in ("admin_token", "database_url"):
        (tmp_path / name).write_text({"database_url": "postgresql://sightline:x@database/sightline"}
                                     .get(name, "a token of sixteen letters"))  # fmt: skip
    variables = {
        name: value.replace("/run/secrets", str(tmp_path))
        for name, value in service["environment"].items()
    }
    config = read_config(ROOT / "configs/service/container.yaml", variables)
    assert config.storage.url.get_secret_value().endswith("@database/sightline")
    assert config.auth.admin_token is not None


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_image_runs_without_rights_and_says_how_it_is(
    stages: dict[str, Stage], target: str
) -> None:
    stage = stages[target]
    assert stage.settings["USER"] == "10001:10001"
    assert any("--uid 10001" in line for line in stage.runs)
    assert stage.settings["EXPOSE"] == str(Config().server.port)
    assert stage.settings["STOPSIGNAL"] == "SIGTERM"
    assert stage.settings["VOLUME"] == stage.settings["WORKDIR"] == stage.environment["HOME"]
    assert stage.command("ENTRYPOINT") == ["/opt/sightline/bin/sightline"]
    copied = {
        Path(place): ROOT / sources[0] for origin, sources, place in stage.copies if not origin
    }
    name, option, config = stage.command("CMD")
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert any(option in parameter.opts for parameter in command.params)
    variables = {key: one for key, one in stage.environment.items() if key.startswith("SIGHTLINE")}
    settings = read_config(copied[Path(config)], variables)
    assert settings.server.host == "0.0.0.0"
    assert not settings.warnings()


def test_both_images_are_the_same_but_for_the_device(stages: dict[str, Stage]) -> None:
    cpu, gpu = stages["cpu"], stages["gpu"]
    assert (cpu.settings, cpu.environment) == (gpu.settings, gpu.environment)
    assert [copy[1:] for copy in cpu.copies] == [copy[1:] for copy in gpu.copies]
    assert list(stages)[-1] == "cpu"
    only_gpu = [line for line in stages["gpu-build"].runs if line not in stages["cpu-build"].runs]
    assert [re.sub(r".*/pip ", "", line).split()[0] for line in only_gpu] == [
        "uninstall",
        "install",
    ]
    (pin,) = re.findall(r"onnxruntime-gpu==([\d.]+)", only_gpu[1])
    assert f"onnxruntime=={pin}\n" in (ROOT / "constraints.txt").read_text()


def test_demonstration_needs_nothing_but_the_image(stages: dict[str, Stage]) -> None:
    config = read_config(ROOT / "configs/service/demo.yaml", {})
    (stream,) = config.streams
    assert stream.loop
    linked = [line for line in stages["cpu-build"].runs if line.startswith("ln ")]
    assert linked[0].endswith(f" {stream.url}")
    # Not isolated, it would find the source beside it, which is no part of the image.
    assert "python -I " in linked[0]
    demo = compose("gpu", "demo")["services"]["demo"]
    assert demo["command"][2] in {place for _, _, place in stages["cpu"].copies}
    assert "secrets" not in demo
    assert "depends_on" not in demo


def test_cluster_runs_the_cpu_image_with_ray_and_only_its_head_can_be_asked(
    stages: dict[str, Stage],
) -> None:
    cpu, cluster = stages["cpu"], stages["cluster"]
    assert (cpu.settings, cpu.environment) == (cluster.settings, cluster.environment)
    assert [copy[1:] for copy in cpu.copies] == [copy[1:] for copy in cluster.copies]
    (more,) = stages["cluster-build"].runs
    assert "--constraint constraints.txt '.[service,telemetry,cluster]'" in more
    services = compose("cluster")["services"]
    head, node = services["cluster-head"], services["cluster-node"]
    for service in (head, node):
        assert service["build"]["target"] == "cluster"
        assert (service["read_only"], service["cap_drop"], service["shm_size"]) == (
            True,
            ["ALL"],
            "1gb",
        )
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in node
    assert head["ports"] == ["127.0.0.1:8000:8000/tcp"]
    assert node["networks"] == {"outside": None}
    assert head["networks"]["outside"]["aliases"] == ["cluster-address"]
    assert node["command"][:3] == ["start", "--address", "cluster-address:6379"]
    (script,) = head["command"]
    serve = script.rpartition("/sightline serve ")[2].split()
    command = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in serve if word.startswith("--")} == {"--config", "--cluster"} <= known


def test_image_has_the_page_and_nothing_that_builds_it(stages: dict[str, Stage]) -> None:
    assert stages["page"].runs[-1].endswith("service/web/build.py")
    for name in ("cpu-build", "gpu-build"):
        assert ("page", ["/src/service/page/built"], "service/page/built") in stages[name].copies
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    # Else an old build of this machine would be in it.
    assert {"**/built", "**/node_modules"} <= set(rules)


def test_context_of_the_image_holds_what_a_wheel_is_made_of() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {rule[1:] for rule in rules if rule.startswith("!")}
    rooms = {link.name for link in (ROOT / "sightline").iterdir() if link.is_symlink()}
    assert rooms | {"sightline", "pyproject.toml", "constraints.txt", "README.md"} <= let_through
    assert all((ROOT / name).exists() for name in let_through)
    assert not {"tests", "docs", "benchmarks", ".git", "secrets"} & let_through


def test_wheel_holds_all_that_the_service_serves(tmp_path: Path) -> None:
    """Built without isolation, so that nothing is downloaded."""
    source = tmp_path / "source"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc", "node_modules")
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        name = rule.removeprefix("!")
        if rule.startswith("!") and (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
        elif rule.startswith("!"):
            shutil.copyfile(ROOT / name, source / name)
    build = "import setuptools.build_meta as b; print(b.build_wheel('..'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        "sightline/detector/weights/sightline-n.onnx",
        "sightline/reid/weights/sightline-reid.onnx",
        "sightline/demo/data/plaza/plaza.mp4",
        "sightline/configs/service/example.yaml",
        "sightline/service/page/index.html",
    }
    assert expected <= names
    built = ROOT / "service/page/built"
    assert {
        f"sightline/{file.relative_to(ROOT)}" for file in built.rglob("*") if file.is_file()
    } <= names
    # What the page is made of stays at home.
    assert not {name for name in names if name.startswith("sightline/service/web")}
    migrations = (ROOT / "service/store/migrations/versions").glob("v*.py")
    assert {
        f"sightline/service/store/migrations/versions/{one.name}" for one in migrations
    } <= names
