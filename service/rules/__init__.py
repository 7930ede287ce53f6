"""Event rules: confirmed tracks in, events and counts out."""

from sightline.service.rules.counts import Count, Counts
from sightline.service.rules.engine import RulesEngine
from sightline.service.rules.events import Event, EventKind
from sightline.service.rules.layout import NeverFiring, find_never_firing, never_firing
from sightline.service.rules.replay import RulesSink, replay
from sightline.service.rules.scene import Line, Polygon, RuleTiming, Scene, Zone, read_scene

__all__ = [
    "Count",
    "Counts",
    "Event",
    "EventKind",
    "Line",
    "NeverFiring",
    "Polygon",
    "RuleTiming",
    "RulesEngine",
    "RulesSink",
    "Scene",
    "Zone",
    "find_never_firing",
    "never_firing",
    "read_scene",
    "replay",
]
