"""The service's configuration: strict, overlaid by the environment, silent about secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.errors import ConfigError
from sightline.service.config import (
    Config,
    config_example,
    config_schema,
    config_table,
    read_config,
)
from sightline.service.settings import nested_model

ROOT = Path(__file__).resolve().parents[2]
SECRET = "p@ss:w/rd#1%"


def read(tmp_path: Path, values: Any, environment: dict[str, str] | None = None) -> Config:
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(values) if not isinstance(values, str) else values)
    return read_config(path, environment or {})


def stream(**fields: Any) -> dict[str, Any]:
    return {"streams": [{"id": "door", "url": "rtsp://10.0.0.5/live", **fields}]}


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Config()


def test_the_example_is_good_and_the_command_prints_it(tmp_path: Path) -> None:
    assert config_example() == (ROOT / "configs/service/example.yaml").read_text()
    config = read(tmp_path, config_example())
    assert [len(part.zones) + len(part.lines) for part in config.streams] == [2, 1]
    assert config.warnings() == []
    result = CliRunner().invoke(app, ["config", "example"])
    assert result.output == config_example()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sever": {}}, ("sever", "did you mean server?")),
        ({"server": {"prot": 1}}, ("server.prot", "did you mean port?")),
        (stream(pasword="x"), ("streams.0.pasword", "did you mean password")),
        (stream(zones=[{"id": "a", "pionts": []}]), ("streams.0.zones.0", "did you mean points?")),
        (stream(lines=[{"id": "a", "qqq": 1}]), ("known are id", "anchor", "points")),
        (stream(privacy={"blurr": "off"}), ("streams.0.privacy.blurr", "did you mean blur?")),
        ({"server": {"port": 70000}}, ("server.port", "65535", "70000")),
        (stream(transport="tpc"), ("streams.0.transport", "tcp", "'tpc'")),
        (stream(id="the door"), ("streams.0.id", "pattern")),
        (stream(url="ftp://host/x"), ("rtsp", "not ftp")),
        (stream(buffer="wait"), ("buffer: wait", "live")),
        (stream(loop=True), ("loop: true", "live")),
        (stream(reconnect={"first": 9, "longest": 3}), ("longest (3 s)", "first (9 s)")),
        (stream(process_fps=0), ("streams.0.process_fps", "greater than 0")),
        (stream(process_fps=float("nan")), ("streams.0.process_fps", "finite")),
        ({"streams": stream()["streams"] * 2}, ("two streams have the id 'door'",)),
        ({"alerts": [{"id": "a"}]}, ("one target: webhook or mqtt",)),
        ({"security": {"allowed_networks": ["10.0.0.1/8"]}}, ("host bits set", "10.0.0.0/8")),
        ({"security": {"allowed_origins": ["https://x.org/"]}}, ("is no origin",)),
        ({"tracker": {"preset": "sightlin"}}, ("no tracker preset 'sightlin'",)),
        ({"tracker": {"parameters": {"pateince": 1}}}, ("'pateince' is unknown",)),
        ({"storage": {"url": "mysql://x"}}, ("sqlite", "postgresql")),
        ("- a\n- b\n", ("expected a mapping", "list")),
        ("server: {port: 1\n", ("not YAML",)),
        ("server: {port: 1}\nserver: {port: 2}\n", (":1:", "'server' is given twice")),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    tmp_path: Path, values: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, values)
    message = str(caught.value)
    assert "service.yaml" in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        read_config(tmp_path / "none.yaml", {})


def test_the_environment_replaces_the_file(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        {"server": {"port": 1}, **stream(password_file="nowhere")},
        {
            "SIGHTLINE__SERVER__PORT": "9000",
            "SIGHTLINE__DETECTOR__CLASSES": "[person, car]",
            "SIGHTLINE__STREAMS__0__PASSWORD": "[1, 2",
            "SIGHTLINE__STREAMS__0__PROCESS_FPS": "7.5",
            "SIGHTLINE__STREAMS__1__ID": "007",
            "SIGHTLINE__STREAMS__1__URL": "webcam:0",
            "SIGHTLINE__TELEMETRY__LOG_LEVEL": "debug",
            "SIGHTLINE_SHARED": "not ours",
        },
    )
    assert (config.server.port, config.detector.classes) == (9000, ("person", "car"))
    first, second = config.streams
    assert first.password is not None
    assert (first.password.get_secret_value(), first.process_fps) == ("[1, 2", 7.5)
    assert (second.id, second.url) == ("007", "webcam:0")
    assert config.telemetry.log_level == "debug"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SIGHTLINE__SERVER__PROT", "did you mean port?"),
        ("SIGHTLINE__SEVER__PORT", "did you mean server?"),
        ("SIGHTLINE__STREAMS__2__ID", "count from 0"),
        ("SIGHTLINE__SERVER__PORT__X", "single value"),
        ("SIGHTLINE__SERVER____PORT", "two underlines"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read(tmp_path, {"server": {"port": 1}}, {name: "1"})
    assert name in str(caught.value)


def test_secrets_come_from_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "door").write_text(f"{SECRET}\n")
    (tmp_path / "address").write_text("rtsp://10.0.0.9/live\n")
    values = {"streams": [{"id": "door", "url_file": "address", "password_file": "door"}]}
    first = read(tmp_path, values).streams[0]
    assert first.password is not None
    assert (first.url, first.password.get_secret_value()) == ("rtsp://10.0.0.9/live", SECRET)
    with pytest.raises(ConfigError, match="password_file none cannot be read: No such file"):
        read(tmp_path, stream(password_file="none"))
    with pytest.raises(ConfigError, match="password and password_file are both given"):
        read(tmp_path, stream(password_file="door", password="x"))


@pytest.mark.parametrize("written", [SECRET, "p%40ss%3Aw%2Frd%231%25"])
def test_credentials_in_a_url_become_fields_of_their_own(tmp_path: Path, written: str) -> None:
    first = read(tmp_path, stream(url=f"rtsp://admin:{written}@10.0.0.5:554/live")).streams[0]
    assert first.password is not None
    assert first.password.get_secret_value() == SECRET
    assert (first.username, first.url) == ("admin", "rtsp://10.0.0.5:554/live")
    with pytest.raises(ConfigError, match="password is given in url and as a field"):
        read(tmp_path, stream(url="rtsp://a:b@10.0.0.5/live", password="c"))


def test_no_text_of_a_configuration_shows_a_secret(tmp_path: Path) -> None:
    values = {
        "auth": {"admin_token": f"{SECRET}{SECRET}"},
        "storage": {"url": f"postgresql://sightline:{SECRET}@db/sightline"},
        "alerts": [
            {"id": "a", "webhook": {"url": f"https://host/{SECRET}", "secret": SECRET}},
            {"id": "b", "mqtt": {"host": "h", "username": "u", "password": SECRET}},
        ],
        **stream(url=f"rtsp://admin:{SECRET}@10.0.0.5/live"),
    }
    config = read(tmp_path, values)
    for text in (repr(config), str(config.model_dump()), config.model_dump_json()):
        assert SECRET not in text
        assert json.dumps(SECRET) not in text


@pytest.mark.parametrize(
    "values",
    [
        {"auth": {"admin_token": "hunter2"}},
        {"storage": {"url": "mysql://root:hunter2@db/x"}},
        {"alerts": [{"id": "a", "webhook": {"url": "hunter2", "secret": "hunter2"}}]},
        stream(password=["hunter2"]),
        stream(passwort="hunter2"),
        stream(url="ftp://me:hunter2@host/x"),
        {"streams": [{"url": "rtsp://me:hunter2@host/x"}]},
        "auth: {admin_token: hunter2\n",
        "auth:\n  admin_token: 'hunter2\n",
    ],
)
def test_no_error_shows_a_secret(tmp_path: Path, values: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, values)
    chain = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "hunter2" not in chain


def test_lines_that_never_count_are_a_warning_and_not_an_error(tmp_path: Path) -> None:
    edge = {"id": "edge", "points": [[0, 1], [1, 1]]}
    config = read(tmp_path, stream(lines=[edge]))
    assert len(config.warnings()) == 1
    assert "stream door: line edge" in config.warnings()[0]
    result = CliRunner().invoke(app, ["config", "validate", str(tmp_path / "service.yaml")])
    assert result.exit_code == 0
    assert "good (1 streams, 0 zones, 1 lines, 0 alerts)" in result.output


def _models(model: Any) -> set[Any]:
    inner = {nested_model(field.annotation) for field in model.model_fields.values()} - {None}
    return {model}.union(*map(_models, inner))


def test_every_field_has_a_title_a_description_and_bounds() -> None:
    models = _models(Config)
    assert len(models) >= 18
    for model in models:
        for name, field in model.model_fields.items():
            assert field.title, (model, name)
            assert field.description, (model, name)
    schema = config_schema()
    numbers = [
        (name, kind)
        for part in schema["$defs"].values()
        for name, field in part["properties"].items()
        for kind in (field, *field.get("anyOf", []))
        if kind.get("type") in ("number", "integer") and name != "parameters"
    ]
    assert len(numbers) > 30
    for name, kind in numbers:
        assert {"minimum", "exclusiveMinimum"} & set(kind), name
        assert "maximum" in kind, name


def test_the_schema_knows_the_keys_for_files() -> None:
    door = config_schema()["$defs"]["Stream"]
    assert {"url_file", "password_file"} <= set(door["properties"])
    assert door["required"] == ["id"]
    result = CliRunner().invoke(app, ["config", "schema"])
    assert json.loads(result.output) == config_schema()


def test_the_docs_hold_the_table_that_the_models_give() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    table = text.partition("<!-- keys -->\n")[2].partition("<!-- end of keys -->")[0]
    assert table == config_table(), "sightline config schema --format markdown gives the new one"
