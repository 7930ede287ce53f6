from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightline.video.selection import Selection


@given(
    frames=st.integers(0, 200),
    rate=st.sampled_from([7.0, 10.0, 25.0, 29.97, 30.0]),
    first=st.integers(0, 150),
    length=st.integers(1, 150),
    stride=st.integers(1, 20),
)
def test_count_is_what_the_selection_takes(
    frames: int, rate: float, first: int, length: int, stride: int
) -> None:
    selection = Selection(first / rate, (first + length) / rate, stride)
    taken = [
        index
        for index in range(frames)
        if selection.takes(index)
        and not selection.is_before(index / rate)
        and not selection.is_after(index / rate)
    ]
    assert selection.count(frames, rate) == len(taken)
