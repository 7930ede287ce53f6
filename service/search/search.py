"""Who of the stored tracks looks like a track, or like the person of a picture."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.reid import ColourEmbedder, Embedder
from sightline.reid.choices import embedder_name
from sightline.service.config import Config
from sightline.service.errors import ConflictError, UnknownError
from sightline.service.networks import open_detector, open_embedder_of
from sightline.service.search.pictures import decode_picture
from sightline.service.search.scores import Found, Ranking, rank
from sightline.service.store.database import Database
from sightline.service.store.exemplars import count_embedders, exemplar_blocks, exemplars_of
from sightline.service.store.identities import identities_of
from sightline.service.store.tracks import get_track
from sightline.structures import Frame

__all__ = ["Answer", "Box", "Filters", "Search"]

_MOST_TRACKS = 100_000
_PERSON_SCORE = 0.3
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tracks are compared.

    Args:
        streams: Of these streams; None is all, as for the following.
        classes: Of these classes.
        begin: Seen at or after these UNIX seconds.
        end: Begun before these UNIX seconds.
        limit: Most tracks of the answer.
    """

    streams: Collection[str] | None = None
    classes: Collection[str] | None = None
    begin: float | None = None
    end: float | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Args:
        found: The tracks that are most alike, best first.
        searched: Tracks that were compared.
        complete: Whether those were all that fit the filters.
        embedder: Name of the network that described them.
        threshold: Score from which two tracks are likely one person, as the network's training
            calibrated it for tracks; None for pictures and for networks without one.
        box: For a picture, where its person is, x1 y1 x2 y2 in 0…1.
    """

    found: list[Found]
    searched: int
    complete: bool
    embedder: str
    threshold: float | None = None
    box: Box | None = None


class Search:
    """Search by appearance; its methods may be called by any thread, one of them works at a time.

    Args:
        config: The effective configuration.
        database: The store.
    """

    def __init__(self, config: Config, database: Database) -> None:
        self._config = config
        self._database = database
        self._lock = threading.Lock()  # a search takes a core; two would take it from cameras
        self._networks: _Networks | None = None

    def by_track(self, stream: str, number: int, filters: Filters) -> Answer:
        """The tracks that look like a track, without that one.

        Raises:
            UnknownError: There is no such track.
            ConflictError: Nothing is known of its looks.
            StoreError: The store failed.
        """
        with self._lock, self._database.reading() as session:
            known = exemplars_of(session, stream, number)
            if known is None:
                if get_track(session, stream, number) is None:
                    raise UnknownError(f"there is no track '{stream}:{number}'")
                raise ConflictError(
                    f"nothing is known of the looks of track {stream}:{number}: tracker.reid was "
                    "off, or it was never seen well enough"
                )
            vectors, embedder = known
            ranking = self._rank(session, vectors, embedder, filters, limit=filters.limit + 1)
        others = [
            one for one in ranking.found if (one.track.stream, one.track.number) != (stream, number)
        ]
        threshold = self._opened().threshold if embedder == self._current() else None
        return _answer(others[: filters.limit], ranking, embedder, threshold)

    def by_picture(self, data: bytes, box: Box | None, filters: Filters) -> Answer:
        """The tracks that look like the person of a picture.

        Args:
            data: JPEG, PNG or WebP.
            box: Where the person is, x1 y1 x2 y2 in 0…1; None has the detector find the largest.
            filters: Which tracks are compared.

        Raises:
            UnsupportedError: It is no such picture.
            TooLargeError: It has too many pixels.
            InputError: It is damaged, or there is nobody in it or in the box.
            ConflictError: Re-identification is off, or what is stored is of another network.
            ModelError: A network cannot be used.
            StoreError: The store failed.
        """
        embedder = self._current()
        if not embedder:
            raise ConflictError(
                "re-identification is off; set tracker.reid, such as sightline-reid"
            )
        image = decode_picture(data, self._config.security.max_pixels)
        frame = Frame(image, 0, 0.0)
        with self._lock:
            networks = self._opened()
            sides = np.array([frame.width, frame.height] * 2, np.float32)
            place = networks.find_person(frame) if box is None else np.array(box) * sides
            query = networks.embedder.embed(frame, place[None].astype(np.float32))
            if not query.any():
                raise InputError("there is nothing in the box; x1 y1 x2 y2 are 0…1 of the picture")
            with self._database.reading() as session:
                self._check_described(session, embedder)
                ranking = self._rank(session, query, embedder, filters, limit=filters.limit)
        x1, y1, x2, y2 = (place / sides).tolist()
        return _answer(ranking.found, ranking, embedder, None, (x1, y1, x2, y2))

    def close(self) -> None:
        """Let go of the networks."""
        with self._lock:
            self._networks = None

    def _rank(
        self,
        session: Any,
        query: npt.NDArray[np.floating[Any]],
        embedder: str,
        filters: Filters,
        *,
        limit: int,
    ) -> Ranking:
        blocks = exemplar_blocks(
            session,
            embedder=embedder,
            streams=filters.streams,
            classes=filters.classes,
            begin=filters.begin,
            end=filters.end,
            limit=_MOST_TRACKS,
        )
        ranking = rank(query, blocks, limit)
        tracks = [one.track for one in ranking.found]
        known = identities_of(session, [(track.stream, track.number) for track in tracks])
        found = [
            replace(one, track=replace(one.track, identity=known.get((track.stream, track.number))))
            for one, track in zip(ranking.found, tracks, strict=True)
        ]
        return replace(ranking, found=found)

    def _check_described(self, session: Any, embedder: str) -> None:
        """Tell a picture that nobody looks like from one that cannot be compared."""
        names = count_embedders(session)
        if names and embedder not in names:
            raise ConflictError(
                f"the stored tracks were described by {', '.join(sorted(names))}, and "
                f"tracker.reid is {embedder} now; vectors of two networks cannot be compared: "
                "set the former again, or search by track"
            )

    def _current(self) -> str:
        return embedder_name(self._config.tracker.reid)

    def _opened(self) -> _Networks:
        if self._networks is None:
            self._networks = _Networks(self._config)
        return self._networks


class _Networks:
    """The networks that describe a picture: on one core of the CPU, whatever runs the cameras."""

    def __init__(self, config: Config) -> None:
        embedder = open_embedder_of(config.tracker, "cpu", threads=1)
        assert embedder is not None  # asked for with re-identification only
        self.embedder: Embedder | ColourEmbedder = embedder
        self.threshold = embedder.track_threshold if isinstance(embedder, Embedder) else None
        self._detector = open_detector(
            config.detector, device="cpu", classes=("person",), confidence=_PERSON_SCORE, threads=1
        )

    def find_person(self, frame: Frame) -> npt.NDArray[np.float32]:
        """(4,) box of the largest person of a picture in pixels.

        Raises:
            InputError: There is none.
        """
        boxes = self._detector.detect([frame])[0].boxes
        if not len(boxes):
            raise InputError("nobody is found in the picture; say where the person is with box")
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        largest: npt.NDArray[np.float32] = boxes[int(areas.argmax())]
        return largest


def _answer(
    found: list[Found],
    ranking: Ranking,
    embedder: str,
    threshold: float | None,
    box: Box | None = None,
) -> Answer:
    complete = ranking.searched < _MOST_TRACKS
    return Answer(found, ranking.searched, complete, embedder, threshold, box)
