"""From a stored event to its delivery: at least once, retried, given up, never in the way."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from sightline.errors import ConfigError, InputError
from sightline.service.alerts import book as book_module
from sightline.service.alerts import outbox as outbox_module
from sightline.service.alerts.addresses import Reachable
from sightline.service.alerts.alerts import Alerts
from sightline.service.alerts.courier import Courier
from sightline.service.alerts.retries import Retries
from sightline.service.alerts.signature import verify
from sightline.service.alerts.store_thread import StoreThread
from sightline.service.alerts.targets import DeliveryError, Message, Target
from sightline.service.alerts.webhook import WebhookTarget
from sightline.service.config import Config
from sightline.service.config.alerts import Alert, Webhook
from sightline.service.errors import ConflictError, UnavailableError, UnknownError
from sightline.service.rules.events import Event
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.deliveries import Delivery, list_deliveries
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tables import alerts as alerts_table
from sightline.service.store.tables import events as events_table
from tests.service.receivers import Answer, Receiver, free_port, mqtt_broker, status

SECRET = "a long secret"
START = 1_800_000_000.0
QUICK = Retries(first=0.01, longest=0.02, give_up=60)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    store = Database(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A store of each kind, for what transactions have to hold."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        url = request.getfixturevalue("postgres").create()
    store = Database(url)
    store.migrate()
    yield store
    store.close()


def alert(url: str = "http://127.0.0.1:9/", name: str = "night", **fields: Any) -> Alert:
    values = {"id": name, "webhook": {"url": url, "secret": SECRET}, **fields}
    return Alert.model_validate(values)


def alerts_of(database: Database, *alerts: Alert, **security: Any) -> Alerts:
    config = Config.model_validate({"security": security}).model_copy(update={"alerts": alerts})
    return Alerts(config, database, SteadyClock.start(), QUICK)


@contextlib.contextmanager
def running(alerts: Alerts) -> Iterator[Alerts]:
    alerts.start()
    try:
        yield alerts
    finally:
        alerts.close()


def crossing(time: float = START, rule: str = "gate") -> StoredEvent:
    return StoredEvent(new_id(), Event("yard", "line_cross", rule, time, time, 7))


def now_crossing(alerts: Alerts, rule: str = "gate") -> StoredEvent:
    return crossing(alerts.book._now(), rule)


def commit(database: Database, alerts: Alerts, *events: StoredEvent) -> None:
    """What the store's writer does."""
    with database.session() as session:
        insert_events(session, events)
        alerts.in_transaction(session, events)
    alerts.on_events(events)


def deliveries(database: Database, name: str = "night") -> list[Delivery]:
    with database.reading() as session:
        return list(reversed(list_deliveries(session, name).items))


def wait_for(found: Callable[[], bool]) -> None:
    """Look again and again; the test's own limit is the only clock."""
    pause = threading.Event()
    for _ in range(2000):
        if found():
            return
        pause.wait(0.005)
    pytest.fail("it did not happen within 10 s")


def test_event_arrives_signed_and_its_delivery_is_done(either: Database) -> None:
    with (
        Receiver().running() as receiver,
        running(alerts_of(either, alert(receiver.url))) as alerts,
    ):
        event = now_crossing(alerts)
        commit(either, alerts, event)
        wait_for(lambda: [one.state for one in deliveries(either)] == ["delivered"])
    headers, body = receiver.taken[0]
    now = SteadyClock.start().now()
    assert verify(SECRET, body, headers["Sightline-Signature"], now=now)
    (delivery,) = deliveries(either)
    values = json.loads(body)
    assert (values["id"], values["event"]["id"]) == (delivery.id, event.id)
    assert (delivery.attempts, delivery.error, delivery.next_at) == (1, None, None)


def test_events_that_an_alert_does_not_want_make_no_delivery(database: Database) -> None:
    alerts = alerts_of(database, alert(kinds=["loitering"]), alert(name="day", rules=["gate"]))
    commit(database, alerts, crossing(), crossing(rule="fence"))
    assert not deliveries(database)
    assert [one.rule for one in deliveries(database, "day")] == ["gate"]


def test_nothing_is_owed_for_a_transaction_that_failed(either: Database) -> None:
    alerts = alerts_of(either, alert(cooldown=3600))
    event = crossing()

    def fail() -> None:
        with either.session() as session:
            insert_events(session, [event])
            alerts.in_transaction(session, [event])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not deliveries(either)
    commit(either, alerts, event)  # no cooldown holds it back when it is tried again
    assert len(deliveries(either)) == 1


def test_cooldown_holds_messages_back_also_after_a_restart(either: Database) -> None:
    alerts = alerts_of(either, alert(cooldown=60))
    commit(either, alerts, crossing(START), crossing(START + 1), crossing(START + 1, "door"))
    commit(either, alerts, crossing(START + 59))
    again = alerts_of(either, alert(cooldown=60))
    commit(either, again, crossing(START + 59.5))
    commit(either, again, crossing(START + 60))
    made = sorted((one.rule, one.created_at - START) for one in deliveries(either))
    assert made == [("door", 1), ("gate", 0), ("gate", 60)]


def test_what_comes_while_too_many_wait_is_a_dead_letter(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_WAITING", 3)
    alerts = alerts_of(database, alert())
    commit(database, alerts, crossing(START), crossing(START + 1))
    commit(database, alerts, crossing(START + 2), crossing(START + 3))
    states = [one.state for one in deliveries(database)]
    assert states == ["pending", "pending", "pending", "dead"]
    assert deliveries(database)[-1].error == "3 messages wait for this target"


def test_pending_deliveries_are_taken_up_after_a_restart(either: Database) -> None:
    before = alerts_of(either, alert("http://127.0.0.1:9/"))
    commit(either, before, now_crossing(before), now_crossing(before))
    with Receiver().running() as receiver, running(alerts_of(either, alert(receiver.url))):
        wait_for(lambda: {one.state for one in deliveries(either)} == {"delivered"})
    ids = [json.loads(body)["id"] for body in receiver.bodies]
    assert sorted(ids) == [one.id for one in deliveries(either)]


def test_deliveries_of_an_alert_that_is_gone_are_dead(database: Database) -> None:
    before = alerts_of(database, alert())
    commit(database, before, crossing())
    with running(alerts_of(database)):
        wait_for(lambda: deliveries(database)[0].state == "dead")
    assert deliveries(database)[0].error == "the alert is no longer configured"


def test_refused_and_failing_targets_are_tried_until_it_works(database: Database) -> None:
    codes = itertools.chain([500, 404, 302], itertools.repeat(204))

    def answer(handler: BaseHTTPRequestHandler) -> None:
        status(next(codes))(handler)

    with (
        Receiver(answer).running() as receiver,
        running(alerts_of(database, alert(receiver.url))) as alerts,
    ):
        commit(database, alerts, now_crossing(alerts))
        wait_for(lambda: deliveries(database)[0].state == "delivered")
    assert deliveries(database)[0].attempts == 4
    assert len(set(receiver.bodies)) == 1  # the same id, so that doubles can be left out


def test_slow_target_does_not_delay_another(database: Database) -> None:
    free = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        free.wait(30)
        status(204)(handler)

    with Receiver(hang).running() as slow, Receiver().running() as fast:
        targets = alert(slow.url, "slow"), alert(fast.url, "fast")
        with running(alerts_of(database, *targets)) as alerts:
            commit(database, alerts, *(now_crossing(alerts) for _ in range(8)))
            wait_for(lambda: len(slow.taken) == 4)
            wait_for(lambda: all(one.state == "delivered" for one in deliveries(database, "fast")))
            assert all(one.state == "pending" for one in deliveries(database, "slow"))
            free.set()
            wait_for(lambda: all(one.state == "delivered" for one in deliveries(database, "slow")))
    assert len(fast.taken) == 8


class FakeTime:
    """Time that stands until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Scripted:
    """A target that fails as told and keeps what arrived."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.arrived: list[Message] = []

    async def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.arrived.append(message)

    async def close(self) -> None:
        pass


def with_courier(
    database: Database,
    target: Target,
    time: FakeTime,
    work: Callable[[Courier], Awaitable[None]],
    retries: Retries = Retries(),  # noqa: B008 - frozen
) -> None:
    store = StoreThread(database)
    seen: list[Delivery] = []

    async def main() -> None:
        await work(Courier("night", target, store, time, retries, seen.append))

    try:
        asyncio.run(main())
    finally:
        store.close()
    # Whoever counts deliveries is told of each as it is stored.
    assert {one.id: one for one in seen} == {one.id: one for one in deliveries(database)}


def owe(database: Database, count: int = 1) -> None:
    alerts = alerts_of(database, alert())
    commit(database, alerts, *(crossing(START) for _ in range(count)))


def test_waits_double_to_an_hour_and_end_after_a_day(database: Database) -> None:
    owe(database)
    time = FakeTime()
    waits: list[float] = []

    async def work(courier: Courier) -> None:
        while (wait := await courier.deliver_due()) is not None:
            waits.append(wait)
            time.now += wait

    with_courier(database, Scripted(*[DeliveryError("answered 500")] * 100), time, work)
    assert waits[:12] == [2.0**n for n in range(12)]
    assert set(waits[12:]) == {3600.0}
    assert 86_400 - 3600 < time.now - START <= 86_400
    (delivery,) = deliveries(database)
    assert (delivery.state, delivery.error) == ("dead", "answered 500")
    assert delivery.attempts == len(waits) + 1
    assert delivery.finished_at == time.now


def test_target_may_ask_for_a_longer_wait(database: Database) -> None:
    owe(database)
    seen: list[float | None] = []

    async def work(courier: Courier) -> None:
        seen.append(await courier.deliver_due())

    with_courier(database, Scripted(DeliveryError("answered 429", 30)), FakeTime(), work)
    assert seen == [30]


@pytest.mark.parametrize(
    ("answer", "words"), [(status(500), "answered 500"), (None, "no answer within 0.3 s")]
)
def test_real_receiver_that_fails_gets_the_same_message_later(
    database: Database, answer: Answer | None, words: str
) -> None:
    owe(database)
    time = FakeTime()
    free = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        free.wait(30)

    with Receiver(answer or hang).running() as receiver:

        async def work(courier: Courier) -> None:
            assert await courier.deliver_due() == 1.0
            assert words in str(deliveries(database)[0].error)
            receiver.answer = status(200)
            time.now += 0.5
            assert await courier.deliver_due() == 0.5  # not before its time
            time.now += 0.5
            assert await courier.deliver_due() is None

        webhook = Webhook.model_validate({"url": receiver.url, "secret": SECRET})
        target = WebhookTarget(webhook, Reachable(trusted=True), time, timeout=0.3)
        with_courier(database, target, time, work)
        free.set()
    assert len(receiver.taken) == 2
    assert receiver.bodies[0] == receiver.bodies[1]
    signed = [headers["Sightline-Signature"].partition(",")[0] for headers, _ in receiver.taken]
    assert signed == [f"t={START:.0f}", f"t={START + 1:.0f}"]


def test_unforeseen_failure_of_one_message_ends_no_other(database: Database) -> None:
    owe(database, 3)
    target = Scripted(RuntimeError("the library broke"))

    async def work(courier: Courier) -> None:
        assert await courier.deliver_due() == 1.0

    with_courier(database, target, FakeTime(), work)
    states = sorted(one.state for one in deliveries(database))
    assert states == ["delivered", "delivered", "pending"]
    errors = {one.error for one in deliveries(database)}
    assert errors == {None, "failed (RuntimeError); see the log"}


def test_what_was_erased_is_not_told(database: Database) -> None:
    owe(database)
    with database.session() as session:
        session.execute(delete(events_table))
    target = Scripted()

    async def work(courier: Courier) -> None:
        assert await courier.deliver_due() is None

    with_courier(database, target, FakeTime(), work)
    assert not target.arrived
    assert deliveries(database)[0].error == "its event is no longer stored"


def test_test_message_says_how_it_went(database: Database) -> None:
    with Receiver().running() as receiver:
        bad = alert(f"http://127.0.0.1:{free_port()}/", "bad")
        with running(alerts_of(database, alert(receiver.url), bad)) as alerts:
            good = alerts.test("night")
            failed = alerts.test("bad")
            with pytest.raises(UnknownError, match="no alert 'other'"):
                alerts.test("other")
    assert (good.state, good.event) == ("delivered", None)
    assert json.loads(receiver.bodies[0]) == {"id": good.id, "alert": "night", "type": "test"}
    assert failed.state == "dead"
    assert "ConnectError" in str(failed.error)
    assert deliveries(database) == [good]
    with pytest.raises(UnavailableError):
        alerts.test("night")


def test_mqtt_alert_reaches_a_real_broker(database: Database, tmp_path: Path) -> None:
    with mqtt_broker(tmp_path, "allow_anonymous true") as port:
        target = Alert.model_validate({"id": "night", "mqtt": {"host": "127.0.0.1", "port": port}})
        with running(alerts_of(database, target)) as alerts:
            commit(database, alerts, *(now_crossing(alerts) for _ in range(5)))
            wait_for(lambda: {one.state for one in deliveries(database)} == {"delivered"})


def test_alert_of_the_interface_lives_in_the_store_and_serves_at_once(either: Database) -> None:
    with Receiver().running() as receiver:
        with running(alerts_of(either, allowed_networks=["127.0.0.0/8"])) as alerts:
            alerts.book.create(alert(receiver.url))
            assert alerts.test("night").state == "delivered"
        again = alerts_of(either, allowed_networks=["127.0.0.0/8"])
        with running(again):
            assert again.book.view("night").origin == "api"
            assert again.book.view("night").alert == alert(receiver.url)
            assert again.test("night").state == "delivered"
    with either.reading() as session:
        (row,) = session.execute(select(alerts_table))
    assert SECRET not in json.dumps(row.definition)
    assert receiver.url not in json.dumps(row.definition)


def test_alert_of_the_interface_reaches_no_loopback_unless_named(database: Database) -> None:
    with Receiver().running() as receiver, running(alerts_of(database)) as alerts:
        alerts.book.create(alert(receiver.url))
        assert "security.allowed_networks" in str(alerts.test("night").error)
    assert not receiver.taken


def test_changed_alert_serves_its_new_target(database: Database) -> None:
    with (
        Receiver(status(500)).running() as old,
        Receiver().running() as new,
        running(alerts_of(database, allowed_networks=["127.0.0.0/8"])) as alerts,
    ):
        alerts.book.create(alert(old.url))
        commit(database, alerts, now_crossing(alerts))
        wait_for(lambda: len(old.taken) > 0)
        alerts.book.update("night", {"webhook": {"url": new.url}})
        wait_for(lambda: deliveries(database)[0].state == "delivered")
    headers, body = new.taken[0]
    now = SteadyClock.start().now()
    assert verify(SECRET, body, headers["Sightline-Signature"], now=now)  # the secret stayed


def test_deleted_alert_leaves_nothing(database: Database) -> None:
    alerts = alerts_of(database)
    alerts.book.create(alert())
    commit(database, alerts, crossing())
    assert deliveries(database)
    alerts.book.delete("night")
    assert not deliveries(database)
    with pytest.raises(UnknownError):
        alerts.book.view("night")


def test_alerts_of_the_file_cannot_be_changed(database: Database) -> None:
    book = alerts_of(database, alert()).book
    for change in (
        lambda: book.create(alert()),
        lambda: book.update("night", {"cooldown": 1}),
        lambda: book.delete("night"),
    ):
        with pytest.raises(ConflictError):
            change()


def test_changes_are_checked_as_a_whole(database: Database) -> None:
    book = alerts_of(database).book
    book.create(alert(cooldown=5))
    changed = book.update("night", {"kinds": ["loitering"], "cooldown": None})
    assert (changed.alert.kinds, changed.alert.cooldown) == (("loitering",), 0.0)
    with pytest.raises(ConfigError, match="one target"):
        book.update("night", {"mqtt": {"host": "10.0.0.2"}})
    moved = book.update("night", {"mqtt": {"host": "10.0.0.2"}, "webhook": None})
    assert moved.alert.webhook is None
    assert moved.alert.mqtt is not None


def test_password_goes_to_no_other_broker_than_it_was_given_for(database: Database) -> None:
    book = alerts_of(database).book
    mqtt = {"host": "10.0.0.2", "password": "pass"}
    book.create(Alert.model_validate({"id": "night", "mqtt": mqtt}))
    with pytest.raises(InputError, match=r"give mqtt\.password again"):
        book.update("night", {"mqtt": {"host": "192.0.2.1"}})
    kept = book.update("night", {"mqtt": {"topic": "site"}}).alert
    assert kept.mqtt is not None
    assert kept.mqtt.password is not None
    assert kept.mqtt.password.get_secret_value() == "pass"
    book.update("night", {"mqtt": {"host": "192.0.2.1", "password": "other"}})


def test_number_of_alerts_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "_MOST_ALERTS", 2)
    book = alerts_of(database, alert()).book
    book.create(alert(name="second"))
    with pytest.raises(ConflictError, match="the most"):
        book.create(alert(name="third"))
