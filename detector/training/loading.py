"""Batches made ahead by worker processes.

Workers are started afresh (spawned), so they share no locks with the training process. Each has a
pipe for plans and labels, and two slots of shared memory for pictures: one is filled while the
other waits to be taken. Batch k is made by worker k modulo their number.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

import cv2
import numpy as np

from sightline.detector.training.augmentation import Augmentation
from sightline.detector.training.batches import Batch, BatchMaker
from sightline.detector.training.cache import FileCache
from sightline.detector.training.examples import CLASSES, Example, Image
from sightline.detector.training.sampling import BatchPlan, Sampler
from sightline.errors import InputError, StateError

__all__ = ["Loader"]

_logger = logging.getLogger(__name__)

_SLOTS = 2


class Loader:
    """Epochs of augmented batches; a context manager that ends its workers.

    Args:
        examples: What there is to learn from.
        sampler: Plans over the same examples.
        workers: Processes that make batches; 0 makes them where they are asked for.
        cache: The examples' files; read now if not given.
        classes: Names of the classes.

    Attributes:
        damaged: Why pictures could not be read, each reason once. Training goes on with other
            pictures in their place; each is logged as a warning when it comes up.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        sampler: Sampler,
        workers: int = 0,
        cache: FileCache | None = None,
        classes: Sequence[str] = CLASSES,
    ) -> None:
        self.sampler = sampler
        self.damaged: set[str] = set()
        if cache is None:
            cache = FileCache(example.path for example in examples)
        self._maker = BatchMaker(examples, sampler, cache, classes)
        self._workers = [_Worker(self._maker) for _ in range(workers)]

    def epoch(self, epoch: int, augmentation: Augmentation) -> Iterator[Batch]:
        """The batches of an epoch, from the first.

        Args:
            epoch: From 0; the same number gives the same batches.
            augmentation: How strong; may differ between epochs.

        Raises:
            InputError: Picture after picture cannot be read.
            StateError: A worker failed or was killed; the message says why.
        """
        plans = (self.sampler.plan(epoch, k) for k in range(self.sampler.batches(epoch)))
        batches = (
            self._ahead(plans, augmentation)
            if self._workers
            else (self._maker.make(plan, augmentation, _empty(plan)) for plan in plans)
        )
        with contextlib.closing(batches):
            for batch in batches:
                for reason in batch.damaged:
                    if reason not in self.damaged:
                        _logger.warning("left out: %s", reason)
                        self.damaged.add(reason)
                yield batch

    @property
    def process_ids(self) -> list[int]:
        """Process number of each worker."""
        return [worker.process_id for worker in self._workers]

    def close(self) -> None:
        """End the workers; the loader cannot be used afterwards."""
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ahead(self, plans: Iterator[BatchPlan], augmentation: Augmentation) -> Generator[Batch]:
        """Batches in order, with every worker kept busy."""
        waiting: deque[_Worker] = deque()
        try:
            for _ in range(_SLOTS):
                for worker in self._workers:
                    _submit(worker, next(plans, None), augmentation, waiting)
            while waiting:
                worker = waiting.popleft()
                batch = worker.take()
                _submit(worker, next(plans, None), augmentation, waiting)
                yield batch
        finally:
            # What an abandoned epoch still has under way must not turn up in the next.
            for worker in waiting:
                worker.drop()


class _Worker:
    """A process that makes batches, and this process's end of it."""

    def __init__(self, maker: BatchMaker) -> None:
        context = multiprocessing.get_context("spawn")
        largest = max(height * width for height, width in maker.sampler.sizes)
        self._capacity = maker.sampler.batch * largest * 3
        self._memory = context.RawArray(ctypes.c_ubyte, _SLOTS * self._capacity)
        self._connection, theirs = context.Pipe()
        self._slot = 0
        self._process: BaseProcess = context.Process(
            target=_work,
            args=(theirs, maker, self._memory, self._capacity),
            name="sightline-loading",
            daemon=True,
        )
        with _interrupts_held():
            self._process.start()
        theirs.close()

    @property
    def process_id(self) -> int:
        """The operating system's number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def submit(self, plan: BatchPlan, augmentation: Augmentation) -> None:
        """Have a batch made; at most as many at a time as there are slots."""
        try:
            self._connection.send((plan, augmentation))
        except OSError as error:
            raise self._death() from error

    def take(self) -> Batch:
        """The oldest batch that was asked for."""
        reply = self._receive()
        if isinstance(reply, Exception):
            raise reply
        plan, labels, rows, damaged = reply
        images = _slot(self._memory, self._slot, self._capacity, plan).copy()
        self._slot = (self._slot + 1) % _SLOTS
        return Batch(images, labels, rows, damaged)

    def drop(self) -> None:
        """Throw the oldest batch away."""
        with contextlib.suppress(StateError):
            self._receive()
            self._slot = (self._slot + 1) % _SLOTS

    def close(self) -> None:
        self._connection.close()  # the worker ends when it next reads or writes
        self._process.join(timeout=2)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._process.close()

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error

    def _death(self) -> StateError:
        self._process.join(timeout=1)
        return StateError(
            f"a process that loads pictures ended (exit code {self._process.exitcode}); if the "
            "machine ran out of memory, use fewer workers or a smaller batch, then resume"
        )


def _submit(
    worker: _Worker, plan: BatchPlan | None, augmentation: Augmentation, waiting: deque[_Worker]
) -> None:
    if plan is not None:
        worker.submit(plan, augmentation)
        waiting.append(worker)


def _work(connection: Connection, maker: BatchMaker, memory: Any, capacity: int) -> None:
    """What a worker does until the other end of its pipe is closed."""
    cv2.setNumThreads(0)
    slot = 0
    with contextlib.suppress(EOFError, OSError):
        while True:
            plan, augmentation = connection.recv()
            images = _slot(memory, slot, capacity, plan)
            slot = (slot + 1) % _SLOTS
            reply: Any
            try:
                batch = maker.make(plan, augmentation, images)
                reply = (plan, batch.labels, batch.rows, batch.damaged)
            except InputError as error:
                reply = error
            except Exception as error:
                reply = StateError(f"loading pictures failed: {type(error).__name__}: {error}")
                reply.add_note(traceback.format_exc())
            connection.send(reply)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process started meanwhile never sees Ctrl-C, which is for the training process alone."""
    resource_tracker.ensure_running()  # or it is started with the process and lets signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _slot(memory: Any, slot: int, capacity: int, plan: BatchPlan) -> Image:
    """(B, H, W, 3) view of a slot of shared memory."""
    shape = (len(plan.rows), plan.height, plan.width, 3)
    data = np.frombuffer(memory, np.uint8)[slot * capacity :]
    return data[: int(np.prod(shape))].reshape(shape)


def _empty(plan: BatchPlan) -> Image:
    return np.empty((len(plan.rows), plan.height, plan.width, 3), np.uint8)
