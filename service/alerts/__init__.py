"""Alerts: from stored events to webhooks and MQTT brokers."""
