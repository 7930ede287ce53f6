from __future__ import annotations

from sightline.service.cameras.camera import Camera
from sightline.service.cameras.messages import Beat, Ended
from sightline.service.config import Reconnect


def _camera(random: float = 0.5, timeout: float = 10.0) -> Camera:
    return Camera("cam", timeout, Reconnect(), lambda: random, 0.0)


def _beat(progress: int, pictures: int = 1, corrupt: int = 0) -> Beat:
    return Beat(progress, pictures, pictures, corrupt, 25.0, 640, 480, 100.0 + progress, ())


def _state(camera: Camera) -> str:
    return camera.status.state


def test_waits_double_up_to_a_minute() -> None:
    camera, now, waits = _camera(), 0.0, []
    assert camera.start(now) == "connect"
    for _ in range(9):
        camera.ended(Ended("stream_timeout", "no"), now)
        assert _state(camera) == "BACKOFF"
        assert camera.status.retry_at is not None
        waits.append(camera.status.retry_at - now)
        assert camera.tick(now + waits[-1] - 0.01) is None
        now += waits[-1]
        assert camera.tick(now) == "connect"
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert camera.status.attempts == 10


def test_jitter_keeps_cameras_from_returning_at_once() -> None:
    for random, wait in ((0.0, 0.8), (1.0, 1.2)):
        camera = _camera(random)
        camera.start(0.0)
        camera.ended(Ended("stream_timeout", "no"), 0.0)
        assert camera.status.retry_at == wait


def test_attempts_are_forgotten_only_after_it_ran_for_a_while() -> None:
    camera = _camera()
    camera.start(0.0)
    camera.ended(Ended("stream_ended", "no"), 0.0)
    camera.tick(1.0)
    camera.beat(_beat(1), 1.5)
    assert _state(camera) == "RUNNING"
    camera.ended(Ended("stream_ended", "no"), 3.0)
    assert camera.status.retry_at == 5.0  # it came and went: the second wait
    camera.tick(5.0)
    camera.beat(_beat(2), 5.0)
    camera.ended(Ended("stream_ended", "no"), 30.0)
    assert camera.status.retry_at == 31.0


def test_what_only_a_person_can_mend_is_not_tried_again() -> None:
    for code in ("stream_auth_failed", "stream_refused", "stream_not_found", "stream_tls"):
        camera = _camera()
        camera.start(0.0)
        camera.ended(Ended(code, "no"), 1.0)
        assert _state(camera) == "FAILED"
        assert camera.deadline() is None
        assert camera.start(5.0) == "connect"


def test_what_ran_before_is_waited_for_unless_the_password_is_wrong() -> None:
    for code, state in (("stream_not_found", "BACKOFF"), ("stream_auth_failed", "FAILED")):
        camera = _camera()
        camera.start(0.0)
        camera.beat(_beat(1), 1.0)
        camera.ended(Ended(code, "no"), 2.0)
        assert _state(camera) == state
        camera.source_changed()
        camera.start(3.0)
        camera.ended(Ended("stream_not_found", "no"), 4.0)
        assert _state(camera) == "FAILED"


def test_packets_and_not_pictures_are_the_sign_of_life() -> None:
    camera = _camera()
    camera.start(0.0)
    camera.beat(_beat(1), 1.0)
    assert camera.deadline() == 6.0
    camera.beat(_beat(2), 5.0)
    assert camera.tick(6.0) is None
    assert _state(camera) == "RUNNING"
    camera.beat(_beat(2), 10.0)
    assert camera.tick(10.0) is None
    assert _state(camera) == "STALLED"
    assert camera.status.error_code == "stream_timeout"
    camera.beat(_beat(3), 10.5)
    assert _state(camera) == "RUNNING"
    assert camera.status.error_code is None


def test_a_reader_without_a_sign_of_life_is_killed_in_every_state() -> None:
    connecting = _camera()
    connecting.start(0.0)
    assert connecting.tick(50.0) is None  # its process has yet to start
    connecting.reader_ready(50.0)
    assert connecting.tick(81.9) is None
    assert connecting.tick(82.0) == "kill"
    assert connecting.status.state == "BACKOFF"
    running = _camera()
    running.start(0.0)
    running.reader_ready(0.5)
    running.beat(_beat(1), 1.0)
    running.tick(20.0)
    assert running.tick(33.0) == "kill"


def test_counts_go_on_over_readers() -> None:
    camera = _camera()
    camera.start(0.0)
    camera.beat(_beat(5, pictures=7, corrupt=2), 1.0)
    camera.died("killed", 2.0)
    camera.reader_left()
    camera.tick(3.0)
    camera.beat(_beat(1, pictures=9, corrupt=1), 3.5)
    assert camera.status.corrupt == 3
    assert camera.status.received == 9


def test_what_a_stopped_reader_says_is_past() -> None:
    camera = _camera()
    camera.start(0.0)
    camera.stop(1.0)
    camera.beat(_beat(1), 1.1)
    camera.ended(Ended("stream_timeout", "no"), 1.2)
    camera.died("killed", 1.3)
    assert camera.tick(1e6) is None
    assert _state(camera) == "STOPPED"
    assert camera.status.error_code is None
