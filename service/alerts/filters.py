"""Which events an alert wants, and how soon after another."""

from __future__ import annotations

from collections.abc import Iterable

from sightline.service.config.alerts import Alert
from sightline.service.rules.events import Event

__all__ = ["Cooldowns", "Subject", "wants"]

Subject = tuple[str, str, str]
"""Kind, stream and rule: what a cooldown holds for."""


def wants(alert: Alert, event: Event) -> bool:
    """Whether an event passes an alert's filter; what the filter does not name passes."""
    return (
        (not alert.kinds or event.kind in alert.kinds)
        and (not alert.streams or event.stream in alert.streams)
        and (not alert.rules or event.rule in alert.rules)
        and (not alert.classes or event.class_name in alert.classes)
    )


class Cooldowns:
    """When an alert last told of each subject; forgets what no longer holds anything back.

    Args:
        seconds: Length of the cooldown; 0 holds nothing back.
        last: UNIX seconds of the last message of each subject, from before a restart.
    """

    def __init__(self, seconds: float, last: Iterable[tuple[Subject, float]] = ()) -> None:
        self.seconds = seconds
        self._last = dict(last)

    def passing(self, events: Iterable[Event]) -> dict[Subject, list[Event]]:
        """Those events that no cooldown holds back, by subject; changes nothing.

        Time is that of the decision: what is certain together is one situation, however late it
        is stored.
        """
        passed: dict[Subject, list[Event]] = {}
        for event in sorted(events, key=lambda event: event.decided):
            subject = (event.kind, event.stream, event.rule)
            earlier = passed.get(subject)
            last = earlier[-1].decided if earlier else self._last.get(subject)
            if last is None or event.decided - last >= self.seconds:
                passed.setdefault(subject, []).append(event)
        return passed

    def note(self, passed: dict[Subject, list[Event]]) -> None:
        """Begin the cooldowns of events that `passing` let through."""
        if not self.seconds or not passed:
            return
        self._last.update((subject, events[-1].decided) for subject, events in passed.items())
        newest = max(events[-1].decided for events in passed.values())
        over = [key for key, last in self._last.items() if newest - last >= self.seconds]
        for key in over:
            del self._last[key]
