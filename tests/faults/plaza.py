"""A camera that shows people, or nobody, and what a service says of who is there."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import numpy.typing as npt

from tests.e2e.running_service import following, wait_for

__all__ = [
    "RATE",
    "Plaza",
    "in_view",
    "started",
    "stored_tracks",
    "wait_until_forgotten",
    "wait_until_stored",
]

RATE = 8


class Plaza:
    """A camera that shows a picture of people, or nobody."""

    def __init__(self, picture: npt.NDArray[np.uint8]) -> None:
        self.is_empty = False
        self._people = picture
        self._nobody = np.full_like(picture, 120)

    def draw(self, _: int) -> npt.NDArray[np.uint8]:
        return self._nobody if self.is_empty else self._people


def in_view(client: httpx.Client, before: set[str]) -> set[str]:
    """Several people, none of those before."""

    def are_there(answer: Any) -> bool:
        ids = {track["id"] for track in answer["tracks"]}
        return len(ids) > 2 and not ids & before

    with following(client, "/v1/streams/plaza/tracks") as until:
        return {track["id"] for track in until(are_there)["tracks"]}


def wait_until_forgotten(client: httpx.Client) -> None:
    """Nobody is in view for longer than somebody lost keeps the number."""
    with following(client, "/v1/streams/plaza/tracks") as until:
        gone = until(lambda answer: not answer["tracks"])["sequence"]
        until(lambda answer: answer["sequence"] > gone + 4 * RATE)


def started(client: httpx.Client) -> list[Any]:
    answer = client.get("/v1/events?kind=track_start&limit=500")
    answer.raise_for_status()
    items: list[Any] = answer.json()["items"]
    return items


def stored_tracks(client: httpx.Client) -> set[str]:
    return {event["track"] for event in started(client)}


def wait_until_stored(client: httpx.Client, tracks: set[str]) -> None:
    wait_for(lambda: stored_tracks(client) >= tracks, "the events are stored")
