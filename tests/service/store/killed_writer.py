"""A process that stores a numbered event every few milliseconds until it is killed.

It prints the number of each before it is put, and a line `stored N` behind each commit.
"""

from __future__ import annotations

import sys
import time

from sightline.service.engine.messages import SavedState
from sightline.service.store.database import Database
from sightline.service.store.events import StoredEvent
from sightline.service.store.writer import Writer
from tests.service.store.samples import START, an_event


def main(url: str) -> None:
    def tell(events: list[StoredEvent]) -> None:
        print("stored", max(item.event.track or 0 for item in events), flush=True)

    writer = Writer(Database(url), on_events=tell, interval=0.2)
    writer.start()
    for number in range(1, 1_000_000):
        print("put", number, flush=True)
        writer.put(an_event(track=number, time=START + number / 10))
        writer.put(SavedState("door", START + number, b"%d" % number))
        time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1])
