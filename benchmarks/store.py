"""What storing costs: events a second, the usual half second of four cameras, bytes a camera-day.

    python benchmarks/store.py [--url postgresql://USER@/NAME?host=/FOLDER] [--sequence FOLDER]

Without an address, a file of SQLite in a temporary folder. Recordings are of the default tracker
on a MOT sequence's own detections.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from sightline.formats.mot import read_mot, read_sequence_info, rows_to_detections
from sightline.service.engine.messages import Recording, SavedState, TrackRecord
from sightline.service.engine.recorder import Recorder
from sightline.service.rules.events import Event
from sightline.service.store.backlog import Batch
from sightline.service.store.batches import write_batch
from sightline.service.store.counts import add_counts, list_counts
from sightline.service.store.database import Database
from sightline.service.store.events import StoredEvent, insert_events, list_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.packing import pack_recording
from sightline.service.store.tracks import upsert_tracks
from sightline.service.store.writer import Writer
from sightline.structures import Detections
from sightline.tracker import Tracker

_START = 1_700_000_000.0
_STATE = 30_000
_DIMENSION = 256


def main() -> None:
    """Print the figures of one store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--sequence", type=Path, default=Path("../shared/data/mot15/PETS09-S2L1"))
    arguments = parser.parse_args()
    pieces = _recordings(arguments.sequence)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(arguments.url or f"sqlite:///{folder}/store.db")
        database.migrate()
        print(f"store: {'SQLite' if database.is_sqlite else database.name}", flush=True)
        _measure_events(database, arguments.events)
        _measure_batches(database, arguments.batches, pieces)
        _measure_reads(database)
        database.close()
        _measure_rows(Path(folder) / "rows.db")
    _measure_recordings(pieces)


def _measure_events(database: Database, number: int) -> None:
    writer = Writer(database)
    writer.start()
    begin, cpu = time.perf_counter(), time.process_time()
    for index in range(number):
        writer.put(_event(index))
    put = time.process_time() - cpu
    assert writer.flush(600)
    stored, cpu = time.perf_counter() - begin, time.process_time() - cpu
    writer.close()
    print(
        f"events: put {1e6 * put / number:.1f} µs each, stored {number / stored:.0f} a second, "
        f"{1e6 * cpu / number:.0f} µs of CPU each"
    )


def _measure_batches(database: Database, number: int, pieces: list[Recording]) -> None:
    """Half a second of four cameras: 8 events, 8 tracks, 4 states, a recording every other time."""
    random = np.random.default_rng(0)
    spent = []
    cpu = time.process_time()
    for index in range(number):
        batch = Batch(
            [StoredEvent(new_id(), _event(index)) for _ in range(8)],
            [_track(random, 8 * index + row) for row in range(8)],
            [_moved(pieces[index % len(pieces)], index)] if index % 5 == 0 else [],
            {f"cam{n}": SavedState(f"cam{n}", 0.0, random.bytes(_STATE)) for n in range(4)},
        )
        begin = time.perf_counter()
        with database.session() as session:
            write_batch(session, batch, None)
        spent.append(time.perf_counter() - begin)
    cpu = (time.process_time() - cpu) / number
    median, late = 1000 * np.quantile(spent, [0.5, 0.99])
    print(
        f"half a second of four cameras: {median:.1f} ms (p99 {late:.1f} ms), "
        f"{1000 * cpu:.1f} ms of CPU = {200 * cpu:.1f} % of a core"
    )


def _measure_reads(database: Database) -> None:
    reads: dict[str, Callable[[Session], object]] = {
        "100 events": list_events,
        "1000 counts": list_counts,
    }
    for name, read in reads.items():
        spent = []
        for _ in range(50):
            begin = time.perf_counter()
            with database.reading() as session:
                read(session)
            spent.append(time.perf_counter() - begin)
        print(f"reading {name}: {1000 * np.median(spent):.1f} ms")


def _measure_rows(file: Path) -> None:
    """Bytes of a row with its indexes, by how the file of SQLite grows."""
    database = Database(f"sqlite:///{file}")
    database.migrate()
    random = np.random.default_rng(0)
    number = 4000
    tracks = [_track(random, index) for index in range(number)]
    events = [StoredEvent(new_id(), _event(index)) for index in range(number)]
    database.empty_log()
    size = file.stat().st_size
    kinds: dict[str, Callable[[Session], object]] = {
        "event": lambda session: insert_events(session, events),
        "count": lambda session: add_counts(session, (_event(240 * n) for n in range(number))),
        "track, 40 places, 4 vectors of 256": lambda session: upsert_tracks(session, tracks),
    }
    for name, store in kinds.items():
        with database.session() as session:
            store(session)
        database.empty_log()
        before, size = size, file.stat().st_size
        print(f"a row of SQLite: {(size - before) / number:.0f} bytes: {name}")
    database.close()


def _measure_recordings(pieces: list[Recording]) -> None:
    rows = sum(len(piece.frames) for piece in pieces)
    frames = sum(len(piece.frame_times) for piece in pieces)
    begin = time.process_time()
    packed = sum(len(pack_recording(piece)) for piece in pieces)
    spent = time.process_time() - begin
    row = packed / rows
    print(
        f"recordings: {row:.1f} bytes a box (33 before), {1e6 * spent / rows:.1f} µs a box; "
        f"{rows / frames:.1f} boxes a frame here"
    )
    for fps, people in ((10, 1), (10, 5), (25, 5)):
        mebibytes = row * fps * people * 86_400 / 2**20
        print(f"  a camera-day at {fps} frames a second, {people} in view: {mebibytes:.0f} MiB")


def _recordings(folder: Path) -> list[Recording]:
    info = read_sequence_info(folder / "seqinfo.ini")
    detections = rows_to_detections(read_mot(folder / "det" / "det.txt"))
    tracker, recorder = Tracker(), Recorder("cam0", ("person",))
    none = Detections.empty()
    pieces = []
    for frame in range(1, info.length + 1):
        at = frame / info.rate
        tracks = tracker.update(detections.get(frame, none), time=at)
        piece = recorder.add(tracks, (info.width, info.height))
        pieces += [piece] if piece is not None else []
    last = recorder.flush()
    return pieces + ([last] if last is not None else [])


def _moved(piece: Recording, index: int) -> Recording:
    times: npt.NDArray[np.float64] = piece.frame_times + _START + 1000 * index
    return Recording(
        piece.stream, piece.size, piece.class_names, times, piece.frames, piece.numbers,
        piece.boxes, piece.scores, piece.classes, piece.seen,
    )  # fmt: skip


def _event(index: int) -> Event:
    at = _START + index / 4
    return Event("cam0", "line_cross", "gate", at, at, index, "person", "in", (0.5, 0.5))


def _track(random: np.random.Generator, number: int) -> TrackRecord:
    path = random.uniform(0, 1, (40, 5)).astype(np.float32)
    looks = random.normal(size=(4, _DIMENSION)).astype(np.float16)
    return TrackRecord("cam0", number, "person", _START, _START + 20, True, path, looks, "net")


if __name__ == "__main__":
    main()
