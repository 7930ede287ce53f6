"""Counting through the whole service, network included, on a rendered clip whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import av

from sightline.demo.people import Look, Walker
from sightline.demo.render import render_frames
from sightline.demo.scene import HEIGHT, WIDTH
from tests.e2e.running_service import RunningService, following

RATE = 12
SECONDS = 20
# A second that never arrives, in which the one in the second row crosses the middle.
LOST = (5.0, 6.0)

RED = Look((60, 58, 190), (104, 74, 52), (44, 66, 96), (170, 196, 232))
GREEN = Look((70, 132, 62), (60, 60, 70), (36, 32, 34), (74, 104, 152))
BLUE = Look((190, 120, 50), (70, 66, 62), (36, 32, 34), (128, 162, 206))
WHITE = Look((225, 222, 215), (120, 90, 58), (110, 172, 214), (170, 196, 232))
DARK = Look((70, 60, 60), (150, 130, 110), (178, 178, 178), (170, 196, 232))
YELLOW = Look((70, 200, 220), (90, 60, 50), (36, 32, 34), (128, 162, 206))


def to_and_fro(x: float, depth: float, times: int) -> tuple[tuple[float, float], ...]:
    """Small steps over the middle of the picture, ten centimetres to each side."""
    return tuple((x + 0.1 * (-1) ** number, depth) for number in range(times))


WALKERS = (
    # From left to right, and out of the picture over the line at its edge.
    Walker(RED, 1.80, 1.4, 0.0, ((-5.0, 9.0), (9.0, 9.0))),
    # From left to right; crosses while the video is lost.
    Walker(GREEN, 1.75, 1.4, 1.6, ((-5.5, 11.5), (3.0, 11.5), (3.0, 30.0))),
    # In over the line at the edge, and on from right to left.
    Walker(BLUE, 1.78, 1.4, 6.5, ((10.0, 14.0), (-9.0, 14.0))),
    # Turns back on the line in the middle.
    Walker(WHITE, 1.76, 1.2, 0.0, ((-6.0, 16.5), (0.0, 16.5), (-7.0, 16.5))),
    # Steps to and fro on the line for many seconds, then goes back to where it came from.
    Walker(DARK, 1.82, 1.0, 0.0, ((5.0, 19.0), *to_and_fro(0.0, 19.0, 30), (6.0, 19.0))),
    # Stands on the line for a while, goes on and leaves over the line at the edge.
    Walker(YELLOW, 1.80, 1.4, 3.0, ((-5.0, 7.5), (7.0, 7.5)), pause=3.57, pause_seconds=4.0),
)  # fmt: skip

LINES = [
    {"id": "middle", "points": [[0.5, 0.0], [0.5, 1.0]]},
    {"id": "edge", "points": [[0.95, 0.0], [0.95, 1.0]]},
]
# Down a line, the picture's left is at the right hand: to the right is out.
TRUTH = {
    ("middle", "out"): 3,
    ("middle", "in"): 1,
    ("edge", "out"): 2,
    ("edge", "in"): 1,
}


def test_counts_of_a_rendered_clip_are_exactly_those_of_its_truth(tmp_path: Path) -> None:
    clip = render(tmp_path / "plaza.mp4", WALKERS)
    stream = {"id": "plaza", "url": str(clip), "buffer": "wait", "lines": LINES}
    # Who is a second further than anybody could foresee is found again by his looks.
    config = {
        "detector": {"classes": ["person"]},
        "tracker": {"reid": "sightline-reid"},
        "streams": [stream],
    }
    with RunningService(tmp_path, config) as service, service.client() as client:
        with following(client, "/v1/streams/plaza") as until:
            until(lambda answer: answer["status"]["state"] == "STOPPED")
            until(lambda answer: answer["processing"]["processed"] == RATE * (SECONDS - 1))
        with following(client, "/v1/events?kind=line_cross&limit=100") as until:
            until(lambda answer: len(answer["items"]) >= sum(TRUTH.values()))
        assert service.end() == 0
        service.start()
        with service.client() as again:
            items = again.get("/v1/counts?bucket=1h&kind=line_cross").json()["items"]
    counts: Counter[tuple[str, str]] = Counter()
    for row in items:
        counts[row["rule"], row["direction"]] += row["count"]
    assert counts == TRUTH


def render(path: Path, walkers: Sequence[Walker]) -> Path:
    """The clip, without the second that is lost; its time stamps tell of it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        for index, (picture, _) in enumerate(render_frames(RATE * SECONDS, walkers, RATE)):
            if LOST[0] <= index / RATE < LOST[1]:
                continue
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
