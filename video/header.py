"""What the header of a container says of its video."""

from __future__ import annotations

from typing import Any

import av

from sightline.errors import SourceError

__all__ = ["choose_video", "declared_end", "nominal_rate", "upright_turn"]


def choose_video(container: Any, label: str, *, live: bool) -> Any:
    """The best video stream of a container, set up for decoding; all others are left unread.

    Args:
        container: What `av.open` returned.
        label: What messages call it.
        live: Whether a delay of some frames would matter.

    Raises:
        SourceError: There is no video in it, or no decoder for it (`stream_codec`).
    """
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    best = container.streams.best("video")
    stream = best if best in streams else next(iter(streams), None)
    if stream is None:
        kinds = sorted({stream.type for stream in container.streams}) or ["nothing"]
        raise SourceError(
            f"{label}: there is no video in it, only {', '.join(kinds)}", "stream_codec"
        )
    if stream.codec_context is None:
        raise SourceError(
            f"{label}: no decoder for its video codec; convert it to H.264", "stream_codec"
        )
    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    stream.codec_context.copy_opaque = True
    # Decoding whole frames in parallel costs a delay of some frames, which a camera must not.
    # Not slices: FFmpeg then no longer says which frames are damaged.
    if live:
        stream.codec_context.thread_count = 1
    else:
        stream.codec_context.thread_type = "FRAME"
    return stream


def nominal_rate(stream: Any) -> float:
    """Frames per second that a stream says it has; 0 where it does not."""
    for rate in (stream.average_rate, stream.guessed_rate):
        # Streams without a rate report that of their clock, 90000 and the like.
        if rate and 0.1 <= rate <= 1000:
            return float(rate)
    return 0.0


def upright_turn(rotation: int, warnings: list[str]) -> int:
    """Degrees counter-clockwise, 0, 90, 180 or 270, of a display rotation in metadata."""
    turn = rotation % 360
    if turn % 90:
        warnings.append(f"rotation by {rotation} degrees is ignored; only quarter turns are done")
        return 0
    return turn


def declared_end(container: Any, stream: Any) -> float | None:
    """Where the header says that the video ends, in seconds of the stream's own clock."""
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # FFmpeg estimates the duration of a cut AVI anew; the header's count stays.
        return start + float(stream.frames / stream.average_rate)
    if stream.duration is not None and stream.time_base:
        return start + float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION")  # Matroska, a stream: 00:01:02.345000000
    if tag and tag.count(":") == 2:
        hours, minutes, seconds = tag.split(":")
        return start + 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.duration is not None and len(container.streams) == 1:
        return float((container.duration + (container.start_time or 0)) / av.time_base)
    return None
