"""Drawn people, an untrained descriptor: identities survive what boxes cannot solve."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sightline.demo.people import Look, Sprite, Walker, draw_walker
from sightline.demo.scene import HEIGHT, SCALE, WIDTH
from sightline.errors import ConfigError
from sightline.pipeline import Pipeline
from sightline.reid import ColourEmbedder, Selection
from sightline.structures import Detections, Frame, Tracks
from sightline.tracker import Tracker

RATE = 10
RED = Look((40, 40, 200), (60, 50, 40), (30, 30, 30), (160, 190, 230))
BLUE = Look((200, 90, 40), (120, 120, 120), (60, 90, 120), (160, 190, 230))
GREEN = Look((60, 160, 60), (40, 40, 90), (30, 30, 30), (120, 150, 200), dress=0.6)
WALL = (-0.9, 0.9)
"""Metres, left and right, that a wall in the middle hides."""


class Film:
    """A source that draws people who walk, behind a wall if there is one."""

    name, width, height, rate = "film", WIDTH * SCALE, HEIGHT * SCALE, float(RATE)
    live, skipped = False, 0
    frame_count: int | None = None

    def __init__(self, walkers: Sequence[Walker], seconds: float, *, wall: bool = False) -> None:
        self.walkers = walkers
        self.frames = int(seconds * RATE)
        self.wall = wall
        self.warnings: list[str] = []
        self.truths: list[tuple[list[int], Detections]] = []

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            time = index / RATE
            canvas = np.full((self.height, self.width, 3), (168, 176, 180), np.uint8)
            sprites = [
                (number, draw_walker(each, time)) for number, each in enumerate(self.walkers)
            ]
            there = [(number, sprite) for number, sprite in sprites if sprite is not None]
            owners = np.full(canvas.shape[:2], -1)
            for number, sprite in sorted(there, key=lambda entry: -entry[1].depth):
                _paste(canvas, owners, sprite, number)
            if self.wall:
                middle = self.width // 2
                hidden = slice(middle - 75, middle + 75)
                canvas[:, hidden], owners[:, hidden] = (90, 110, 120), -1
            self.truths.append(_truth(there, owners))
            yield Frame(canvas, index, time, source=self.name)

    def close(self) -> None:
        """Nothing is open."""


class Eyes:
    """A detector that sees everybody of whom half can be seen."""

    class_names: tuple[str, ...] = ("person",)

    def __init__(self, film: Film) -> None:
        self.film = film

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self.film.truths[frame.index][1] for frame in frames]


def _paste(
    canvas: npt.NDArray[np.uint8], owners: npt.NDArray[np.int64], sprite: Sprite, number: int
) -> None:
    height, width = sprite.alpha.shape
    top, left = max(sprite.top, 0), max(sprite.left, 0)
    bottom = min(sprite.top + height, canvas.shape[0])
    right = min(sprite.left + width, canvas.shape[1])
    if bottom <= top or right <= left:
        return
    patch = np.s_[top - sprite.top : bottom - sprite.top, left - sprite.left : right - sprite.left]
    area = np.s_[top:bottom, left:right]
    shape = sprite.alpha[patch] > 0.5
    canvas[area][shape] = sprite.image[patch][shape]
    owners[area][shape] = number


def _truth(
    sprites: Sequence[tuple[int, Sprite]], owners: npt.NDArray[np.int64]
) -> tuple[list[int], Detections]:
    """Who can be seen, and where."""
    numbers, boxes = [], []
    for number, sprite in sprites:
        rows, columns = np.nonzero(sprite.alpha > 0.5)
        if np.count_nonzero(owners == number) < 0.5 * len(rows):
            continue
        numbers.append(number)
        left, top = sprite.left + columns.min(), sprite.top + rows.min()
        boxes.append([left, top, sprite.left + columns.max(), sprite.top + rows.max()])
    seen = Detections(np.reshape(boxes, (-1, 4)), [0.9] * len(boxes), [0] * len(boxes))
    return numbers, seen


def _ids(film: Film, *, looks: bool) -> list[dict[int, int]]:
    """The id of every person in every frame in which the person can be seen."""
    tracker = Tracker(appearance_limit=ColourEmbedder.match_distance)
    embedder = ColourEmbedder() if looks else None
    result = []
    for frame, tracks in Pipeline(film, Eyes(film), tracker, embedder):
        people = film.truths[frame.index][0]
        pairs = zip(tracks.detections.tolist(), tracks.ids.tolist(), strict=True)
        result.append({people[row]: track for row, track in pairs if row >= 0})
    return result


def _walker(look: Look, start: float, *path: tuple[float, float]) -> Walker:
    return Walker(look, 1.75, 1.4, start, path)


def test_two_who_turn_back_behind_a_wall_are_not_mistaken() -> None:
    """Boxes that vanish on one side and come out on the other look like two who pass."""
    walkers = (
        _walker(RED, 0.0, (-5.0, 12.0), (-0.1, 12.0), (-5.0, 12.0)),
        _walker(BLUE, 0.0, (5.0, 12.0), (0.1, 12.0), (5.0, 12.0)),
    )
    for looks in (False, True):
        ids = _ids(Film(walkers, 6.6, wall=True), looks=looks)
        assert ids[10] == {0: 1, 1: 2}
        assert (ids[-1] == {0: 1, 1: 2}) == looks


def test_two_who_change_places_behind_a_wall_are_not_mistaken() -> None:
    walkers = (
        _walker(RED, 0.0, (-5.0, 12.0), (5.0, 12.0)),
        _walker(BLUE, 0.0, (5.0, 12.3), (-5.0, 12.3)),
    )
    ids = _ids(Film(walkers, 6.6, wall=True), looks=True)
    assert ids[10] == {0: 1, 1: 2}
    assert ids[-1] == {0: 1, 1: 2}


def test_person_who_comes_back_after_five_seconds_has_the_old_id() -> None:
    walkers = (
        _walker(RED, 0.0, (1.0, 12.0), (-9.0, 12.0)),
        _walker(RED, 10.5, (-9.0, 13.0), (2.0, 13.0)),
        _walker(GREEN, 0.0, (-2.0, 16.0), (7.0, 16.0), (-7.0, 16.0)),
    )
    for looks in (False, True):
        film = Film(walkers, 15, wall=False)
        ids = _ids(film, looks=looks)
        away = [frame for frame, (people, _) in enumerate(film.truths) if not {0, 1} & set(people)]
        assert len(away) >= 4.5 * RATE
        first, green = ids[20][0], ids[20][2]
        assert (ids[-1][1] == first) == looks
        assert ids[-1][2] == green


@pytest.mark.parametrize("looks", [False, True])
def test_two_in_the_same_clothes_who_pass_keep_their_ids(looks: bool) -> None:
    walkers = (
        _walker(GREEN, 0.0, (-5.0, 12.0), (5.0, 12.0)),
        _walker(GREEN, 0.0, (5.0, 13.5), (-5.0, 13.5)),
    )
    ids = _ids(Film(walkers, 6.6), looks=looks)
    assert all(ids[-1][person] == ids[10][person] for person in (0, 1))


def test_embedder_gets_no_more_crops_than_the_limit() -> None:
    class Counting(ColourEmbedder):
        most = 0

        def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            self.most = max(self.most, len(boxes))
            return super().embed(frame, boxes)

    walkers = [_walker(GREEN, 0.0, (x, 12.0), (x + 5, 12.0)) for x in (-4.0, -2.0, 0.0, 2.0)]
    film, embedder = Film(walkers, 1), Counting()
    pipeline = Pipeline(film, Eyes(film), Tracker(), embedder, selection=Selection(limit=2))
    assert len(list(pipeline)) == RATE
    assert embedder.most == 2


def test_other_classes_are_not_embedded() -> None:
    film, embedder = Film([_walker(GREEN, 0.0, (-4.0, 12.0), (4.0, 12.0))], 1), ColourEmbedder()
    tracker = Tracker()
    selection = Selection(classes=frozenset({7}))
    list(Pipeline(film, Eyes(film), tracker, embedder, selection=selection))
    assert tracker.statistics.births == 1
    assert tracker.exemplars() == {}


def _track(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", "track", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.parametrize("choice", ["colour", "osnet_x0_25_msmt17.onnx"])
def test_track_command_with_looks(choice: str, shared: Path, tmp_path: Path) -> None:
    weights = shared / "weights"
    done = _track(
        *(shared / "data/clips/vtest.avi", "--model", weights / "yolox_nano_416.onnx"),
        *("--reid", choice if choice == "colour" else weights / choice),
        *("--offline", "link", "--end", "2", "--out", tmp_path, "--json"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["tracks"] >= 4
    assert summary["stage_seconds"]["embed"] > 0
    assert (tmp_path / "vtest.txt").stat().st_size > 0


def test_unknown_embedder_is_one_plain_line(shared: Path, tmp_path: Path) -> None:
    done = _track(
        *(shared / "data/clips/vtest.avi", "--reid", tmp_path / "no.onnx", "--out", tmp_path),
        *("--model", shared / "weights/yolox_nano_416.onnx"),
    )
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "no.onnx" in done.stderr


class _Blind:
    """A tracker that takes no notice of looks."""

    def update(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> Tracks:
        return Tracks.empty(time or 0.0)


def test_an_embedder_for_a_tracker_that_has_no_use_for_it_is_refused() -> None:
    film = Film([], 1)
    with pytest.raises(ConfigError, match="_Blind makes no use of looks"):
        Pipeline(film, Eyes(film), _Blind(), ColourEmbedder())
