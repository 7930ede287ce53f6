"""The configuration of the service: models, reading, reference."""

from sightline.service.config.alerts import Alert, Mqtt, Webhook
from sightline.service.config.config import PREFIX, Config, read_config
from sightline.service.config.reference import config_example, config_schema, config_table
from sightline.service.config.sections import (
    Auth,
    Cluster,
    Detector,
    EventPictures,
    Place,
    Retention,
    Security,
    Server,
    Storage,
    Telemetry,
    Tracker,
)
from sightline.service.config.streams import Privacy, Reconnect, Stream
from sightline.service.config.transit import Passage, Transit

__all__ = [
    "PREFIX",
    "Alert",
    "Auth",
    "Cluster",
    "Config",
    "Detector",
    "EventPictures",
    "Mqtt",
    "Passage",
    "Place",
    "Privacy",
    "Reconnect",
    "Retention",
    "Security",
    "Server",
    "Storage",
    "Stream",
    "Telemetry",
    "Tracker",
    "Transit",
    "Webhook",
    "config_example",
    "config_schema",
    "config_table",
    "read_config",
]
