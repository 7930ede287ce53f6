"""Pictures: made once a frame for all, only while watched, and never with a face that is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.live.hub import Hub
from sightline.service.live.pictures import Picture, Pictures
from sightline.service.live.privacy import Blur, blur_people
from sightline.service.live.rendering import render
from sightline.service.steady import SteadyClock
from sightline.video.draw import TrackPainter
from tests.service.live.live_service import ToldEngine, make_result

Image = npt.NDArray[np.uint8]
BOX = [100.0, 40.0, 160.0, 200.0]


@pytest.fixture
def noise() -> Image:
    """A picture whose neighbouring pixels have nothing to do with each other."""
    return np.random.default_rng(5).integers(0, 256, (240, 320, 3), np.uint8)


def _decode(jpeg: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def _detail(image: Image) -> float:
    """Mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(image.astype(int), axis=1)).mean())


def test_blurred_people_keep_a_few_averages_only(noise: Image) -> None:
    boxes = np.array([BOX], np.float32)
    changed = noise.copy()
    blur_people(changed, boxes, "people")
    assert _detail(changed[40:200, 100:160]) < 0.05 * _detail(noise[40:200, 100:160])
    # Whatever was in a cell: with the same averages the outcome is the same.
    other = noise.copy()
    other[24:216, 94:166] = other[24:216, 94:166][:, ::-1]
    blur_people(other, boxes, "people")
    difference = other[24:216, 94:166].astype(int) - changed[24:216, 94:166][:, ::-1]
    assert np.abs(difference).max() <= 2
    untouched = np.ones(noise.shape[:2], np.bool_)
    untouched[20:220, 90:170] = False
    assert (changed[untouched] == noise[untouched]).all()


def test_blurred_heads_leave_the_legs(noise: Image) -> None:
    changed = noise.copy()
    blur_people(changed, np.array([BOX], np.float32), "heads")
    assert _detail(changed[40:76, 100:160]) < 0.1 * _detail(noise)
    assert (changed[90:] == noise[90:]).all()


def test_head_of_a_box_cut_off_at_the_waist_is_a_larger_part(noise: Image) -> None:
    changed = noise.copy()
    blur_people(changed, np.array([[100.0, 40.0, 200.0, 140.0]], np.float32), "heads")
    assert _detail(changed[40:98, 100:200]) < 0.1 * _detail(noise)


@given(
    st.lists(
        st.tuples(
            *[st.floats(-500, 900, width=32) | st.sampled_from([np.nan, np.inf, -np.inf])] * 4
        ),
        max_size=5,
    ),
    st.sampled_from(["people", "heads", "off"]),
)
def test_no_box_breaks_the_blur(boxes: list[tuple[float, ...]], what: Blur) -> None:
    image = np.full((48, 64, 3), 90, np.uint8)
    blur_people(image, np.array(boxes, np.float32).reshape(-1, 4), what)
    assert np.abs(image.astype(int) - 90).max() <= 1


def test_everybody_detected_is_blurred_also_without_a_track(noise: Image) -> None:
    result = make_result(detected=[[*BOX, 0.12]])
    shown = _decode(render(noise, result, "people"))
    assert _detail(shown[40:200, 100:160]) < 0.1 * _detail(noise)
    assert _detail(_decode(render(noise, result, "off"))) > 0.5 * _detail(noise)


def test_a_person_whose_place_is_predicted_is_blurred(noise: Image) -> None:
    shown = _decode(render(noise, make_result(boxes=[BOX], predicted=True), "people"))
    assert _detail(shown[40:200, 100:160]) < 0.1 * _detail(noise)


def test_boxes_are_drawn_over_the_blur_and_where_the_smaller_picture_has_them() -> None:
    grey = np.full((240, 320, 3), 128, np.uint8)
    result = make_result(boxes=[BOX], detected=[[*BOX, 0.9]])
    jpeg = render(grey, result, "people", width=160, painter=TrackPainter(["person"], trails=False))
    shown = _decode(jpeg)
    assert shown.shape == (120, 160, 3)
    drawn = np.abs(shown.astype(int) - 128).max(axis=2) > 15
    rows, columns = np.nonzero(drawn[30:, :])
    assert 47 <= columns.min() <= 51
    assert 79 <= columns.max() <= 83
    assert 98 <= rows.max() + 30 <= 103
    plain = _decode(render(grey, result, "people", width=160))
    assert np.abs(plain.astype(int) - 128).max() <= 2


def test_a_small_picture_is_not_made_larger(noise: Image) -> None:
    assert _decode(render(noise, make_result(), "off", width=1920)).shape == (240, 320, 3)


Scene = tuple[ToldEngine, Hub, Pictures]


def _watching(test: Callable[[ToldEngine, Hub, Pictures], Awaitable[None]]) -> Pictures:
    engine, clock = ToldEngine(), SteadyClock(0.0)
    hub = Hub(clock)
    pictures = Pictures(engine, hub, lambda _: "off", clock)

    async def run() -> None:
        await test(engine, hub, pictures)

    try:
        asyncio.run(run())
    finally:
        pictures.close()
    return pictures


def _look(engine: ToldEngine, hub: Hub, sequence: int, stream: str = "gate") -> None:
    image = np.full((48, 64, 3), sequence, np.uint8)
    engine.frames[stream] = (image, make_result(stream, sequence, size=(64, 48)))
    hub.publish_frame(engine.frames[stream][1])


def test_a_frame_is_rendered_once_for_all_who_watch() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        viewers = [pictures.watch("gate", boxes=True) for _ in range(20)]
        for sequence in range(1, 4):
            waiting = [asyncio.create_task(viewer.next()) for viewer in viewers]
            await asyncio.sleep(0)
            _look(engine, hub, sequence)
            shown = await asyncio.gather(*waiting)
            assert {one.result.sequence for one in shown if one is not None} == {sequence}
            assert len({id(one) for one in shown}) == 1
        assert pictures.statistics.rendered == 3
        assert pictures.statistics.viewers == 20

    _watching(watch)


def test_nothing_is_rendered_or_asked_for_when_nobody_watches() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        for sequence in range(1, 20):
            _look(engine, hub, sequence)
        with pictures.watch("gate", boxes=True) as viewer:
            assert engine.asked == 0
            picture = await viewer.next()
            assert picture is not None
            assert picture.result.sequence == 19
        asked = engine.asked
        for sequence in range(20, 40):
            _look(engine, hub, sequence)
        await asyncio.sleep(0)
        assert engine.asked == asked
        assert pictures.statistics == type(pictures.statistics)(viewers=0, rendered=1)

    _watching(watch)


def test_a_viewer_who_does_not_ask_makes_no_work() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        with pictures.watch("gate", boxes=True) as viewer:
            _look(engine, hub, 1)
            assert await viewer.next() is not None
            for sequence in range(2, 30):
                _look(engine, hub, sequence)
                await asyncio.sleep(0)
            newest = await viewer.next()
            assert newest is not None
            assert newest.result.sequence == 29
        assert pictures.statistics.rendered == 2

    _watching(watch)


def test_the_engine_is_told_for_how_long_somebody_watches() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        with pictures.watch("gate", boxes=True) as viewer:
            waiting = asyncio.create_task(viewer.next())
            await asyncio.sleep(0)
            assert engine.watched["gate"] > pictures.clock.now() + 3
            # The first frame came before the engine kept any: the next one is shown.
            hub.publish_frame(make_result("gate", 1))
            await asyncio.sleep(0)
            _look(engine, hub, 2)
            picture = await waiting
            assert picture is not None
            assert picture.result.sequence == 2

    _watching(watch)


def test_what_the_engine_kept_long_ago_is_not_shown_as_now() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        with pictures.watch("gate", boxes=True) as idle, pictures.watch("gate", boxes=True) as new:
            _look(engine, hub, 1)
            assert await idle.next() is not None
            hub.publish_frame(make_result("gate", 100))  # four seconds later; no picture of it
            assert await new.wait()
            assert await new.take() is None
            _look(engine, hub, 101)
            picture = await new.next()
            assert picture is not None
            assert picture.result.sequence == 101

    _watching(watch)


def test_pictures_of_different_widths_are_different_and_shared_by_width() -> None:
    async def watch(engine: ToldEngine, hub: Hub, pictures: Pictures) -> None:
        image = np.zeros((480, 1000, 3), np.uint8)
        engine.frames["gate"] = (image, make_result("gate", 1, size=(1000, 480)))
        hub.publish_frame(engine.frames["gate"][1])
        shapes = []
        viewers = [pictures.watch("gate", boxes=False, width=one) for one in (300, 320, 500, None)]
        for viewer in viewers:
            picture = await viewer.next()
            assert picture is not None
            shapes.append(_decode(picture.jpeg).shape[1])
        assert shapes == [320, 320, 640, 1000]
        assert pictures.statistics.rendered == 3

    _watching(watch)


def test_picture_and_boxes_of_one_frame_travel_in_one_message(noise: Image) -> None:
    picture = Picture(make_result("gate", 7, [BOX]), b"\xff\xd8jpeg")
    length = int.from_bytes(picture.message[:4], "big")
    assert b'"sequence":7' in picture.message[4 : 4 + length]
    assert picture.message[4 + length :] == b"\xff\xd8jpeg"
