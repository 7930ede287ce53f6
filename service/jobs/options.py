"""What a job may be told; everything else is as the configuration has it for the cameras."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import pydantic
from pydantic import Field

from sightline.service.settings import Settings

__all__ = ["JobOptions"]

Seconds = Annotated[float, Field(ge=0, le=1_000_000)]


class JobOptions(Settings):
    """How a video is tracked, and what its annotated copy hides."""

    from_files: ClassVar[bool] = False

    classes: Annotated[tuple[str, ...], Field(max_length=100)] = Field(
        default=(),
        title="Classes",
        description="Classes to keep, by name; the configuration's if left out.",
        examples=[["person"]],
    )
    confidence: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        title="Confidence",
        description="Lowest score of a detection that is kept; the configuration's if left out.",
    )
    start: Seconds | None = Field(
        default=None, title="Start", description="Seconds of the video to begin at."
    )
    end: Seconds | None = Field(
        default=None, title="End", description="Seconds of the video to end before."
    )
    stride: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, title="Stride", description="Look at every n-th frame."
    )
    blur: Literal["off", "people", "heads"] = Field(
        default="off", title="Blur", description="What is blurred in `video.mp4`."
    )

    @pydantic.model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end is not None and self.end <= (self.start or 0):
            raise ValueError(f"end ({self.end:g} s) lies after start ({self.start or 0:g} s)")
        return self
