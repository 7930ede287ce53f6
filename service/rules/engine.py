"""Turns tracks into events: zones entered and left, dwell, loitering, occupancy, lines crossed.

A track *stands* on a side of a line or of a zone's edge when its anchor point has been there
without a break for `settle_seconds` and is now `settle_distance` away. Only a change of the side
that it stands on is an event, so that a box that flickers over a line, or a person who turns back
on it, is none; a line besides asks that the path went through it between its ends. The path joins
the places where the track was really seen: predicted boxes count as unseen, and a gap, be it of
one track or of the whole stream, is walked in a straight line.

Behind a line at the picture's edge nobody is seen for long. Who is first seen there, cut by the
picture's border, stands there at once; who is seen there last has left over the line.

All times are stream time. The same tracks give the same events, live, replayed, or after a state
was saved and restored in between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigError, InputError, StateError
from sightline.service.rules.border import is_behind_edge_line
from sightline.service.rules.crossings import crossings, note_passes
from sightline.service.rules.events import Event
from sightline.service.rules.layout import Layout, never_firing
from sightline.service.rules.memory import ROUNDING, Cells, Memory
from sightline.service.rules.occupancy import Occupancy
from sightline.service.rules.scene import Line, Scene, Zone
from sightline.service.rules.visits import Visits
from sightline.structures import Tracks

__all__ = ["RulesEngine"]

Mask = npt.NDArray[np.bool_]

_VERSION = 2
_MOST_TRACKS = 20_000


class RulesEngine:
    """The rules of one stream.

    Args:
        scene: Zones, lines and how sure rules have to be.
        stream: Identifier that events carry.
        class_names: Name of each class index of the tracks; needed where classes are filtered.

    Attributes:
        warnings: A sentence about each zone or line that can never fire.

    Raises:
        ConfigError: A zone or line asks for a class that there is not.
    """

    def __init__(self, scene: Scene, *, stream: str = "", class_names: Sequence[str] = ()) -> None:
        self.scene = scene
        self.stream = stream
        self.class_names = tuple(class_names)
        self.warnings = never_firing(scene)
        self._places: tuple[Line | Zone, ...] = (*scene.lines, *scene.zones)
        self._lines = len(scene.lines)
        self._wanted = [_class_indices(place, self.class_names) for place in self._places]
        self._visits = Visits(stream, scene.zones, self.class_names, scene.rules.loitering_break)
        self._layout: Layout | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything, for a stream whose identities and times begin again."""
        self._time = -math.inf
        self._memory = Memory(len(self._places))
        self._occupancy = self._limits()

    @property
    def occupancy(self) -> dict[str, int]:
        """Tracks in each zone now."""
        inside = self._memory.cells[:, self._lines :]["stands"] > 0
        counts = inside.sum(axis=0).tolist()
        return {zone.id: count for zone, count in zip(self.scene.zones, counts, strict=True)}

    def update(self, tracks: Tracks, *, size: tuple[int, int]) -> list[Event]:
        """Take one frame's confirmed tracks.

        Args:
            tracks: Who is where; `tracks.time` is never before that of the last update.
            size: Width and height of the picture in pixels.

        Returns:
            What became certain with this frame, sorted by time.

        Raises:
            InputError: Time goes backwards or is not finite, an identity is negative or there
                twice, or the size is not above 0; nothing has changed then.
        """
        now = float(tracks.time)
        self._check(tracks, now, size)
        self._time = now
        if not self._places:
            return []
        layout = self._layout_for(size)
        seen = (tracks.detections >= 0) & np.isfinite(tracks.boxes).all(axis=1)
        ids, classes = tracks.ids[seen], tracks.classes[seen]
        boxes = tracks.boxes[seen].astype(np.float64) / np.tile(size, 2)
        rows = self._memory.rows(ids)
        self._memory.seen[rows] = now
        cells = self._memory.cells[rows]
        looked = self._wanted_mask(classes)
        events = self._step(cells, looked, ids, boxes, classes, now, layout)
        kept = self._memory.cells[rows]
        kept[looked] = cells[looked]
        self._memory.cells[rows] = kept
        events += self._expire(now)
        for number, occupancy in self._occupancy.items():
            events += occupancy.update(self._count_inside(number), now)
        return _sorted(events)

    def finish(self) -> list[Event]:
        """The end of the stream: every visit ends where its track was last seen."""
        if not math.isfinite(self._time):
            return []
        everywhere = self._memory.cells[:, self._lines :]["stands"] > 0
        events = self._vanish(everywhere, self._time)
        events += self._leave_picture(self._memory.cells[:, : self._lines]["leaves"], self._time)
        for occupancy in self._occupancy.values():
            events += occupancy.finish(self._time)
        self.reset()
        return _sorted(events)

    def save(self) -> dict[str, Any]:
        """Everything that it takes to go on, as JSON takes it."""
        return {
            "version": _VERSION,
            "time": self._time if math.isfinite(self._time) else None,
            "memory": self._memory.save(self._descriptions()),
            "occupancy": {
                self.scene.zones[number].id: occupancy.save()
                for number, occupancy in self._occupancy.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `save`, also with other zones and lines: those that changed begin afresh.

        Raises:
            StateError: The state is not one of `save`; nothing has changed then.
        """
        if state.get("version") != _VERSION:
            raise StateError(f"not a saved state of rules, version {_VERSION}")
        descriptions = self._descriptions()
        try:
            time = -math.inf if state["time"] is None else float(state["time"])
            memory = Memory.restore(state["memory"], descriptions)
            known = [saved["place"] for saved in state["memory"]["places"]]
            occupancy = self._limits()
            for number, limit in occupancy.items():
                saved = state["occupancy"].get(limit.zone.id)
                if saved is not None and descriptions[self._lines + number] in known:
                    limit.restore(saved)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(
                f"not a saved state of rules ({type(error).__name__}: {error})"
            ) from error
        self._time, self._memory, self._occupancy = time, memory, occupancy

    def _limits(self) -> dict[int, Occupancy]:
        """By column of the zone, those zones that have a limit."""
        return {
            number: Occupancy(self.stream, zone, self.scene.rules.patience)
            for number, zone in enumerate(self.scene.zones)
            if zone.occupancy is not None
        }

    def _check(self, tracks: Tracks, now: float, size: tuple[int, int]) -> None:
        if not math.isfinite(now) or now < self._time:
            raise InputError(
                f"rules take frames in the order of their stream time; after {self._time:g} s "
                f"came {now:g} s"
            )
        if min(size) <= 0:
            raise InputError(f"rules need the picture's width and height; got {size}")
        if len(tracks) and tracks.ids.min() < 0:
            raise InputError(
                f"at {now:g} s a box has the id {tracks.ids.min()}: rules work on tracks, "
                "detections have to be tracked first"
            )
        unique, counts = np.unique(tracks.ids, return_counts=True)
        if (counts > 1).any():
            raise InputError(f"at {now:g} s track {unique[counts > 1][0]} is there twice")

    def _layout_for(self, size: tuple[int, int]) -> Layout:
        aspect = size[0] / size[1]
        if self._layout is None or self._layout.aspect != aspect:
            self._layout = Layout(self.scene, aspect)
        return self._layout

    def _wanted_mask(self, classes: npt.NDArray[np.int32]) -> Mask:
        columns = [
            np.ones(len(classes), np.bool_) if wanted is None else np.isin(classes, wanted)
            for wanted in self._wanted
        ]
        return np.array(columns, dtype=np.bool_).reshape(len(columns), len(classes)).T

    def _step(
        self,
        cells: Cells,
        looked: Mask,
        ids: npt.NDArray[np.int64],
        boxes: npt.NDArray[np.float64],
        classes: npt.NDArray[np.int32],
        now: float,
        layout: Layout,
    ) -> list[Event]:
        """Move `cells` on by one frame; those that are not `looked` at are thrown away later."""
        timing = self.scene.rules
        anchors = layout.anchors(boxes)
        distances = layout.distances(anchors)
        sign = np.where(distances == 0, cells["sign"], np.sign(distances)).astype(np.int8)
        cut = self._lines
        lines, visits = cells[:, :cut], cells[:, cut:]
        note_passes(lines, sign[:, :cut], anchors[:, :cut], distances[:, :cut], now, layout)
        at_edge = is_behind_edge_line(boxes, distances[:, :cut], layout.room[:cut])
        comes = np.zeros_like(looked)
        comes[:, :cut] = at_edge & (lines["sign"] == 0)
        cells["since"] = np.where(sign != cells["sign"], now, cells["since"])
        cells["sign"], cells["at"], cells["seen"] = sign, anchors, now
        cells["class"] = classes[:, None]
        margins = layout.margins(distances, boxes[:, 3] - boxes[:, 1], timing.settle_distance)
        settled = comes | (now - cells["since"] >= timing.settle_seconds - ROUNDING)
        is_clear = (np.abs(distances) >= margins) & (sign != 0)
        stands = settled & is_clear
        moved = stands & (cells["stands"] != sign) & looked
        before = cells["stands"].copy()
        crossed = moved & (before != 0) & (cells["passes"] * sign > 0)
        cells["stands"] = np.where(stands, sign, before)
        cells["passes"] = np.where(stands, 0, cells["passes"])
        has_passed = (lines["stands"] != 0) & (lines["passes"] * lines["sign"] > 0)
        lines["leaves"] = at_edge & is_clear[:, :cut] & has_passed
        events = self._crossings(lines, crossed[:, :cut], ids, now)
        came, went = moved & (sign > 0), moved & (before > 0)
        events += self._visits.leave(visits, went[:, cut:], ids, now)
        events += self._visits.begin(visits, came[:, cut:], before[:, cut:] < 0, ids, now)
        present = (visits["stands"] > 0) & looked[:, cut:]
        return events + self._visits.last(visits, present, ids, now)

    def _expire(self, now: float) -> list[Event]:
        """End the visits of tracks that are gone, and forget those gone for long."""
        timing, memory = self.scene.rules, self._memory
        visits = memory.cells[:, self._lines :]
        gone = (visits["stands"] > 0) & (now - visits["seen"] > timing.patience + ROUNDING)
        kept = now - memory.seen <= timing.memory
        if kept.sum() > _MOST_TRACKS:
            newest = np.argsort(-memory.seen, kind="stable")[:_MOST_TRACKS]
            kept &= np.isin(np.arange(len(kept)), newest)
        events = self._vanish(gone | ((visits["stands"] > 0) & ~kept[:, None]), now)
        lines = memory.cells[:, : self._lines]
        unseen = now - lines["seen"] > timing.patience + ROUNDING
        events += self._leave_picture(lines["leaves"] & (unseen | ~kept[:, None]), now)
        if not kept.all():
            memory.keep(kept)
        return events

    def _vanish(self, gone: Mask, now: float) -> list[Event]:
        memory = self._memory
        return self._visits.vanish(memory.cells[:, self._lines :], gone, memory.ids, now)

    def _leave_picture(self, leaves: Mask, now: float) -> list[Event]:
        """The crossings of those who were seen last behind a line at the picture's edge."""
        if not leaves.any():
            return []
        lines = self._memory.cells[:, : self._lines]
        events = self._crossings(lines, leaves, self._memory.ids, now)
        lines["stands"] = np.where(leaves, lines["sign"], lines["stands"])
        lines["passes"] = np.where(leaves, 0, lines["passes"])
        lines["leaves"] &= ~leaves
        return events

    def _crossings(
        self, lines: Cells, crossed: Mask, ids: npt.NDArray[np.int64], now: float
    ) -> list[Event]:
        names = self.class_names
        return crossings(
            lines, crossed, self.scene.lines, ids, now, stream=self.stream, class_names=names
        )

    def _count_inside(self, number: int) -> int:
        return int((self._memory.cells["stands"][:, self._lines + number] > 0).sum())

    def _descriptions(self) -> list[dict[str, Any]]:
        """What makes a place the same place: all but its label and its limits."""
        labels = {"name", "dwell", "loitering", "occupancy"}
        return [
            {"kind": type(place).__name__.lower(), **place.model_dump(mode="json", exclude=labels)}
            for place in self._places
        ]


def _class_indices(place: Line | Zone, names: Sequence[str]) -> npt.NDArray[np.int32] | None:
    if not place.classes:
        return None
    unknown = [name for name in place.classes if name not in names]
    if unknown:
        known = f"known are {', '.join(names)}" if names else "the tracks do not name their classes"
        raise ConfigError(f"{place.id}: there is no class {unknown[0]!r}; {known}")
    return np.array([index for index, name in enumerate(names) if name in place.classes], np.int32)


def _sorted(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.rule, event.kind, event.track or 0))
