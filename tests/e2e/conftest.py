"""Cameras and databases of the service's tests, for whole journeys."""

from tests.service.conftest import (  # noqa: F401 - fixtures
    _gstreamer,
    _no_proxy,
    endless_clip,
    http_sources,
    render_numbers,
    serve_rtsp,
    vtest_h264,
)
