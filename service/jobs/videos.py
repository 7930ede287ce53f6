"""Annotated videos of jobs and the like, made one at a time when first asked for."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sightline.service.errors import ConflictError
from sightline.service.jobs.rendering import Product, render
from sightline.service.jobs.tracking import JobSpec
from sightline.service.jobs.worker import Failed
from sightline.service.processes import Child, start_child

__all__ = ["VideoMaker"]


class VideoMaker:
    """Makes videos in child processes; its methods may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "job-videos")
        self._waiting: dict[Path, Future[Path]] = {}
        self._child: Child | None = None
        self._closed = False

    def make(self, spec: JobSpec, product: Product, path: Path) -> Future[Path]:
        """Something of the video of a job that is done.

        Args:
            spec: The job.
            product: What is wanted.
            path: Its file.

        Returns:
            Its file, once it is made; raises ConflictError where it cannot be.
        """
        with self._lock:
            future = self._waiting.get(path)
            if future is None:
                future = self._pool.submit(self._make, spec, product, path)
                self._waiting[path] = future
        return future

    def close(self) -> None:
        """Give up what is being made."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                # Its pipe belongs to the thread that waits there, and which then tidies up.
                os.kill(self._child.pid, signal.SIGKILL)
        self._pool.shutdown(cancel_futures=True)

    def _make(self, spec: JobSpec, product: Product, path: Path) -> Path:
        try:
            if not path.is_file():
                self._render(spec, product, path)
        finally:
            with self._lock:
                del self._waiting[path]
        return path

    def _render(self, spec: JobSpec, product: Product, path: Path) -> None:
        with self._lock:
            if self._closed:
                raise ConflictError("the service is ending")
            self._child = child = start_child(render, spec, product, path, name="job-video")
        answer: bool | Failed | None
        try:
            answer = child.pipe.recv()
        except (EOFError, OSError):
            answer = None
        with self._lock:
            self._child = None
            child.kill()
        if answer is not True:
            reason = answer.message if isinstance(answer, Failed) else "its process died"
            raise ConflictError(f"the {product} copy of this job's video cannot be made: {reason}")
