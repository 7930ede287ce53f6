"""Cameras: a reader process each, its states, the shared memory that its newest frame lies in."""
