"""Work on the store beside an event loop, in one thread, so that a slow store stops no timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.orm import Session

from sightline.service.store.database import Database

__all__ = ["StoreThread"]

Result = TypeVar("Result")


class StoreThread:
    """One thread that works on the store; started at its first use.

    Args:
        database: The store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts-store")

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Look something up.

        Raises:
            StoreError: The store failed.
        """

        def reading() -> Result:
            with self._database.reading() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._thread, reading)

    async def change(self, work: Callable[[Session], Result]) -> Result:
        """Change something in a transaction.

        Raises:
            StoreError: The store failed.
        """

        def changing() -> Result:
            with self._database.session() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._thread, changing)

    def close(self) -> None:
        """Wait for what runs; what has not begun is dropped."""
        self._thread.shutdown(cancel_futures=True)
