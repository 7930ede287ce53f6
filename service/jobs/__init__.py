"""Jobs: recorded video tracked offline, one at a time, resumable."""

from sightline.service.jobs.queue import JobQueue

__all__ = ["JobQueue"]
