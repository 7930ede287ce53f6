"""How long a search by appearance takes, and how much memory it needs, by the number of tracks.

    python benchmarks/appearance_search.py --tracks 1000 10000 100000

Stores tracks of eight random vectors in a SQLite file, as the service does, and searches it.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from sightline.reid.embedder import normalised
from sightline.service.config import Config
from sightline.service.engine.messages import TrackRecord
from sightline.service.search import Search
from sightline.service.search.search import Filters
from sightline.service.store.database import Database
from sightline.service.store.tracks import upsert_tracks

_EXEMPLARS = 8
_BATCH = 2000


def main() -> None:
    """Print a line a number of tracks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(f"{'tracks':>8} {'seconds':>8} {'CPU':>6} {'MiB more':>9}")
    for tracks in options.tracks:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{Path(folder) / 'store.db'}")
            database.migrate()
            _fill(database, tracks, options.dimension)
            search = Search(Config(), database)
            before = _peak_mib()
            walls, cpus = [], []
            for _ in range(options.runs):
                wall, cpu = time.perf_counter(), time.process_time()
                answer = search.by_track("gate", 1, Filters(limit=20))
                walls.append(time.perf_counter() - wall)
                cpus.append(time.process_time() - cpu)
                assert answer.searched == tracks
            more = _peak_mib() - before
            wall, cpu = statistics.median(walls), statistics.median(cpus)
            print(f"{tracks:8} {wall:8.3f} {cpu:6.3f} {more:9.1f}")
            database.close()


def _fill(database: Database, tracks: int, dimension: int) -> None:
    random = np.random.default_rng(0)
    path = np.zeros((1, 5), np.float32)
    for begin in range(0, tracks, _BATCH):
        numbers = range(begin + 1, min(begin + _BATCH, tracks) + 1)
        vectors = random.normal(size=(len(numbers) * _EXEMPLARS, dimension)).astype(np.float32)
        exemplars = normalised(vectors).astype(np.float16).reshape(-1, _EXEMPLARS, dimension)
        records = [
            TrackRecord("gate", number, "person", number, number + 5, True, path, own, "random")
            for number, own in zip(numbers, exemplars, strict=True)
        ]
        with database.session() as session:
            upsert_tracks(session, records)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
