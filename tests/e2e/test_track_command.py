"""`sightline track` as its user runs it: a process, its files, its exit code, its one line."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import motmetrics
import numpy as np
import onnx
import pyarrow.parquet
import pytest
from pycocotools.coco import COCO

from sightline.formats import FORMATS, read_tracks
from sightline.structures import Tracks
from sightline.video import VideoWriter, open_source

ALL_FORMATS = "mot,jsonl,csv,coco,cvat,parquet"


def sightline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One plain line on stderr, nothing on stdout, the right exit code."""
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("sightline: ")
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="session")
def vtest(shared: Path) -> Path:
    return shared / "data/clips/vtest.avi"


@pytest.fixture(scope="session")
def model(shared: Path) -> Path:
    return shared / "weights/yolox_nano_416.onnx"


@pytest.fixture(scope="module")
def tracked(vtest: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of the first six seconds of vtest, in all formats and as a video."""
    out = tmp_path_factory.mktemp("vtest")
    done = sightline(
        *("track", vtest, "--model", model, "--classes", "person", "--out", out),
        *("--format", ALL_FORMATS, "--save-video", "--end", "6", "--json"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["frames"] == 60
    assert summary["tracks"] >= 5
    assert sorted(summary["outputs"]) == sorted(map(str, out.iterdir()))
    return out


def test_all_formats_describe_the_same_tracks(tracked: Path) -> None:
    tables = {name: read_tracks(tracked / f"vtest{FORMATS[name]}", name) for name in FORMATS}
    reference = tables["parquet"]
    assert len(reference) > 200
    for table in tables.values():
        assert table.frames.tolist() == reference.frames.tolist()
        assert table.ids.tolist() == reference.ids.tolist()
        np.testing.assert_allclose(table.boxes, reference.boxes, atol=0.011)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:motmetrics")
@pytest.mark.filterwarnings("ignore:Operation with tuple")
def test_the_outputs_open_in_the_libraries_that_people_use(tracked: Path) -> None:
    rows = len(read_tracks(tracked / "vtest.parquet"))
    assert pyarrow.parquet.read_table(tracked / "vtest.parquet").num_rows == rows
    assert len(motmetrics.io.loadtxt(tracked / "vtest.txt", fmt="mot16")) == rows
    assert len(COCO(tracked / "vtest.coco.json").getAnnIds()) == rows


def test_the_annotated_video_has_every_frame(tracked: Path) -> None:
    with_boxes = open_source(tracked / "vtest.mp4")
    frames = list(with_boxes)
    assert len(frames) == 60
    assert (with_boxes.width, with_boxes.height) == (768, 576)
    assert frames[10].time == pytest.approx(1.0, abs=0.01)


def test_offline_steps_add_to_the_online_tracks_and_change_none(
    vtest: Path, model: Path, tmp_path: Path
) -> None:
    rows = []
    for name, options in (("online", ()), ("offline", ("--offline", "linear", "--save-video"))):
        done = sightline(
            *("track", vtest, "--model", model, "--confidence", "0.7", "--end", "6"),
            *("--out", tmp_path / name, *options),
        )
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / name / "vtest.txt").read_text().splitlines()
        rows.append({tuple(line.split(",")[:2]): line for line in lines})
    online, offline = rows
    assert len(offline) > len(online) > 0
    assert all(offline[key] == line for key, line in online.items())
    assert len(list(open_source(tmp_path / "offline/vtest.mp4"))) == 60


def test_results_do_not_depend_on_the_batch(vtest: Path, model: Path, tmp_path: Path) -> None:
    texts = []
    for batch in ("1", "4"):
        out = tmp_path / batch
        done = sightline(
            *("track", vtest, "--model", model, "--end", "1", "--batch", batch, "--out", out)
        )
        assert done.returncode == 0, done.stderr
        texts.append((out / "vtest.txt").read_text())
    assert texts[0] == texts[1] != ""


def test_stride_keeps_the_frame_numbers(vtest: Path, model: Path, tmp_path: Path) -> None:
    done = sightline(
        *("detect", vtest, "--model", model, "--end", "2", "--stride", "5", "--out", tmp_path)
    )
    assert done.returncode == 0, done.stderr
    table = read_tracks(tmp_path / "vtest.txt")
    assert sorted(set(table.frames.tolist())) == [0, 5, 10, 15]
    assert set(table.ids.tolist()) == {-1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["no such file"]),
        (b"", ["clip.mp4"]),
        (b"this is a shopping list\n" * 400, ["clip.mp4"]),
    ],
    ids=["missing", "zero bytes", "text"],
)
def test_a_file_that_is_no_video_is_refused(
    content: bytes | None, words: list[str], model: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    if content is not None:
        clip.write_bytes(content)
    refused(sightline("track", clip, "--model", model, "--out", tmp_path / "out"), 3, *words)


def test_a_truncated_video_is_tracked_up_to_the_cut(
    vtest: Path, model: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "cut.mp4"
    with VideoWriter(clip, rate=10.0) as writer:  # its index stands at the front
        for frame in open_source(vtest, end=4.0):
            writer.write(frame, Tracks.empty())
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) * 2 // 3])
    done = sightline("track", clip, "--model", model, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert "warning" in done.stderr
    summary = json.loads(done.stdout)
    assert 10 < summary["frames"] < 40
    assert summary["warnings"]


def test_an_unreachable_host_is_named(model: Path, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    address = f"http://127.0.0.1:{port}/clip.mp4"
    refused(sightline("track", address, "--model", model, "--out", tmp_path), 3, "127.0.0.1")


def test_an_onnx_file_that_is_no_detector_names_its_outputs(vtest: Path, tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["samples"], ["loudness"])],
        "audio",
        [value("samples", onnx.TensorProto.FLOAT, [1, 16000])],
        [value("loudness", onnx.TensorProto.FLOAT, [1, 16000])],
    )
    opset = onnx.helper.make_opsetid("", 17)
    path = tmp_path / "audio.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    refused(sightline("track", vtest, "--model", path, "--out", tmp_path), 4, "loudness")


def test_an_unknown_class_format_preset_or_model_is_refused(
    vtest: Path, model: Path, tmp_path: Path
) -> None:
    base = ("track", vtest, "--out", tmp_path / "out")
    refused(sightline(*base, "--model", model, "--classes", "persn"), 2, "persn", "person")
    refused(sightline(*base, "--model", model, "--format", "xls"), 2, "xls", "parquet")
    refused(sightline(*base, "--model", model, "--tracker", "nosort"), 2, "nosort", "bytetrack")
    refused(sightline(*base, "--model", tmp_path / "no.onnx"), 4, "no.onnx")
    refused(sightline(*base, "--model", model, "--set", "birth=1"), 2, "birth")
    refused(sightline(*base, "--model", model, "--set", "birth_score=9"), 2, "birth_score", "9")
    refused(sightline(*base, "--model", model, "--set", "birth_score"), 2, "NAME=VALUE")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made_is_refused(
    vtest: Path, model: Path, tmp_path: Path
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    refused(sightline("track", vtest, "--model", model, "--out", occupied / "out"), 2, "file")
    assert occupied.read_text() == "in the way"


@contextmanager
def stalling_server(content: bytes) -> Iterator[str]:
    """Serves most of a clip, then keeps the connection open and sends nothing more."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(content[: len(content) * 3 // 4])
            self.wfile.flush()
            released.wait(60)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/camera.ts"
        finally:
            released.set()
            server.shutdown()
            thread.join()


def test_ctrl_c_leaves_complete_outputs(vtest: Path, model: Path, tmp_path: Path) -> None:
    import av

    clip = tmp_path / "camera.ts"
    with av.open(str(clip), "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 768, 576, "yuv420p"
        for frame in open_source(vtest, end=12.0):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        container.mux(stream.encode())
    out = tmp_path / "out"
    with stalling_server(clip.read_bytes()) as address:
        command = [sys.executable, "-m", "sightline", "track", address, "--model", str(model)]
        # On a terminal the progress bar tells when frames are being tracked.
        screen, terminal = pty.openpty()
        process = subprocess.Popen(
            [*command, "--out", str(out), "--format", ALL_FORMATS, "--save-video"], stderr=terminal
        )
        os.close(terminal)
        shown = ""
        while not re.search(r"[1-9]\d*/", shown):
            shown += os.read(screen, 4096).decode()
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # the terminal ends with its last writer
            while chunk := os.read(screen, 4096):
                shown += chunk.decode()
        os.close(screen)
        assert process.wait(60) == 130, shown
    assert "Traceback" not in shown
    assert "interrupted" in shown
    tables = [read_tracks(out / f"camera{FORMATS[name]}", name) for name in FORMATS]
    assert len(tables[0]) > 0
    assert all(len(table) == len(tables[0]) for table in tables)
    assert len(list(open_source(out / "camera.mp4"))) >= len(set(tables[0].frames.tolist()))
