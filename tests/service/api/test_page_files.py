"""How the page is served: what was built, or the plain page that says how to build it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from sightline.service.api import page
from tests.service.api.conftest import MakeService, code_of

SCRIPT = b"console.log('the page');" * 50


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>built</title>")
    (folder / "assets/index-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets/index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.txt").write_text("not of the page")
    monkeypatch.setattr(page, "BUILT", folder)
    return folder


def policy_of(text: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def test_the_built_page_runs_nothing_but_its_own_files(
    built: Path, make_service: MakeService
) -> None:
    answer = make_service().client(None).get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    policy = policy_of(answer.headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_files_of_the_page_are_kept_and_compressed_for_who_takes_that(
    built: Path, make_service: MakeService
) -> None:
    client = make_service().client(None)
    whole = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert whole.content == SCRIPT
    assert "content-encoding" not in whole.headers
    assert whole.headers["content-type"].startswith("text/javascript")
    assert "immutable" in whole.headers["cache-control"]
    small = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "br, gzip"})
    assert small.content == SCRIPT
    assert small.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["vary"]
    refused = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


@pytest.mark.parametrize(
    "name",
    [
        "index-0000.js",
        "index-1a2b.js.gz",
        "..%2Findex.html",
        "..%2F..%2Fsecret.txt",
        ".vite",
        "%00",
    ],
)
def test_nothing_else_is_served(built: Path, make_service: MakeService, name: str) -> None:
    answer = make_service().client(None).get(f"/assets/{name}")
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


def test_without_a_build_the_plain_page_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_service: MakeService
) -> None:
    monkeypatch.setattr(page, "BUILT", tmp_path / "nothing")
    answer = make_service().client(None).get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text
    assert "'sha256-" in policy_of(answer.headers["content-security-policy"])["script-src"]


def test_what_was_built_here_loads_nothing_from_elsewhere() -> None:
    if not (page.BUILT / "index.html").is_file():
        pytest.skip("the page is not built; make web")
    document = (page.BUILT / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", document)
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", document)
    files = {path.name for path in (page.BUILT / "assets").iterdir()}
    for name in re.findall(r"/assets/([^\"']+)", document):
        assert {name, f"{name}.gz"} <= files
