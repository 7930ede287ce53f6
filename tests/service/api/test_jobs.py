"""Jobs through HTTP: a real server, real clips, a real process that is killed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
import pytest
import uvicorn

from sightline.formats import read_tracks
from sightline.service import disk
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.queue import JobQueue
from sightline.service.jobs.tracking import JobSpec, track_job
from sightline.video import open_source
from tests.service.api.conftest import ADMIN_TOKEN, MakeService, Service, code_of

OPTIONS = {"classes": ["person"], "stride": 3, "end": 12}
PATIENCE = 600.0
HASTE: dict[str, Any] = {"checkpoint_seconds": 0.2, "niceness": 0}


@dataclass
class Jobs:
    """A service whose jobs are real, behind a real server."""

    service: Service
    queue: JobQueue
    url: str
    folder: Path

    def client(self, token: str = ADMIN_TOKEN) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        return self.service.stack.enter_context(client)

    def wait(self, job_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job once something holds."""
        client = self.client()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
            if holds(job):
                return job
            threading.Event().wait(0.05)
        raise AssertionError(f"in {PATIENCE} s the job got to {job}")

    def left(self) -> list[str]:
        """What lies in the folder of jobs."""
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []

    def restart(self) -> None:
        """End the queue and start another over the same store and folder."""
        self.queue.close()
        context = self.service.context
        self.queue = JobQueue(context.config, context.database, context.clock, **HASTE)
        self.service.app.state.context = replace(context, jobs=self.queue)
        self.queue.start()


@pytest.fixture
def make_jobs(make_service: MakeService, tmp_path: Path) -> Iterator[Callable[..., Jobs]]:
    """`make_jobs(start=True, **values of the configuration)`."""
    with ExitStack() as stack:

        def make(*, start: bool = True, **values: Any) -> Jobs:
            service = make_service(
                storage={"folder": str(tmp_path / "data")},
                detector={"device": "cpu", "size": 256},
                **values,
            )
            context = service.context
            queue = JobQueue(context.config, context.database, context.clock, **HASTE)
            jobs = Jobs(service, queue, "", tmp_path / "data" / "jobs")
            stack.callback(lambda: jobs.queue.close())
            service.app.state.context = replace(context, jobs=queue)
            if start:
                queue.start()
            jobs.url = stack.enter_context(_serve(service.app))
            return jobs

        yield make


@pytest.fixture
def jobs(make_jobs: Callable[..., Jobs]) -> Jobs:
    return make_jobs()


@pytest.fixture
def idle(make_jobs: Callable[..., Jobs]) -> Jobs:
    """Takes jobs, and does none."""
    return make_jobs(start=False)


@pytest.fixture(scope="module")
def vtest(shared: Path) -> bytes:
    return (shared / "data" / "clips" / "vtest.avi").read_bytes()


def send(jobs: Jobs, video: bytes, options: dict[str, Any] | None = None) -> httpx.Response:
    """Upload a form."""
    return jobs.client().post(
        "/v1/jobs",
        files={"file": ("../yard/vtest.avi", video)},
        data={"options": json.dumps(OPTIONS if options is None else options)},
    )


def worker() -> int:
    """Process number of the running job."""
    (child,) = (one for one in multiprocessing.active_children() if one.name == "job")
    assert child.pid is not None
    return child.pid


def test_a_video_becomes_tracks_in_every_form_and_a_picture_of_them(
    jobs: Jobs, vtest: bytes
) -> None:
    answer = send(jobs, vtest, OPTIONS | {"end": 3})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["name"], job["bytes"], job["results"]) == ("vtest.avi", len(vtest), {})
    done = jobs.wait(job["id"], lambda job: job["finished_at"] is not None)
    assert (done["state"], done["progress"], done["frames"]) == ("DONE", 1.0, 10), done
    client = jobs.client()
    counts = set()
    for ending, address in done["results"].items():
        if ending == "video.mp4":
            continue
        result = client.get(address)
        assert f'filename="vtest.{ending}"' in result.headers["content-disposition"]
        path = jobs.folder.parent / f"downloaded.{ending}"
        path.write_bytes(result.content)
        counts.add(len(read_tracks(path)))
    assert len(counts) == 1
    assert counts.pop() > 10
    part = client.get(done["results"]["video.mp4"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    video = jobs.folder.parent / "video.mp4"
    video.write_bytes(client.get(done["results"]["video.mp4"]).content)
    frames = list(open_source(video))
    assert [frame.time for frame in frames] == pytest.approx([k * 0.3 for k in range(10)])
    modes = {path.name: path.stat().st_mode & 0o777 for path in jobs.folder.rglob("*")}
    assert all(mode in (0o600, 0o700) for mode in modes.values()), modes
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert jobs.left() == []
    assert code_of(client.get(f"/v1/jobs/{job['id']}")) == "not_found"


def test_a_job_that_is_killed_and_whose_service_ends_goes_on_as_if_nothing_was(
    jobs: Jobs, vtest: bytes
) -> None:
    options = {"stride": 2, "end": 50}
    job = send(jobs, vtest, options).json()
    begun = jobs.wait(job["id"], lambda job: job["frames"] >= 3)
    os.kill(worker(), signal.SIGKILL)
    further = jobs.wait(job["id"], lambda job: job["frames"] > begun["frames"] + 10)
    assert further["state"] == "RUNNING"
    jobs.restart()
    done = jobs.wait(job["id"], lambda job: job["finished_at"] is not None)
    assert (done["state"], done["frames"]) == ("DONE", 250)
    folder = jobs.queue.folder_of(job["id"])
    assert folder.tracks.read_bytes() == uninterrupted(jobs, folder, options)


def uninterrupted(jobs: Jobs, folder: JobFolder, options: dict[str, Any]) -> bytes:
    """The same job done in this process in one go."""
    settings = jobs.service.context.config
    again = JobFolder(jobs.folder / "again")
    again.make()
    again.input.symlink_to(folder.input)
    asked = JobOptions.model_validate(options)
    limit = settings.security.max_pixels
    track_job(
        JobSpec(again.path, "vtest.avi", asked, settings.detector, settings.tracker, limit),
        lambda _: None,
    )
    return again.tracks.read_bytes()


def _is_running() -> bool:
    return any(one.name == "job" for one in multiprocessing.active_children())


def test_a_cancelled_job_stops_and_leaves_only_its_video(jobs: Jobs, vtest: bytes) -> None:
    first, second = (send(jobs, vtest).json()["id"] for _ in range(2))
    jobs.wait(first, lambda job: job["frames"] >= 1)
    client = jobs.client()
    assert client.post(f"/v1/jobs/{second}/cancel").json()["state"] == "CANCELLED"
    assert client.post(f"/v1/jobs/{first}/cancel").json()["state"] == "CANCELLED"
    assert code_of(client.post(f"/v1/jobs/{first}/cancel")) == "conflict"
    jobs.wait(first, lambda _: not _is_running())
    jobs.wait(first, lambda _: [path.name for path in (jobs.folder / first).iterdir()] == ["input"])
    assert code_of(client.get(f"/v1/jobs/{first}/tracks.csv")) == "conflict"
    listed = client.get("/v1/jobs", params={"state": "CANCELLED", "limit": 1}).json()
    assert [job["id"] for job in listed["items"]] == [second]
    rest = client.get("/v1/jobs", params={"cursor": listed["next_cursor"]}).json()
    assert [job["id"] for job in rest["items"]] == [first]


def test_a_running_job_can_be_deleted(jobs: Jobs, vtest: bytes) -> None:
    job = send(jobs, vtest).json()["id"]
    jobs.wait(job, lambda job: job["frames"] >= 1)
    other = send(jobs, vtest, {"end": 0.5}).json()["id"]
    assert jobs.client().delete(f"/v1/jobs/{job}").status_code == 204
    jobs.wait(other, lambda job: job["state"] == "DONE")
    assert jobs.left() == [other]


def test_an_upload_is_cut_off_when_it_grows_too_large(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(start=False, security={"max_upload_mib": 1})
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1 << 16
            yield bytes(1 << 16)

    client = jobs.client()
    with contextlib.suppress(httpx.TransportError):  # the server may close while we still send
        answer = client.post("/v1/jobs", content=endless())
        assert code_of(answer) == "too_large"
    form = client.post("/v1/jobs", files={"file": ("big.mp4", bytes((1 << 20) + 1))})
    assert code_of(form) == "too_large"
    assert "security.max_upload_mib" in form.json()["detail"]
    assert sent < 40 << 20
    assert jobs.left() == []


def test_an_upload_that_says_it_is_too_large_is_not_read(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(start=False, security={"max_upload_mib": 1})
    host, port = jobs.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2 << 20}\r\n"
            f"Authorization: Bearer {ADMIN_TOKEN}\r\n\r\n".encode()
        )
        assert b"413" in connection.recv(1000).partition(b"\r\n")[0]
    assert jobs.left() == []


def test_what_is_no_video_is_refused_at_once(idle: Jobs, vtest: bytes, tmp_path: Path) -> None:
    client = idle.client()
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    _, picture = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))
    bodies = {
        "nothing": b"",
        "garbage": np.random.default_rng(0).bytes(100_000),
        "text": b"no video at all\n" * 100,
        "playlist": (tmp_path / "list.m3u8").read_bytes(),
        "picture": picture.tobytes(),
        "truncated": vtest[:300],
    }
    codes = {name: code_of(client.post("/v1/jobs", content=body)) for name, body in bodies.items()}
    assert codes == dict.fromkeys(bodies, "unsupported_media_type")
    assert idle.left() == []


def test_frames_of_too_many_pixels_are_refused_before_one_is_decoded(
    make_jobs: Callable[..., Jobs], vtest: bytes
) -> None:
    jobs = make_jobs(start=False, security={"max_pixels": 768 * 576 - 1})
    answer = send(jobs, vtest)
    assert code_of(answer) == "too_large"
    assert "768x576 pixels; security.max_pixels allows 442367" in answer.json()["detail"]
    assert jobs.left() == []


def test_a_frame_that_promises_gigabytes_is_refused(idle: Jobs, tmp_path: Path) -> None:
    video = tmp_path / "bomb.avi"
    with av.open(str(video), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    small, huge = struct.pack(">BHH", 8, 48, 64), struct.pack(">BHH", 8, 30_000, 30_000)
    assert video.read_bytes().count(small) == 3
    answer = send(idle, video.read_bytes().replace(small, huge))
    assert code_of(answer) == "unsupported_media_type"
    assert "larger than its header says" in answer.json()["detail"]
    assert idle.left() == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x\r\n\r\nno end", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b'{"url": "file:///etc/passwd"}', "application/json"),
        (b'{"url": ', "application/json"),
        (b'{"url": "http://10.0.0.1/x.mp4", "options": {"stride": 0}}', "application/json"),
    ],
)
def test_a_body_that_does_not_fit_is_named(idle: Jobs, body: bytes, content_type: str) -> None:
    answer = idle.client().post("/v1/jobs", content=body, headers={"Content-Type": content_type})
    assert code_of(answer) == "invalid_request"
    assert idle.left() == []


@pytest.mark.parametrize(
    "options",
    ['{"stride": 0}', '{"start": 4, "end": 2}', '{"speed": 2}', "[1]", "{", '{"url_file": "x"}'],
)
def test_options_that_do_not_fit_are_named(idle: Jobs, options: str, vtest: bytes) -> None:
    client = idle.client()
    form = client.post("/v1/jobs", files={"file": vtest}, data={"options": options})
    raw = client.post("/v1/jobs", content=vtest, params={"options": options})
    assert code_of(form) == code_of(raw) == "invalid_request"
    assert idle.left() == []


def test_a_full_disk_refuses_uploads_and_keeps_the_service(
    idle: Jobs, vtest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "RESERVE_BYTES", 2**62)
    assert code_of(send(idle, vtest)) == "storage_full"
    assert idle.left() == []
    assert idle.client().get("/v1/jobs").json()["items"] == []


def test_a_video_is_fetched_from_networks_that_are_allowed(
    make_jobs: Callable[..., Jobs], vtest: bytes
) -> None:
    with _files({"/yard%20one.avi": vtest, "/moved": "/yard%20one.avi"}) as address:
        refused = make_jobs(start=False).client()
        answer = refused.post("/v1/jobs", json={"url": f"{address}/yard%20one.avi"})
        assert code_of(answer) == "stream_refused"


def test_a_fetched_video_is_a_job_like_any_other(
    make_jobs: Callable[..., Jobs], vtest: bytes
) -> None:
    jobs = make_jobs(start=False, security={"allowed_networks": ["127.0.0.0/8"]})
    client = jobs.client()
    with _files({"/yard%20one.avi": vtest, "/moved": "/yard%20one.avi"}) as address:
        job = client.post("/v1/jobs", json={"url": f"{address}/yard%20one.avi?token=1"}).json()
        moved = client.post("/v1/jobs", json={"url": f"{address}/moved", "name": "gate"}).json()
        missing = client.post("/v1/jobs", json={"url": f"{address}/missing"})
    assert (job["name"], job["bytes"]) == ("yard one.avi", len(vtest))
    assert (moved["name"], moved["bytes"]) == ("gate", len(vtest))
    assert "token" not in json.dumps(job)
    assert code_of(missing) == "stream_not_found"
    assert len(jobs.left()) == 2


def test_a_key_for_some_streams_sees_its_own_jobs(idle: Jobs, vtest: bytes) -> None:
    job = send(idle, vtest).json()["id"]
    limited = idle.client(idle.service.token("operator", "gate"))
    assert limited.get("/v1/jobs").json()["items"] == []
    for answer in (
        limited.get(f"/v1/jobs/{job}"),
        limited.get(f"/v1/jobs/{job}/tracks.csv"),
        limited.post(f"/v1/jobs/{job}/cancel"),
        limited.delete(f"/v1/jobs/{job}"),
    ):
        assert code_of(answer) == "not_found"
    own = limited.post("/v1/jobs", content=vtest, params={"name": "own"}).json()
    assert [each["name"] for each in limited.get("/v1/jobs").json()["items"]] == ["own"]
    assert limited.delete(f"/v1/jobs/{own['id']}").status_code == 204
    viewer = idle.client(idle.service.token("viewer"))
    assert code_of(viewer.post("/v1/jobs", content=vtest)) == "forbidden"


def test_old_jobs_and_strays_are_removed(jobs: Jobs, vtest: bytes) -> None:
    job = send(jobs, vtest, {"end": 0.3}).json()["id"]
    jobs.wait(job, lambda job: job["state"] == "DONE")
    (jobs.folder / "stray").mkdir()
    jobs.service.clock.time += 31 * 86_400
    jobs.restart()
    deadline = time.monotonic() + PATIENCE
    while jobs.left() and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert jobs.left() == []
    assert jobs.client().get("/v1/jobs").json()["items"] == []


@contextlib.contextmanager
def _serve(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def _files(contents: dict[str, bytes | str]) -> Iterator[str]:
    """A web server; a text is the address that a path has moved to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = contents.get(self.path.partition("?")[0])
            if content is None:
                self.send_error(404)
                return
            self.send_response(302 if isinstance(content, str) else 200)
            if isinstance(content, str):
                self.send_header("Location", content)
            body = b"" if isinstance(content, str) else content
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
