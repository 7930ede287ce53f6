"""From links to identities: whoever is joined, one after the other, is one person."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sightline.cross_camera.association import Link
from sightline.cross_camera.sightings import Key

__all__ = ["chain_identities"]


def chain_identities(tracks: Collection[Key], links: Iterable[Link]) -> dict[Key, int]:
    """A number from 1 for each track, the same for all tracks of a chain of links.

    Args:
        tracks: Camera and number of every track, in the order in which numbers are given.
        links: Which goes on as which; tracks that are not in `tracks` are an error of the caller.

    Returns:
        The number of each track; those of no link have one of their own.

    Example:
        >>> from sightline.cross_camera import Passage
        >>> way = Passage("a", "b", 0, 9)
        >>> chain_identities(
        ...     [("a", 1), ("a", 2), ("b", 1)], [Link(("a", 1), ("b", 1), way, 3.0, 1.0)]
        ... )
        {('a', 1): 1, ('a', 2): 2, ('b', 1): 1}
    """
    head = {key: key for key in tracks}

    def find(key: Key) -> Key:
        while head[key] != key:
            head[key] = head[head[key]]
            key = head[key]
        return key

    for link in links:
        head[find(link.later)] = find(link.earlier)
    numbers: dict[Key, int] = {}
    return {key: numbers.setdefault(find(key), len(numbers) + 1) for key in tracks}
