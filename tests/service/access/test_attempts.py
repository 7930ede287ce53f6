from __future__ import annotations

import pytest

from sightline.service.access.attempts import Attempts
from sightline.service.errors import AuthenticationError, TooManyError


class Now:
    time = 100.0

    def __call__(self) -> float:
        return self.time


def fail(attempts: Attempts, address: str) -> None:
    with pytest.raises(AuthenticationError), attempts.attempt(address):
        raise AuthenticationError("wrong")


def test_attempts_that_run_at_once_count_before_they_have_failed() -> None:
    attempts = Attempts(2, Now())
    with attempts.attempt("10.0.0.1"), attempts.attempt("10.0.0.1"):
        with pytest.raises(TooManyError), attempts.attempt("10.0.0.1"):
            pass
        with attempts.attempt("10.0.0.2"):
            pass
    with attempts.attempt("10.0.0.1"):
        pass


def test_an_address_waits_until_its_oldest_failure_is_a_minute_old() -> None:
    now = Now()
    attempts = Attempts(2, now)
    fail(attempts, "10.0.0.1")
    now.time += 40
    fail(attempts, "10.0.0.1")
    with pytest.raises(TooManyError) as caught, attempts.attempt("10.0.0.1"):
        pass
    assert caught.value.retry_after == pytest.approx(20)
    now.time += 20.1
    fail(attempts, "10.0.0.1")


def test_a_failure_of_the_service_is_no_failed_attempt() -> None:
    attempts = Attempts(1, Now())
    for _ in range(3):
        with pytest.raises(RuntimeError), attempts.attempt("10.0.0.1"):
            raise RuntimeError
    with attempts.attempt("10.0.0.1"):
        pass


def test_an_ipv4_address_within_ipv6_is_the_ipv4_address() -> None:
    attempts = Attempts(1, Now())
    fail(attempts, "::ffff:10.0.0.1")
    with pytest.raises(TooManyError), attempts.attempt("10.0.0.1"):
        pass


def test_memory_is_bounded_and_the_latest_addresses_are_kept() -> None:
    attempts = Attempts(1, Now())
    for number in range(10_050):
        fail(attempts, f"host {number}")
    with pytest.raises(TooManyError), attempts.attempt("host 10049"):
        pass
    fail(attempts, "host 0")
