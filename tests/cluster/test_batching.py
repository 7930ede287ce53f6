"""One detector that several videos ask at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from sightline.cluster.bulk.batching import DetectorServer
from sightline.errors import ModelError
from sightline.structures import Detections, Frame


class Slow:
    """Sees a box as wide as the frame's index, when it is let."""

    def __init__(self) -> None:
        self.class_names: tuple[str, ...] = ("person",)
        self.sizes: list[int] = []
        self.may_run = threading.Event()

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.may_run.wait(30)
        self.sizes.append(len(frames))
        if any(frame.index == 13 for frame in frames):
            raise ModelError("the network failed")
        return [Detections([[0, 0, frame.index + 1, 9]], [0.5], [0]) for frame in frames]


def frames(*indices: int) -> list[Frame]:
    return [Frame(np.zeros((4, 4, 3), np.uint8), index) for index in indices]


def widths(found: list[Detections]) -> list[int]:
    return [int(one.boxes[0, 2]) for one in found]


def test_what_gathers_while_the_network_runs_is_one_batch() -> None:
    detector = Slow()

    async def ask() -> list[list[Detections]]:
        server = DetectorServer(lambda: detector, most=5)
        wanted = [frames(0), frames(1, 2), frames(3, 4), frames(5, 6), frames(7)]
        asked = [asyncio.create_task(server.detect(own)) for own in wanted]
        await asyncio.sleep(0)  # all have asked
        detector.may_run.set()
        return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert [widths(found) for found in answers] == [[1], [2, 3], [4, 5], [6, 7], [8]]
    assert detector.sizes == [5, 3]


def test_a_failure_reaches_all_who_asked_and_the_next_are_served() -> None:
    detector = Slow()
    detector.may_run.set()

    async def ask() -> list[object]:
        server = DetectorServer(lambda: detector, most=2)
        asked = [asyncio.create_task(server.detect(frames(index))) for index in (13, 1, 2)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        return [*results, await server.detect(frames(3))]

    first, second, third, fourth = asyncio.run(ask())
    assert isinstance(first, ModelError)
    assert isinstance(second, ModelError)
    assert isinstance(third, list)
    assert isinstance(fourth, list)


def test_a_network_that_cannot_be_opened_is_told_to_who_asks() -> None:
    def missing() -> Slow:
        raise ModelError("no such file")

    with pytest.raises(ModelError, match="no such file"):
        asyncio.run(DetectorServer(missing, most=2).class_names())
