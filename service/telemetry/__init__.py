"""The service as it is seen from outside: metrics, logs, traces."""
