"""Learning rates over a training: a warm-up, then one of three decays.

A schedule is a factor of the base rate, a pure function of the progress, so that a resumed
training has the rates of one that never stopped.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import pydantic

__all__ = ["Schedule"]


class Schedule(pydantic.BaseModel):
    """How the learning rate goes over a training.

    Example:
        >>> schedule = Schedule(decay="cosine", warm_up=0.1, final=0.0)
        >>> [round(schedule.factor(p), 2) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    decay: Literal["cosine", "multi-step", "exponential"] = pydantic.Field(
        default="cosine",
        description="cosine: half a wave (Loshchilov & Hutter 2017); multi-step: a drop at each "
        "milestone; exponential: the same share lost in equal times.",
    )
    warm_up: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.03, description="Share of the training in which the rate grows from 0."
    )
    hold: Annotated[float, pydantic.Field(ge=0, lt=1)] = pydantic.Field(
        default=0.0, description="Share of the training at its end with the final rate."
    )
    final: Annotated[float, pydantic.Field(ge=0, le=1)] = pydantic.Field(
        default=0.05, description="Factor at the end (cosine and exponential)."
    )
    milestones: tuple[Annotated[float, pydantic.Field(gt=0, lt=1)], ...] = pydantic.Field(
        default=(0.7, 0.9), description="Shares of the training at which multi-step drops."
    )
    drop: Annotated[float, pydantic.Field(gt=0, lt=1)] = pydantic.Field(
        default=0.1, description="Factor of each of multi-step's drops."
    )

    @pydantic.model_validator(mode="after")
    def _parts_fit(self) -> Schedule:
        if self.warm_up + self.hold >= 1:
            raise ValueError("warm_up and hold together are below 1")
        if self.decay == "exponential" and self.final == 0:
            raise ValueError("an exponential decay never reaches 0; set final above it")
        return self

    def factor(self, progress: float) -> float:
        """The factor of the base rate.

        Args:
            progress: Share of the training that is done, 0 to 1.
        """
        if progress < self.warm_up:
            return progress / self.warm_up
        if self.decay == "multi-step":
            return math.prod(self.drop for milestone in self.milestones if progress >= milestone)
        part = min((progress - self.warm_up) / (1 - self.hold - self.warm_up), 1.0)
        if self.decay == "exponential":
            return float(self.final**part)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * part)) / 2
