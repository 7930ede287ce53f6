"""Downloads, against a server of this process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline.detector.downloads import cached_path, expected_sha256, fetch, is_cached
from sightline.detector.registry import ModelEntry
from sightline.errors import ModelError

CONTENT = b"a network"


class Server:
    """Serves `content` at /net.onnx and counts what was asked for."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.requests = 0
        parent = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parent.requests += 1
                found = self.path == "/net.onnx"
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(parent.content) if found else 0))
                self.end_headers()
                if found:
                    self.wfile.write(parent.content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    serving = Server()
    thread = threading.Thread(target=serving.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.http.shutdown()
    thread.join()
    serving.http.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no proxy between this process and itself."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path


def entry(server: Server, content: bytes | None = CONTENT) -> ModelEntry:
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return ModelEntry(name="net", url=f"{server.address}/net.onnx", sha256=digest)


def test_a_network_is_downloaded_once(server: Server, cache: Path) -> None:
    wanted = entry(server)
    assert not is_cached(wanted)
    paths = [fetch(wanted), fetch(wanted)]
    assert paths == [cache / "sightline" / "models" / "net" / "net.onnx"] * 2
    assert paths[0].read_bytes() == CONTENT
    assert is_cached(wanted)
    assert server.requests == 1


def test_a_file_that_differs_from_its_hash_is_thrown_away(server: Server) -> None:
    wanted = entry(server, b"another")
    with pytest.raises(ModelError, match=r"not the file with SHA-256 .* the registry"):
        fetch(wanted)
    assert list(cached_path(wanted).parent.iterdir()) == []


def test_an_unknown_hash_is_recorded_and_a_change_refused(server: Server) -> None:
    wanted = entry(server, None)
    assert expected_sha256(wanted) == (None, "unknown")
    path = fetch(wanted)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert expected_sha256(wanted) == (digest, "first download")
    path.unlink()
    server.content = b"changed upstream"
    with pytest.raises(ModelError, match=r"first download.*delete .*net\.onnx\.sha256"):
        fetch(wanted)
    assert not path.exists()
    server.content = CONTENT
    assert fetch(wanted).read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False])
def test_a_damaged_file_is_downloaded_again(server: Server, known: bool) -> None:
    wanted = entry(server, CONTENT if known else None)
    path = fetch(wanted)
    path.write_bytes(b"damaged")
    assert fetch(wanted).read_bytes() == CONTENT
    assert server.requests == 2


def test_a_file_put_there_by_hand_is_taken_without_a_network(server: Server) -> None:
    wanted = entry(server)
    cached_path(wanted).parent.mkdir(parents=True)
    cached_path(wanted).write_bytes(CONTENT)
    assert fetch(wanted).read_bytes() == CONTENT
    assert server.requests == 0


def test_a_missing_file_at_the_server_is_said(server: Server) -> None:
    gone = ModelEntry(name="net", url=f"{server.address}/gone.onnx")
    with pytest.raises(ModelError, match=r"gone\.onnx failed \(HTTP 404\).*put it at"):
        fetch(gone)


def test_without_a_network_one_line_says_what_to_do(server: Server) -> None:
    wanted = entry(server)
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(ModelError) as caught:
        fetch(wanted)
    text = str(caught.value)
    assert "\n" not in text
    assert f"put it at {cached_path(wanted)}" in text


def test_an_entry_without_an_address_says_where_to_put_the_file() -> None:
    wanted = ModelEntry(name="net", source="their site", sha256="0" * 64)
    with pytest.raises(ModelError, match=r"no download address.*their site") as caught:
        fetch(wanted)
    assert str(cached_path(wanted)) in str(caught.value)


def test_progress_is_reported_in_bytes(server: Server) -> None:
    class Bar:
        total = 0
        seen = 0

        def update(self, count: int) -> None:
            self.seen += count

        def reset(self) -> None:
            self.seen = 0

        def close(self) -> None: ...

    bar = Bar()
    fetch(entry(server), bar)
    assert bar.total == len(CONTENT)


def embedded(content: bytes) -> ModelEntry:
    digest = hashlib.sha256(content).hexdigest()
    return ModelEntry(name="own", file="own.onnx", embedded=True, sha256=digest)


def test_an_embedded_network_comes_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.detector.downloads._EMBEDDED", tmp_path)
    (tmp_path / "own.onnx").write_bytes(CONTENT)
    entry = embedded(CONTENT)
    assert is_cached(entry)
    assert fetch(entry) == tmp_path / "own.onnx"


@pytest.mark.parametrize("content", [None, b"another"])
def test_a_damaged_installation_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.detector.downloads._EMBEDDED", tmp_path)
    if content is not None:
        (tmp_path / "own.onnx").write_bytes(content)
    with pytest.raises(
        ModelError, match=r"own\.onnx is missing or changed.*install Sightline again"
    ):
        fetch(embedded(CONTENT))


@pytest.mark.parametrize("fields", [{"file": None}, {"url": "http://127.0.0.1/net.onnx"}])
def test_an_embedded_entry_names_a_file_and_no_address(fields: dict[str, str | None]) -> None:
    with pytest.raises(ValueError, match="embedded"):
        ModelEntry.model_validate({"name": "own", "file": "own.onnx", "embedded": True} | fields)
