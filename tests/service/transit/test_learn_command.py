"""`sightline transit learn`: the stored tracks say which camera leads to which."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.cli.transit import learn
from sightline.errors import InputError
from sightline.service.config import Transit, read_config
from sightline.service.engine.messages import TrackRecord
from sightline.service.store.database import Database
from sightline.service.store.tracks import upsert_tracks


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump({"storage": {"url": f"sqlite:///{tmp_path / 'store.db'}"}}))
    return path


def fill(config: Path, *, with_looks: bool = True) -> None:
    """Forty people who need 20 s from the gate to the shop, one every ten seconds."""
    random = np.random.default_rng(3)
    began = time.time() - 3600
    database = Database(read_config(config).storage.url.get_secret_value())
    database.migrate()
    records = []
    for person in range(40):
        looks = random.normal(size=16)
        for stream, begin in (("gate", 10.0 * person), ("shop", 10.0 * person + 28)):
            begin += random.laplace(scale=0.5)
            seen = looks + 0.3 * random.normal(size=(3, 16))
            vectors = (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float16)
            path = np.array([[0, 0.4, 0.2, 0.5, 0.6], [8, 0.4, 0.2, 0.5, 0.6]], np.float32)
            records.append(
                TrackRecord(
                    *(stream, person + 1, "person", began + begin, began + begin + 8, True, path),
                    vectors if with_looks else None,
                    "net@1" if with_looks else "",
                )
            )
    with database.session() as session:
        upsert_tracks(session, records)
    database.close()


def test_what_is_printed_is_a_part_of_the_configuration(config: Path) -> None:
    fill(config)
    options = ["--config", str(config), "--longest", "60", "--likeness", "0.9"]
    done = CliRunner().invoke(app, ["transit", "learn", *options])
    assert done.exit_code == 0, done.output
    section = yaml.safe_load(done.stdout)["transit"]
    found = Transit.model_validate(section)
    (way,) = found.passages
    assert (way.leave, way.enter) == ("gate", "shop")
    assert way.typical == pytest.approx(20, abs=1)
    assert way.seconds[0] < 20 < way.seconds[1]
    assert found.threshold is not None
    assert "gate → shop" in done.stderr


def test_tracks_without_looks_teach_nothing(config: Path) -> None:
    fill(config, with_looks=False)
    with pytest.raises(InputError, match="80 tracks of the last 7 days, and none with looks"):
        learn(config, days=7, longest=60, overlap=0, least_people=5, likeness=None)
