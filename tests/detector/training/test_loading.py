from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from sightline.detector.training.augmentation import Augmentation
from sightline.detector.training.batches import Batch
from sightline.detector.training.datasets import read_data
from sightline.detector.training.examples import Example, Labels
from sightline.detector.training.loading import Loader
from sightline.detector.training.sampling import Sampler
from sightline.errors import InputError, StateError

PATIENCE = 60  # seconds after which a process that should have ended counts as hanging


class WriteExamples(Protocol):
    def __call__(self, count: int, *, set_name: str = ...) -> list[Example]: ...


class Unreadable(Example):
    """An example that fails as no example should."""

    __slots__ = ()

    def decode(self, *_: object) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        raise ZeroDivisionError(f"{self.path.name} fell over")


def assert_same(first: Sequence[Batch], second: Sequence[Batch]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.rows, other.rows)
        for labels, others in zip(one.labels, other.labels, strict=True):
            for name in Labels.__slots__:
                np.testing.assert_array_equal(getattr(labels, name), getattr(others, name))


def test_batches_of_real_pictures_do_not_depend_on_the_workers(shared: Path) -> None:
    examples = read_data(shared / "data" / "detection")[::100]
    sampler = Sampler(examples, 4, [(96, 128), (160, 160)], seed=3)
    runs = []
    for workers in (0, 2):
        with Loader(examples, sampler, workers) as loader:
            # An epoch that is given up in its middle leaves nothing behind.
            abandoned = loader.epoch(7, Augmentation())
            next(abandoned)
            del abandoned
            runs.append([*loader.epoch(0, Augmentation()), *loader.epoch(1, Augmentation(jpeg=1))])
    assert len(runs[0]) == 20
    assert runs[0][0].images.dtype == np.uint8
    assert runs[0][0].images.shape in {(4, 96, 128, 3), (4, 160, 160, 3)}
    assert_same(runs[0], runs[1])


def test_batch_stays_as_it_is_while_others_are_made(write_examples: WriteExamples) -> None:
    examples = write_examples(24)
    sampler = Sampler(examples, 2, [(64, 64)])
    with Loader(examples, sampler, 1) as loader:
        batches = list(loader.epoch(0, Augmentation()))
    with Loader(examples, sampler) as loader:
        assert_same(batches, list(loader.epoch(0, Augmentation())))


@pytest.mark.parametrize("workers", [0, 1])
def test_damaged_picture_is_replaced_and_told_once(
    write_examples: WriteExamples, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    examples = write_examples(8)
    data = examples[3].path.read_bytes()
    examples[3].path.write_bytes(data[: len(data) // 2])
    examples[5].path.unlink()
    sampler = Sampler(examples, 4, [(64, 64)])
    with (
        caplog.at_level(logging.WARNING),
        Loader(examples, sampler, workers) as loader,
    ):
        batches = [batch for epoch in range(3) for batch in loader.epoch(epoch, Augmentation())]
    assert len(batches) == 6
    assert not {3, 5} & {int(row) for batch in batches for row in batch.rows}
    assert len(loader.damaged) == 2
    assert caplog.text.count("made-3.jpg: the JPEG is cut short") == 1
    assert caplog.text.count("made-5.jpg: the picture cannot be read") == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_that_are_all_damaged_end_the_epoch(
    write_examples: WriteExamples, workers: int
) -> None:
    examples = write_examples(4)
    for example in examples:
        example.path.write_bytes(b"")
    with (
        Loader(examples, Sampler(examples, 2, [(64, 64)]), workers) as loader,
        pytest.raises(InputError, match=r"20 pictures one after the other cannot be read; .*made-"),
    ):
        list(loader.epoch(0, Augmentation()))


def test_failure_in_a_worker_arrives_with_its_message(write_examples: WriteExamples) -> None:
    whole = write_examples(1)[0]
    broken = Unreadable(whole.path, 96, 64, whole.labels, "made", "1")
    with (
        Loader([broken], Sampler([broken], 1, [(64, 64)]), 1) as loader,
        pytest.raises(StateError, match=r"ZeroDivisionError: made-0\.jpg fell over") as caught,
    ):
        list(loader.epoch(0, Augmentation()))
    assert "in decode" in caught.value.__notes__[0]


def test_killed_worker_is_an_error_and_no_hanging(write_examples: WriteExamples) -> None:
    examples = write_examples(40)
    with Loader(examples, Sampler(examples, 1, [(64, 64)]), 1) as loader:
        batches = loader.epoch(0, Augmentation())
        next(batches)
        os.kill(loader.process_ids[0], signal.SIGKILL)
        with pytest.raises(StateError, match=r"exit code -9.*fewer workers"):
            list(batches)


SCRIPT = """
import signal
import sys
from sightline.detector.training.augmentation import Augmentation
from sightline.detector.training.examples import CLASSES, Example, Labels
from sightline.detector.training.loading import Loader
from sightline.detector.training.sampling import Sampler
from pathlib import Path

if __name__ == "__main__":
    # A shell's background job, as tests may be, ignores Ctrl-C, and so would this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    labels = Labels([], [], [True] * len(CLASSES))
    examples = [Example(Path(name), 96, 64, labels, "made", name) for name in sys.argv[1:]]
    with Loader(examples, Sampler(examples, 1, [(64, 64)]), 2) as loader:
        for epoch in range(10**9):
            for number, batch in enumerate(loader.epoch(epoch, Augmentation())):
                if epoch == number == 0:
                    print(*loader.process_ids, flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_training_however_it_ends(
    write_examples: WriteExamples, tmp_path: Path, how: signal.Signals
) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    names = [str(example.path) for example in write_examples(8)]
    with subprocess.Popen(
        [sys.executable, str(script), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as training:
        assert training.stdout is not None
        workers = [os.pidfd_open(int(word)) for word in training.stdout.readline().split()]
        assert len(workers) == 2
        # A terminal's Ctrl-C reaches every process of its group.
        (os.kill if how is signal.SIGKILL else os.killpg)(training.pid, how)
        _, errors = training.communicate(timeout=PATIENCE)
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], PATIENCE)
        os.close(worker)
        assert ended
    # One traceback of the training's own, none of the workers'.
    assert errors.count("KeyboardInterrupt\n") == (how is signal.SIGINT)
