"""Offline steps by name: what there is, how it is written on one line, how a row of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sightline.errors import ConfigError
from sightline.tracker.offline.gaussian_process import smooth_gaussian_process
from sightline.tracker.offline.interpolation import interpolate_gaps
from sightline.tracker.offline.linking import link_tracklets
from sightline.tracker.offline.rauch_tung_striebel import smooth_rts
from sightline.tracker.offline.table import Timeline, TrackTable
from sightline.tracker.parameters import Parameter

__all__ = ["STEPS", "Step", "StepKind", "parse_steps", "postprocess"]


@dataclass(frozen=True, slots=True)
class StepKind:
    """One kind of offline step.

    Args:
        run: Takes a table, a timeline and the parameters by name; returns a new table.
        parameters: Its parameters by name.
        description: What it does, in one sentence.
    """

    run: Callable[..., TrackTable]
    parameters: Mapping[str, Parameter]
    description: str


STEPS: Mapping[str, StepKind] = MappingProxyType(
    {
        "link": StepKind(
            link_tracklets,
            {
                "max_gap": Parameter(
                    2.0, 0.01, 60, "s", "Gap from which motion alone bridges nothing."
                ),
                "max_shift": Parameter(
                    0.2, 0.01, 5, "height", "Distance from the prediction, shortest gap."
                ),
                "max_growth": Parameter(1.5, 1, 10, "", "Ratio between the sizes of the ends."),
                "max_appearance_gap": Parameter(
                    10.0, 0, 3600, "s", "Longest gap that appearance bridges."
                ),
                "max_appearance_distance": Parameter(
                    0.7, 0.001, 10, "limits", "Distance of the looks, in appearance limits."
                ),
                "max_speed": Parameter(
                    0.8, 0, 20, "height/s", "Added to the shift where appearance bridges."
                ),
            },
            "Give tracklets of one object one id, by motion and (with looks) appearance.",
        ),
        "linear": StepKind(
            interpolate_gaps,
            {"max_gap": Parameter(1.5, 0, 60, "s", "Longest gap that is filled.")},
            "Fill gaps inside tracks by straight lines.",
        ),
        "gp": StepKind(
            smooth_gaussian_process,
            {
                "length": Parameter(0.4, 0.01, 60, "s", "Length of the kernel."),
                "noise": Parameter(0.1, 0.001, 10, "", "Noise relative to the process."),
            },
            "Smooth boxes by Gaussian-process regression.",
        ),
        "rts": StepKind(
            smooth_rts,
            {
                "noise": Parameter(0.05, 1e-4, 1, "size", "Deviation of an observed coordinate."),
                "acceleration": Parameter(
                    1.0, 1e-4, 100, "size/s^1.5", "How much a velocity changes."
                ),
            },
            "Smooth boxes by Kalman filtering and Rauch-Tung-Striebel smoothing.",
        ),
    }
)
"""Every step by name; the command line, the docs and `parse_steps` read it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its parameters.

    Args:
        name: Key of `STEPS`.
        parameters: Values that replace the defaults.

    Raises:
        ConfigError: The step or a parameter is unknown, or a value is outside its range.
    """

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = STEPS.get(self.name)
        if kind is None:
            raise ConfigError(f"unknown offline step {self.name!r}; known are {', '.join(STEPS)}")
        for name, value in self.parameters.items():
            known = kind.parameters.get(name)
            if known is None:
                raise ConfigError(
                    f"offline step {self.name} has no parameter {name!r}; "
                    f"it has {', '.join(kind.parameters)}"
                )
            if not known.low <= value <= known.high:
                raise ConfigError(
                    f"offline step {self.name}: {name} is {value}; "
                    f"expected {known.low} to {known.high} {known.unit}".rstrip()
                )

    def __str__(self) -> str:
        return ":".join(
            [self.name, *(f"{key}={value:g}" for key, value in self.parameters.items())]
        )

    def run(self, table: TrackTable, timeline: Timeline) -> TrackTable:
        """The table after this step."""
        kind = STEPS[self.name]
        defaults = {name: parameter.default for name, parameter in kind.parameters.items()}
        return kind.run(table, timeline, **{**defaults, **self.parameters})


def parse_steps(text: str) -> tuple[Step, ...]:
    """Read steps from one line: names in order, separated by commas, each with its parameters.

    Args:
        text: For example `link,linear:max_gap=1,rts:noise=0.1:acceleration=1`; empty for none.

    Raises:
        ConfigError: The text cannot be read, or names an unknown step or parameter.

    Example:
        >>> [str(step) for step in parse_steps("link, linear:max_gap=1")]
        ['link', 'linear:max_gap=1']
    """
    steps = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, *settings = part.split(":")
        values = {}
        for setting in settings:
            key, _, value = setting.partition("=")
            try:
                values[key.strip()] = float(value)
            except ValueError:
                raise ConfigError(
                    f"offline step {part!r}: {setting!r} is not NAME=NUMBER; "
                    "write for example linear:max_gap=1"
                ) from None
        steps.append(Step(name.strip(), values))
    return tuple(steps)


def postprocess(
    table: TrackTable, steps: str | Sequence[Step], timeline: Timeline | None = None
) -> TrackTable:
    """Run offline steps over finished tracks; nothing of this belongs in an online score.

    Args:
        table: Tracks of one whole recording.
        steps: Steps in the order in which they run, or their text as `parse_steps` reads it.
            Linking comes first, then filling, then smoothing.
        timeline: The frames that were tracked, their times and the camera's motion. None means
            every frame index from the table's first to its last, and a camera that stands still.

    Returns:
        A new table, ordered by frame and then by id.

    Raises:
        ConfigError: The text names an unknown step or parameter.
        InputError: A frame of the table is not in the timeline.

    Example:
        >>> boxes = [[0, 0, 9, 9], [3, 0, 12, 9]]
        >>> seen = TrackTable([0, 3], [0, 0.1], [1, 1], boxes, [1, 1], [0, 0])
        >>> postprocess(seen, "linear").boxes[:, 0].tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    chosen = parse_steps(steps) if isinstance(steps, str) else steps
    timeline = Timeline.of(table) if timeline is None else timeline
    for step in chosen:
        table = step.run(table, timeline)
    return table.by_frame()
