"""A job scored by HTTP: the numbers of `sightline eval`, its report, and what cannot be scored."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.formats import TrackTable, write_tracks
from sightline.service.jobs import evaluating, evaluations
from sightline.service.jobs.evaluating import EvaluationSpec, Scored
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.api.plaza import PLAZA, TRUTH, plaza_job, plaza_tracks


def poor_tracks() -> TrackTable:
    """The people of the clip as a poor tracker has them: late, shifted, one lost in between."""
    table = plaza_tracks()
    kept = (table.frames % 7 != 3) & ~((table.ids == 2) & (table.frames < 60))
    ids = np.where((table.ids == 4) & (table.frames > 150), 90, table.ids)
    boxes = (table.boxes + np.array([4, 2, 4, 2])).astype(np.float32)
    return dataclasses.replace(
        table,
        ids=ids[kept],
        boxes=boxes[kept],
        predicted=table.predicted[kept],
        frames=table.frames[kept],
        scores=table.scores[kept],
        classes=table.classes[kept],
    )


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service()


@pytest.fixture
def job(service: Service) -> str:
    return f"/v1/jobs/{plaza_job(service, poor_tracks())}"


def send(service: Service, job: str, truth: bytes, **params: str) -> Any:
    return service.client().post(f"{job}/evaluations", content=truth, params=params)


def evaluated(truth: Path, result: Path, *options: str) -> dict[str, Any]:
    """What the command line says."""
    ran = CliRunner().invoke(app, ["eval", str(truth), str(result), "--json", *options])
    assert ran.exit_code == 0, ran.output
    (tracker,) = json.loads(ran.stdout)["trackers"].values()
    found: dict[str, Any] = tracker
    return found


def test_scores_are_those_of_the_command_line(service: Service, job: str, tmp_path: Path) -> None:
    client = service.client()
    result = tmp_path / "plaza.txt"
    result.write_bytes(client.get(f"{job}/tracks.mot.txt").content)
    answer = send(service, job, TRUTH.read_bytes(), name="../yard/gt.txt")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    expected = evaluated(TRUTH, result)
    assert found["scores"] == expected["combined"]
    assert found["intervals"] == expected["intervals"]
    assert 0.3 < found["scores"]["HOTA"] < 0.95
    assert found["scores"]["IDSW"] >= 1
    assert (found["truth"], found["protocol"]) == ("gt.txt", "mot17")
    plain = send(service, job, TRUTH.read_bytes(), protocol="plain").json()
    assert plain["scores"] == evaluated(TRUTH, result, "--protocol", "plain")["combined"]
    listed = client.get(f"{job}/evaluations").json()["items"]
    assert [one["id"] for one in listed] == [plain["id"], found["id"]]
    assert listed[1] == found


def test_the_report_opens_and_runs_nothing(service: Service, job: str) -> None:
    client = service.client()
    found = send(service, job, TRUTH.read_bytes(), name="gt.txt").json()
    report = client.get(found["report"])
    assert report.headers["content-type"].startswith("text/html")
    assert "sandbox" in report.headers["content-security-policy"]
    assert "plaza" in report.text
    assert "HOTA" in report.text
    assert str(service.context.jobs.folder) not in report.text
    assert client.delete(f"{job}/evaluations/{found['id']}").status_code == 204
    assert code_of(client.get(found["report"])) == "not_found"
    assert client.get(f"{job}/evaluations").json()["items"] == []


def test_a_sequence_in_a_zip_and_cvats_xml_are_ground_truth_too(
    service: Service, job: str, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(TRUTH, "yard/gt/gt.txt")
        archive.writestr("yard/seqinfo.ini", (PLAZA / "seqinfo.ini").read_bytes())
    xml = tmp_path / "yard.cvat.xml"
    write_tracks(plaza_tracks(), xml)
    zipped = send(service, job, packed.getvalue(), name="yard.zip")
    text = send(service, job, TRUTH.read_bytes())
    cvat = send(service, job, xml.read_bytes(), name="yard.xml")
    for answer in (zipped, text, cvat):
        assert answer.status_code == 201, answer.text
    assert zipped.json()["scores"] == text.json()["scores"]
    # CVAT's text has hundredths of a pixel, and knows no visibility.
    assert cvat.json()["scores"]["HOTA"] == pytest.approx(text.json()["scores"]["HOTA"], abs=0.01)


def test_corrections_are_a_ground_truth(service: Service, job: str) -> None:
    body = {"revision": 0, "edits": [{"do": "merge", "id": 4, "other": 90}]}
    assert service.client().put(f"{job}/corrections", json=body).status_code == 200
    found = send(service, job, b"").json()
    assert found["truth"] is None
    scores = found["scores"]
    assert (scores["IDSW"], scores["FP"], scores["FN"], scores["MOTA"] < 1) == (1, 0, 0, True)


def test_what_cannot_be_scored_is_named(service: Service, job: str) -> None:
    without_classes = "".join(f"{k},1,10,10,20,40,1\n" for k in range(1, 9)).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("one", "two"):
            archive.write(TRUTH, f"{name}/gt/gt.txt")
    cases = {
        "no text": (b"\x00\x01\x02", "gt.txt"),
        "no rows": (b"\n\n", "gt.txt"),
        "an empty file": (b"", "empty.txt"),
        "no classes": (without_classes, "det.txt"),
        "a line": (b"1,1,10,10,20,40,1,1,1\n1,one,2,3,4,5,1,1,1\n", "yard.txt"),
        "no CVAT": (b"<html></html>", "page.xml"),
        "two sequences": (packed.getvalue(), "both.zip"),
        "no sequence": (b"PK\x05\x06" + bytes(18), "none.zip"),
    }
    for what, (body, name) in cases.items():
        answer = send(service, job, body, name=name)
        assert code_of(answer) == "invalid_request", what
        assert name in answer.json()["detail"], (what, answer.json()["detail"])
        assert "/evaluations/" not in answer.json()["detail"], what
    assert "yard.txt:2" in send(service, job, cases["a line"][0], name="yard.txt").text
    assert code_of(send(service, job, TRUTH.read_bytes(), protocol="mot99")) == "invalid_request"
    assert service.client().get(f"{job}/evaluations").json()["items"] == []
    folder = service.context.jobs.folder_of(job[9:])
    assert list(folder.evaluations.iterdir()) == []


def test_tracks_of_other_classes_are_said_to_count_as_false(service: Service) -> None:
    table = plaza_tracks()
    info = dataclasses.replace(table.info, class_names=("person", "car"))
    classes = np.where(table.ids == 1, 1, 0).astype(np.int32)
    mixed = dataclasses.replace(table, info=info, classes=classes)
    job = f"/v1/jobs/{plaza_job(service, mixed)}"
    found = send(service, job, TRUTH.read_bytes()).json()
    assert any("car" in text for text in found["warnings"])


def test_without_what_draws_reports_there_are_scores(
    service: Service, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(spec: EvaluationSpec) -> Scored:
        assert spec.tracks.is_file()
        return Scored({"HOTA": 0.5}, {}, ("a report needs: pip install …",), False)

    monkeypatch.setattr(evaluations, "score", score)
    found = send(service, job, TRUTH.read_bytes()).json()
    assert (found["report"], found["scores"]) == (None, {"HOTA": 0.5})


def test_scoring_that_takes_too_long_is_given_up(
    service: Service, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "_SECONDS", 0.0)
    assert code_of(send(service, job, TRUTH.read_bytes())) == "unavailable"


def test_a_job_has_some_evaluations_and_not_any_number(
    service: Service, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluations, "MOST_EVALUATIONS", 0)
    assert code_of(send(service, job, TRUTH.read_bytes())) == "conflict"


def test_roles_and_grants_hold(service: Service, job: str) -> None:
    viewer = service.client(service.token("viewer"))
    assert viewer.get(f"{job}/evaluations").status_code == 200
    assert code_of(viewer.post(f"{job}/evaluations", content=b"1")) == "forbidden"
    limited = service.client(service.token("operator", "door"))
    assert code_of(limited.get(f"{job}/evaluations")) == "not_found"
    assert code_of(limited.post(f"{job}/evaluations", content=b"1")) == "not_found"
