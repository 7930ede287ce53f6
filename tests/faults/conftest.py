"""Cameras of the service's tests, for faults."""

from tests.service.conftest import _no_proxy, postgres, render_numbers  # noqa: F401 - fixtures
