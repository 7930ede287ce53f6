from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from sightline.errors import SourceCode
from sightline.service.api.problems import PROBLEMS
from sightline.service.errors import ServiceCode
from sightline.service.store.errors import StoreError
from tests.service.api.conftest import MakeService, Service, code_of

DOCS = Path(__file__).resolve().parents[3] / "docs" / "api.md"


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(streams=[{"id": "door", "url": "rtsp://camera.test/door"}])


def test_every_code_has_a_status_and_is_in_the_docs() -> None:
    known = {*get_args(ServiceCode), *get_args(SourceCode)}
    assert set(PROBLEMS) == known
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {code: int(status) for code, status in rows} == {
        code: kind.status for code, kind in PROBLEMS.items()
    }


def test_an_address_that_there_is_not_is_a_problem_document(service: Service) -> None:
    answer = service.client().get("/v1/nothing")
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


def test_a_method_that_an_address_does_not_take_names_those_it_takes(service: Service) -> None:
    answer = service.client().put("/v1/keys")
    assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x"]
)
def test_a_body_that_is_no_json_is_a_kind_that_is_not_taken(service: Service, kind: str) -> None:
    answer = service.client().post("/v1/keys", content=b"x", headers={"Content-Type": kind})
    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[1]", b"null", b'"x"', b"", b'{"name": NaN}']
)
def test_a_body_that_does_not_fit_is_told_where(service: Service, body: bytes) -> None:
    answer = service.client().post(
        "/v1/keys", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, code_of(answer)) == (422, "invalid_request")
    assert answer.json()["errors"][0]["location"].startswith("body")


@pytest.mark.parametrize("length_is_told", [True, False])
def test_a_body_that_is_too_large_is_not_read_to_its_end(
    service: Service, length_is_told: bool
) -> None:
    sent = 0

    def pieces() -> object:
        nonlocal sent
        for _ in range(100):
            sent += 65_536
            yield b" " * 65_536

    answer = service.client().post(
        "/v1/keys",
        content=b" " * 3_000_000 if length_is_told else pieces(),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, code_of(answer)) == (413, "too_large")


def test_a_document_names_its_kind_and_repeats_no_value(service: Service) -> None:
    answer = service.client().post("/v1/keys", json={"name": "s3cret" * 50, "role": "s3cret"})
    document = answer.json()
    assert document["type"] == "urn:sightline:invalid_request"
    assert {place["location"] for place in document["errors"]} == {"body.name", "body.role"}
    assert "s3cret" not in answer.text


def test_an_unexpected_error_says_nothing_but_that(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("inner detail")

    monkeypatch.setattr(service.context.streams, "views", fail)
    answer = service.client().get("/v1/streams")
    assert (answer.status_code, code_of(answer)) == (500, "internal_error")
    assert "inner detail" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "inner detail" in caplog.text


def test_a_store_that_cannot_be_used_is_told_with_its_own_code(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreError("the store is full", "store_full")

    monkeypatch.setattr(service.context.streams, "views", fail)
    answer = service.client().get("/v1/streams")
    assert (answer.status_code, code_of(answer)) == (503, "store_full")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("path", ["/v1/streams/%00", "/v1/keys/%00", "/v1/streams/%F0%9F%98%80"])
def test_odd_names_are_not_found(service: Service, path: str) -> None:
    assert code_of(service.client().delete(path)) in ("not_found", "invalid_request")
