"""When a message that did not arrive is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Retries"]


@dataclass(frozen=True, slots=True)
class Retries:
    """Waits that double: after 1, 2, 4 … seconds, at last every hour, for a day.

    Args:
        first: Seconds before the second attempt.
        longest: Seconds that doubling ends at.
        give_up: Seconds after the message was made in which the last attempt lies.
    """

    first: float = 1.0
    longest: float = 3600.0
    give_up: float = 86_400.0

    def next_at(
        self, created_at: float, attempts: int, now: float, asked: float | None = None
    ) -> float | None:
        """When to try next.

        Args:
            created_at: UNIX seconds when the message was made.
            attempts: Attempts that failed, at least 1.
            now: UNIX seconds.
            asked: Seconds that the target asked to wait, or None.

        Returns:
            UNIX seconds, or None if it is given up: a dead letter.

        Example:
            >>> [Retries().next_at(0, attempts, now=0) for attempts in (1, 2, 3, 12, 13)]
            [1.0, 2.0, 4.0, 2048.0, 3600.0]
        """
        wait = min(self.first * 2.0 ** min(attempts - 1, 64), self.longest)
        at = now + max(wait, asked or 0.0)
        return at if at <= created_at + self.give_up else None


USUAL = Retries()
"""From 1 s to 1 h, for 24 h."""
