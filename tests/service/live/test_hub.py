"""The hub by itself: what is kept for a listener, and what is not."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from sightline.service.cameras.status import StreamStatus
from sightline.service.live.hub import Hub
from sightline.service.live.messages import Message
from sightline.service.live.subscription import Subscription
from sightline.service.steady import SteadyClock
from tests.service.live.live_service import make_event, make_result

CROWD = [[x * 3.0, 10.0, x * 3.0 + 9, 60.0] for x in range(100)]


def _hub() -> Hub:
    return Hub(SteadyClock(0.0))


async def _take(subscription: Subscription, count: int) -> list[Message]:
    found = [await subscription.next() for _ in range(count)]
    return [message for message in found if message is not None]


def _fields(message: Message | None) -> dict[str, Any]:
    assert message is not None
    fields: dict[str, Any] = json.loads(message.text)
    return fields


def test_listener_that_is_late_gets_the_newest_frame_of_each_stream() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(None)
        hub.listen(subscription, ["tracks:a", "tracks:b"])
        hub.publish_frame(make_result("a", 1))
        hub.publish_frame(make_result("b", 1))
        for sequence in range(2, 50):
            hub.publish_frame(make_result("a", sequence))
        first, second = await _take(subscription, 2)
        assert (_fields(first)["stream"], _fields(first)["sequence"]) == ("a", 49)
        assert (_fields(second)["stream"], _fields(second)["sequence"]) == ("b", 1)
        assert hub.statistics.skipped == 48

    asyncio.run(run())


def test_events_come_all_and_in_order_before_anything_else() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(None)
        hub.listen(subscription, ["events", "tracks:gate"])
        hub.publish_frame(make_result())
        events = [make_event(number=number) for number in range(500)]
        hub.publish_events(events)
        messages = await _take(subscription, 501)
        assert [message.event_id for message in messages[:500]] == [one.id for one in events]
        assert messages[500].kind == "tracks"

    asyncio.run(run())


def test_listener_too_far_behind_with_events_is_ended_and_keeps_nothing() -> None:
    async def run() -> None:
        hub = _hub()
        slow, quick = hub.subscribe(None), hub.subscribe(None)
        for subscription in (slow, quick):
            hub.listen(subscription, ["events"])
        for number in range(2100):
            hub.publish_events([make_event(number=number)])
            assert hub.statistics.most_held < 1 << 20
            assert await quick.next() is not None
        assert await slow.next() is None
        await slow.finished()
        assert (slow.ended, quick.ended) == ("too_slow", None)
        assert hub.statistics.too_slow == 1
        assert slow.held_bytes == 0

    asyncio.run(run())


def test_frames_of_many_streams_never_hold_a_mebibyte() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(None)
        streams = [f"camera-{number}" for number in range(40)]
        hub.listen(subscription, [f"tracks:{stream}" for stream in streams])
        for stream in streams:
            hub.publish_frame(make_result(stream, 1, CROWD))
        assert 0 < subscription.held_bytes < 1 << 20
        assert subscription.ended is None
        assert hub.statistics.skipped > 0

    asyncio.run(run())


def test_a_limited_listener_hears_of_its_streams_only() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(["mine"])
        hub.listen(subscription, ["events", "states", "tracks:yours"])
        for stream in ("yours", "mine"):
            hub.publish_events([make_event(stream)])
            hub.publish_state(StreamStatus(stream, "RUNNING", 0.0))
            hub.publish_frame(make_result(stream))
        hub.publish_events([make_event("mine", 2)])
        messages = await _take(subscription, 3)
        assert [(one.kind, one.stream) for one in messages] == [
            ("event", "mine"),
            ("event", "mine"),
            ("state", "mine"),
        ]

    asyncio.run(run())


def test_who_comes_late_is_told_of_states_and_tracks_at_once() -> None:
    async def run() -> None:
        hub = _hub()
        hub.publish_state(StreamStatus("gate", "FAILED", 0.0, error_code="stream_auth_failed"))
        hub.publish_frame(make_result())
        subscription = hub.subscribe(None)
        hub.listen(subscription, ["states", "tracks:gate"])
        state, tracks = await _take(subscription, 2)
        assert _fields(state)["error_code"] == "stream_auth_failed"
        assert _fields(tracks)["sequence"] == 1
        hub.listen(subscription, ["states"])
        hub.publish_state(StreamStatus("gate", "RUNNING", 0.0))
        assert _fields(await subscription.next())["state"] == "RUNNING"

    asyncio.run(run())


def test_a_camera_that_goes_ends_waiting_for_its_frames() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(None)
        hub.listen(subscription, ["states", "tracks:gate"])
        waiting = asyncio.create_task(hub.next_frame("gate", 0.0))
        await asyncio.sleep(0)
        hub.forget("gate")
        assert await waiting is None
        assert _fields(await subscription.next()) == {"type": "removed", "stream": "gate"}
        assert hub.topics(subscription) == ["states"]

    asyncio.run(run())


def test_messages_from_many_threads_arrive_once_each() -> None:
    async def run() -> None:
        hub = _hub()
        subscription = hub.subscribe(None)
        hub.listen(subscription, ["events"])
        batches = [[make_event(number=number) for number in range(100)] for _ in range(8)]

        def publish(batch: list[Any]) -> None:
            for stored in batch:
                hub.publish_events([stored])

        threads = [threading.Thread(target=publish, args=(batch,)) for batch in batches]
        for thread in threads:
            thread.start()
        messages = await _take(subscription, 800)
        for thread in threads:
            thread.join()
        expected = {stored.id for batch in batches for stored in batch}
        assert {message.event_id for message in messages} == expected

    asyncio.run(run())


def test_a_frame_that_nobody_listens_to_is_not_written_out(
    monkeypatch: Any,
) -> None:
    written: list[str] = []

    def note(result: Any) -> Message:
        written.append(result.stream)
        return Message(f"tracks:{result.stream}", "tracks", result.stream, "{}")

    monkeypatch.setattr("sightline.service.live.hub.frame_message", note)

    async def run() -> None:
        hub = _hub()
        hub.publish_frame(make_result("a"))
        listeners = [hub.subscribe(None) for _ in range(3)]
        for subscription in listeners:
            hub.listen(subscription, ["tracks:b"])
        hub.publish_frame(make_result("b"))
        assert [await _take(one, 1) for one in listeners]

    asyncio.run(run())
    assert written == ["b"]


def test_closing_ends_listeners_and_those_who_come_after() -> None:
    async def run() -> None:
        hub = _hub()
        before = hub.subscribe(None)
        waiting = asyncio.create_task(before.next())
        await asyncio.sleep(0)
        hub.close()
        assert await waiting is None
        after = hub.subscribe(None)
        assert await after.next() is None
        assert (before.ended, after.ended) == ("closed", "closed")
        hub.leave(before)
        hub.leave(after)
        assert hub.statistics.listeners == 0

    asyncio.run(run())
