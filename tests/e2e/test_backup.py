"""`sightline backup` of a service at work, and `restore` for another that goes on from there."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.running_service import RunningService, following, wait_for


def sightline(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def rows(store: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(store)) as opened:
        return opened.execute(query).fetchall()


def test_a_service_at_work_is_backed_up_and_another_goes_on_from_there(
    tmp_path: Path, shared: Path
) -> None:
    clip = shared / "data" / "clips" / "vtest.avi"
    line = {"id": "middle", "points": [[0.5, 0.0], [0.5, 1.0]]}
    cameras = [
        {"id": name, "url": str(clip), "loop": True, "process_fps": 5, "lines": [line]}
        for name in ("plaza", "again")
    ]
    config = {"detector": {"classes": ["person"]}, "streams": cameras}
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    out = tmp_path / "backup.tar"
    with RunningService(tmp_path / "old", config) as service, service.client() as client:
        client.post("/v1/keys", json={"name": "desk", "role": "viewer"}).raise_for_status()
        job = client.post("/v1/jobs", params={"options": '{"end": 2}'}, content=clip.read_bytes())
        assert job.status_code == 202, job.text
        with following(client, f"/v1/jobs/{job.json()['id']}") as until:
            assert until(lambda answer: answer["state"] in ("DONE", "FAILED"))["state"] == "DONE"
        tracked = client.get(f"/v1/jobs/{job.json()['id']}/tracks.mot.txt").text
        with following(client, "/v1/events?kind=track_start&limit=500") as until:
            until(lambda answer: len(answer["items"]) >= 10)
        refused = sightline("restore", "--config", service.config, "--replace", clip)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert "in use by a service" in refused.stderr
        copied = sightline("backup", "--config", service.config, "--out", out)
        assert (copied.returncode, copied.stderr) == (0, "")
        with following(client, "/v1/streams/plaza") as until:
            frames = until(lambda answer: True)["processing"]["processed"]
            until(lambda answer: answer["processing"]["processed"] > frames)
        assert service.end() == 0
        token = service.token
    fresh = tmp_path / "new" / "service.yaml"
    storage = {
        "url": f"sqlite:///{tmp_path / 'new' / 'store.db'}",
        "folder": str(tmp_path / "new" / "files"),
    }
    fresh.write_text(yaml.safe_dump({**config, "storage": storage}))
    restored = sightline("restore", "--config", fresh, out)
    assert (restored.returncode, restored.stderr) == (0, "")
    old, new = tmp_path / "old" / "store.db", tmp_path / "new" / "store.db"
    # What there was at one moment, without holes: what is newer came after it.
    events = rows(new, "SELECT * FROM events ORDER BY id")
    assert len(events) >= 10
    assert events == rows(old, "SELECT * FROM events ORDER BY id")[: len(events)]
    crossings = "SELECT kind, count(*) FROM events WHERE kind = 'line_cross' GROUP BY kind"
    counted = "SELECT kind, sum(count) FROM counts WHERE kind = 'line_cross' GROUP BY kind"
    assert rows(new, crossings) == rows(new, counted)
    ended = "SELECT * FROM tracks WHERE ended ORDER BY stream, number"
    assert set(rows(new, ended)) <= set(rows(old, ended))
    keys = "SELECT id, name, role, hash FROM keys ORDER BY id"
    assert rows(new, keys) == rows(old, keys)
    jobs = "SELECT * FROM jobs"
    assert rows(new, jobs) == rows(old, jobs)
    with RunningService(tmp_path / "new", config) as service, service.client(token) as client:
        assert service.token == ""
        result = f"/v1/jobs/{job.json()['id']}/tracks.mot.txt"
        assert client.get(result).text == tracked
        listed = client.get("/v1/events", params={"limit": 500}).json()["items"]
        assert {row[0] for row in events} <= {event["id"] for event in listed}
        with following(client, "/v1/events?kind=track_start&limit=500") as until:
            until(lambda answer: answer["items"][0]["id"] > events[-1][0])
            starts = [event["track"] for event in until(lambda answer: True)["items"]]
    assert len(starts) == len(set(starts))


def test_a_signal_ends_a_backup_without_leaving_half_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    (folder / "files" / "pictures" / "a" / "20260501T06").mkdir(parents=True)
    storage = {"url": f"sqlite:///{folder / 'store.db'}", "folder": str(folder / "files")}
    (folder / "service.yaml").write_text(yaml.safe_dump({"storage": storage}))
    listed = sightline("keys", "list", "--json", "--config", folder / "service.yaml")
    assert (listed.returncode, listed.stdout) == (0, "[]\n")
    # A file without end on the disk, and with holes that take no room: seconds of reading.
    with (folder / "files" / "pictures" / "a" / "20260501T06" / "b.mp4").open("wb") as large:
        large.truncate(2**34)
    backups = tmp_path / "backups"
    backups.mkdir()
    command = ["backup", "--config", str(folder / "service.yaml"), "--out", str(backups / "a.tar")]
    process = subprocess.Popen(
        [sys.executable, "-m", "sightline", *command], stderr=subprocess.PIPE, text=True
    )
    partial = backups / "a.tar.partial"
    wait_for(lambda: partial.exists() and partial.stat().st_size > 2**20, "it writes")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "interrupted: nothing was written\n")
    assert list(backups.iterdir()) == []
