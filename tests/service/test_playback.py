from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.cameras.playback import Playback


@given(st.lists(st.floats(0, 1e6), max_size=40), st.floats(0, 2e9))
def test_frames_are_due_one_after_the_other_whatever_their_times(
    times: list[float], last: float
) -> None:
    playback = Playback(1.7e9, last)
    before = last
    for time in times:
        at = playback.tell(time)
        assert at > before
        before = at


def test_a_file_plays_from_now_on_and_again_behind_its_end() -> None:
    playback = Playback(100.0)
    assert [playback.tell(time) for time in (0.0, 0.5, 1.0)] == [100.0, 100.5, 101.0]
    playback.begin_again(0.5)
    assert [playback.tell(time) for time in (0.0, 0.5)] == [101.5, 102.0]


def test_packets_are_due_with_their_pictures() -> None:
    playback = Playback(100.0)
    assert [playback.arrive(stamp, 7.0) for stamp in (5.0, 5.5)] == [100.0, 100.5]
    assert playback.arrive(None, 7.0) == 7.0


def test_what_is_late_is_put_off_and_not_hurried() -> None:
    playback = Playback(100.0)
    playback.tell(1.0)
    playback.put_off(101.5)  # a little late is made up for
    assert playback.tell(2.0) == 102.0
    playback.put_off(107.0)
    assert playback.tell(3.0) == pytest.approx(108.0)


def test_a_jump_of_a_live_stream_is_taken_out_and_a_slow_file_waited_for() -> None:
    live, file = Playback(100.0, 0.0, 10.0), Playback(100.0)
    for playback in (live, file):
        playback.tell(0.0)
    assert live.tell(3600.0) == pytest.approx(100.0, abs=0.01)
    assert live.tell(3600.04) == pytest.approx(100.04, abs=0.01)
    assert file.tell(3600.0) == 3700.0
