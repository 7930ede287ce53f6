"""Live cameras on a cluster: an agent a node reads, detects and tracks; the service keeps the rest.

`Fleet` stands where `CameraSupervisor` and `EngineHost` stand on one machine; `docs/cluster.md`.
"""
