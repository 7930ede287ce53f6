"""All couriers, in one thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from sightline.service.alerts.addresses import Reachable
from sightline.service.alerts.book import AlertBook, AlertView
from sightline.service.alerts.courier import Courier
from sightline.service.alerts.mqtt import MqttTarget
from sightline.service.alerts.retries import Retries
from sightline.service.alerts.store_thread import StoreThread
from sightline.service.alerts.targets import Target
from sightline.service.alerts.webhook import WebhookTarget
from sightline.service.errors import UnavailableError
from sightline.service.store.database import Database
from sightline.service.store.deliveries import Delivery, bury_deliveries, pending_counts
from sightline.service.store.errors import StoreError
from sightline.service.store.identifiers import new_id

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

# Opening a broker's connection blocks a thread, one an alert, for up to 5 s.
_THREADS = 64
_CLOSE_SECONDS = 5.0
_TEST_SECONDS = 30.0


class Dispatcher:
    """Delivers what the store says is owed, also from before a restart.

    Args:
        book: The alerts.
        database: The store.
        now: UNIX seconds.
        allowed: Networks that alerts of the interface may reach besides.
        retries: When what failed is tried again.
        on_delivery: Called after each attempt with the delivery as it then stands.
    """

    def __init__(
        self,
        book: AlertBook,
        database: Database,
        now: Callable[[], float],
        *,
        allowed: Sequence[str],
        retries: Retries,
        on_delivery: Callable[[Delivery], object],
    ) -> None:
        self._book = book
        self._store = StoreThread(database)
        self._now = now
        self._allowed = allowed
        self._retries = retries
        self._on_delivery = on_delivery
        self._couriers: dict[str, tuple[AlertView, Courier, asyncio.Task[None]]] = {}
        self._thread = threading.Thread(target=self._main, name="alerts", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Stop within some seconds; what was under way is sent again after the next start."""
        self._stopping = True
        self._call(self._changed.set)
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        self._store.close()

    def wake(self, alerts: Collection[str]) -> None:
        """Some alerts have new deliveries."""
        if alerts:
            self._call(lambda: self._wake(alerts))

    def refresh(self) -> None:
        """Alerts have changed."""
        self._call(self._changed.set)

    def test(self, alert: str) -> Delivery:
        """Send a test message to a target, once, and say how it went; blocks for some seconds.

        Raises:
            UnknownError: There is no such alert.
            UnavailableError: Deliveries do not run, or the test took too long.
            StoreError: The store failed.
        """
        view = self._book.view(alert)
        loop = self._loop
        if loop is None or self._stopping:
            raise UnavailableError("alerts are not running; the service starts or stops")
        future = asyncio.run_coroutine_threadsafe(self._test(view), loop)
        try:
            return future.result(_TEST_SECONDS)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise UnavailableError(f"the test of {alert} took over {_TEST_SECONDS:g} s") from None
        except concurrent.futures.CancelledError:
            raise UnavailableError("alerts are not running; the service stops") from None

    def _main(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="alerts"))
        self._loop = loop
        self._ready.set()
        await self._bury_strangers()
        try:
            while not self._stopping:
                self._changed.clear()
                await self._reconcile()
                await self._changed.wait()
        finally:
            self._loop = None
            await self._end(list(self._couriers))

    def _call(self, work: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(work)
            except RuntimeError:
                _log.debug("alerts have stopped meanwhile")

    def _wake(self, alerts: Collection[str]) -> None:
        for alert in alerts:
            if alert in self._couriers:
                self._couriers[alert][1].wake()

    async def _reconcile(self) -> None:
        """Let there be a courier for each alert as it is now."""
        views = {view.alert.id: view for view in self._book.views()}
        await self._end(
            [name for name, (view, _, _) in self._couriers.items() if views.get(name) is not view]
        )
        for name, view in views.items():
            if name not in self._couriers:
                courier = self._courier(view)
                task = asyncio.create_task(courier.run(), name=f"alert {name}")
                self._couriers[name] = (view, courier, task)

    async def _end(self, names: Collection[str]) -> None:
        tasks = [self._couriers.pop(name)[2] for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _courier(self, view: AlertView) -> Courier:
        target = self._target(view)
        name, now = view.alert.id, self._now
        return Courier(name, target, self._store, now, self._retries, self._on_delivery)

    def _target(self, view: AlertView) -> Target:
        reachable = Reachable(trusted=view.origin == "file", allowed=self._allowed)
        if view.alert.webhook is not None:
            return WebhookTarget(view.alert.webhook, reachable, self._now)
        assert view.alert.mqtt is not None
        return MqttTarget(view.alert.mqtt, reachable)

    async def _bury_strangers(self) -> None:
        """What is owed to alerts that have gone from the configuration is dead."""
        try:
            waiting = await self._store.read(pending_counts)
            for name in waiting.keys() - {view.alert.id for view in self._book.views()}:
                await self._store.change(
                    lambda session, name=name: bury_deliveries(  # type: ignore[misc]
                        session, name, "the alert is no longer configured", self._now()
                    )
                )
        except StoreError as error:
            _log.warning("deliveries of alerts that are gone stay: %s", error)

    async def _test(self, view: AlertView) -> Delivery:
        now = self._now()
        delivery = Delivery(
            id=new_id(), alert=view.alert.id, event=None, kind="", stream="", rule="",
            state="pending", attempts=0, created_at=now, next_at=None, finished_at=None, error=None,
        )  # fmt: skip
        courier = self._courier(view)
        try:
            return await courier.test(delivery)
        finally:
            await courier.close()
