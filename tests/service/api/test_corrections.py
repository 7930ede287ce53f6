"""A job played and corrected by HTTP; what comes out is read by `sightline eval` and `train`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.formats import read_tracks
from sightline.video import open_source
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.api.plaza import plaza_job, plaza_tracks


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(detector={"device": "cpu", "size": 256})


@pytest.fixture
def job(service: Service) -> str:
    return f"/v1/jobs/{plaza_job(service)}"


def put(service: Service, job: str, revision: int, *edits: dict[str, Any]) -> Any:
    body = {"revision": revision, "edits": list(edits)}
    return service.client().put(f"{job}/corrections", json=body)


def test_tracks_are_listed_one_by_one(service: Service, job: str) -> None:
    found = service.client().get(f"{job}/tracks").json()
    assert (found["width"], found["height"], found["rate"]) == (640, 360, 25.0)
    assert (found["frames"], found["first"], found["last"], found["step"]) == (300, 0, 299, 1)
    table = plaza_tracks()
    assert [one["id"] for one in found["tracks"]] == sorted(set(table.ids.tolist()))
    for one in found["tracks"]:
        frames = table.frames[table.ids == one["id"]]
        assert (one["first"], one["last"], one["boxes"]) == (frames[0], frames[-1], len(frames))
        assert one["first_time"] == pytest.approx(frames[0] / 25)


def test_boxes_come_in_stretches_of_frames(service: Service, job: str) -> None:
    client = service.client()
    first: int | None = 0
    seen: list[dict[str, Any]] = []
    while first is not None:
        answer = client.get(f"{job}/boxes", params={"first": first, "limit": 128}).json()
        seen += answer["frames"]
        first = answer["next"]
    assert [one["frame"] for one in seen] == list(range(300))
    table = plaza_tracks()
    assert sum(len(one["ids"]) for one in seen) == len(table)
    frame = seen[100]
    rows = table.frames == 100
    assert frame["ids"] == table.ids[rows].tolist()
    np.testing.assert_allclose(frame["boxes"], table.boxes[rows] / [640, 360, 640, 360], atol=1e-5)


def test_corrections_are_saved_shown_and_undone(service: Service, job: str) -> None:
    client = service.client()
    empty = client.get(f"{job}/corrections").json()
    assert (empty["revision"], empty["saved_at"], empty["edits"]) == (0, None, [])
    edits = [{"do": "delete", "id": 1}, {"do": "rename", "id": 2, "to": 40}]
    saved = put(service, job, 0, *edits).json()
    assert (saved["revision"], saved["edits"]) == (1, edits)
    assert saved["saved_by"]
    assert client.get(f"{job}/corrections").json() == saved
    numbers = {
        one["id"]
        for one in client.get(f"{job}/tracks", params={"corrected": True}).json()["tracks"]
    }
    found = {one["id"] for one in client.get(f"{job}/tracks").json()["tracks"]}
    assert numbers == found - {1, 2} | {40}
    undone = put(service, job, 1).json()
    assert (undone["revision"], undone["edits"], undone["tracks"]) == (2, [], len(found))


def test_edits_that_do_not_fit_are_refused_and_change_nothing(service: Service, job: str) -> None:
    put(service, job, 0, {"do": "delete", "id": 1})
    for edits in (
        [{"do": "delete", "id": 99}],
        [{"do": "split", "id": 2, "frame": 5000, "to": 50}],
        [{"do": "merge", "id": 2, "other": 2}],
    ):
        answer = put(service, job, 1, *edits)
        assert code_of(answer) == "invalid_request"
        assert answer.json()["detail"].startswith("edits.0: "), answer.text
    for edits in (
        [{"do": "paint", "id": 1}],
        [{"do": "delete", "id": 0}],
        [{"do": "delete", "id": 1, "to": 2}],
        [{"do": "rename", "id": 1}],
    ):
        answer = put(service, job, 1, *edits)
        assert code_of(answer) == "invalid_request"
        assert answer.json()["errors"][0]["location"].startswith("body.edits.0"), answer.text
    assert code_of(put(service, job, 0)) == "conflict"
    assert service.client().get(f"{job}/corrections").json()["revision"] == 1


def test_the_corrected_ground_truth_is_read_by_eval(
    service: Service, job: str, tmp_path: Path
) -> None:
    """Somebody was split in two by mistake; that is undone, and the scores tell the difference."""
    client = service.client()
    put(service, job, 0, {"do": "split", "id": 2, "frame": 120, "to": 77})
    result = tmp_path / "result.txt"
    result.write_bytes(client.get(f"{job}/corrected.gt.txt").content)
    put(service, job, 1)
    truth = tmp_path / "plaza.gt.txt"
    answer = client.get(f"{job}/corrected.gt.txt")
    assert 'filename="plaza.gt.txt"' in answer.headers["content-disposition"]
    truth.write_bytes(answer.content)
    cvat = tmp_path / "plaza.cvat.xml"
    cvat.write_bytes(client.get(f"{job}/corrected.cvat.xml").content)
    for read in (truth, cvat):
        ran = CliRunner().invoke(app, ["eval", str(read), str(result), "--json"])
        assert ran.exit_code == 0, ran.output
        combined = json.loads(ran.stdout)["trackers"]["result"]["combined"]
        assert (combined["IDSW"], combined["FP"], combined["FN"]) == (1, 0, 0), read
        assert combined["IDF1"] < 1.0
    assert len(read_tracks(cvat)) == len(read_tracks(truth, "mot")) == len(plaza_tracks())


def test_the_sequence_is_read_by_train(service: Service, job: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip(
        "sightline.detector.training.datasets", reason="needs sightline[train]"
    )
    put(service, job, 0, {"do": "delete", "id": 3})
    answer = service.client().get(f"{job}/sequence.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    examples = datasets.read_data(tmp_path / "plaza")
    assert len(examples) == 300
    assert examples[0].path.name == "000001.jpg"
    table = plaza_tracks()
    wanted = ((table.frames == 100) & (table.ids != 3)).sum()
    labels = examples[100].labels
    assert len(labels.boxes) + len(labels.ignore) == wanted


def test_every_browser_gets_a_video(service: Service, job: str, tmp_path: Path) -> None:
    client = service.client()
    upload = client.get(f"{job}/upload", headers={"Range": "bytes=4-7"})
    assert (upload.status_code, upload.content) == (206, b"ftyp")
    assert upload.headers["content-type"] == "video/mp4"
    plain = tmp_path / "plain.mp4"
    plain.write_bytes(client.get(f"{job}/plain.mp4").content)
    frames = list(open_source(plain))
    assert len(frames) == 300
    original = next(iter(open_source(Path(str(service.context.jobs.folder_of(job[9:]).input)))))
    assert np.abs(frames[0].image.astype(int) - original.image).mean() < 4  # nothing is drawn


def test_a_video_in_which_people_are_blurred_is_not_handed_out_as_it_came(
    service: Service,
) -> None:
    job = f"/v1/jobs/{plaza_job(service, blur='people')}"
    answer = service.client().get(f"{job}/upload")
    assert code_of(answer) == "conflict"
    assert "plain.mp4" in answer.json()["detail"]


def test_a_viewer_looks_and_does_not_touch_and_others_jobs_are_not_there(
    service: Service, job: str
) -> None:
    viewer = service.client(service.token("viewer"))
    for path in ("tracks", "boxes", "corrections", "corrected.gt.txt", "upload"):
        assert viewer.get(f"{job}/{path}").status_code == 200, path
    refused = viewer.put(f"{job}/corrections", json={"revision": 0, "edits": []})
    assert code_of(refused) == "forbidden"
    limited = service.client(service.token("operator", "door"))
    for path in ("tracks", "boxes", "corrections", "corrected.cvat.xml", "upload", "sequence.zip"):
        assert code_of(limited.get(f"{job}/{path}")) == "not_found", path
    hidden = limited.put(f"{job}/corrections", json={"revision": 0, "edits": []})
    assert code_of(hidden) == "not_found"
