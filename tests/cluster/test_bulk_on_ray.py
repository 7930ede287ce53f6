"""An archive on a cluster of three nodes of which one is killed in the middle."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sightline.cluster.bulk.ray_executor import RayExecutor
from sightline.cluster.bulk.units import Unit
from sightline.cluster.bulk.working import Outcome
from sightline.cluster.session import connect
from sightline.errors import ConfigError
from tests.cluster.bulk_archive import Bulk, lay_out, noted, written
from tests.cluster.ray_nodes import RayNodes, missing_ray

CLIPS = (
    "unlabelled-crowd-from-above.mp4",
    "unlabelled-office.mp4",
    "unlabelled-revolving-door.mp4",
    "unlabelled-shopping-street.mp4",
    "unlabelled-towncentre-street.mp4",
    "vtest.avi",
)


class Saboteur:
    """Kills a node when the work is in full swing."""

    def __init__(self, executor: RayExecutor, kill: Callable[[], None]) -> None:
        self._executor = executor
        self._kill: Callable[[], None] | None = kill

    @property
    def frames(self) -> int:
        return self._executor.frames

    @property
    def hungry(self) -> bool:
        return self._executor.hungry

    def submit(self, unit: Unit) -> None:
        self._executor.submit(unit)

    def wait(self) -> list[Outcome]:
        if self._kill is not None and self._executor.frames > 20:
            self._kill()
            self._kill = None
        return self._executor.wait()

    def stop(self) -> None:
        self._executor.stop()


@pytest.mark.skipif(bool(missing_ray()), reason=missing_ray())
@pytest.mark.filterwarnings("ignore::FutureWarning")  # Ray announces changes of its own
def test_a_killed_node_costs_nothing_but_time(shared: Path, tmp_path: Path) -> None:
    archive = lay_out(shared / "data/clips", tmp_path / "archive", CLIPS)
    (archive / "broken.mp4").write_text("this is a shopping list\n" * 400)
    options: dict[str, Any] = {"split": 4.0, "end": 8.0, "stride": 4, "formats": ("mot", "jsonl")}
    alone = Bulk.on(archive, tmp_path / "alone", **options)
    assert list(alone.run().failed) == ["broken.mp4"]
    spread = Bulk.on(archive, tmp_path / "spread", **options)
    with RayNodes("one", "two", "three") as nodes, connect(nodes.address):
        nodes.wait()
        executor = RayExecutor(spread.options)
        summary = spread.run(Saboteur(executor, partial(nodes.kill, "three")))
        executor.close()
    assert executor.begun_again > 0
    assert (summary.done, list(summary.failed)) == (len(CLIPS), ["broken.mp4"])
    assert written(tmp_path / "spread") == written(tmp_path / "alone")
    assert sorted(noted(tmp_path / "spread")) == sorted(noted(tmp_path / "alone"))


@pytest.mark.parametrize("address", ["somewhere", "127.0.0.1", "host:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip(missing_ray())
    with pytest.raises(ConfigError, match="HOST:PORT"), connect(address):
        pass
