from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sightline.detector.training.examples import CLASSES, Example, Labels
from sightline.detector.training.folds import folds
from sightline.detector.training.sampling import Sampler
from sightline.errors import ConfigError, InputError

SIZES = [(64, 64), (96, 128), (128, 96)]


def made(set_name: str, count: int, clips: int = 0) -> list[Example]:
    """Examples of one set, in so many clips, or each for itself."""
    labels = Labels([], [], (True,) * len(CLASSES))
    return [
        Example(Path(f"{k}.jpg"), 8, 8, labels, set_name, f"{set_name}/{k % clips if clips else k}")
        for k in range(count)
    ]


def test_epoch_shows_sets_by_their_weights() -> None:
    examples = made("a", 10) + made("b", 10) + made("c", 10) + made("d", 10)
    weights = {"a": 2, "b": 0.5, "c": 0, "d": 1.25}
    sampler = Sampler(examples, 4, SIZES, seed=5, set_weights=weights)
    shown = Counter(sampler.order(3).tolist())
    assert [shown[row] for row in range(10)] == [2] * 10
    assert sorted(shown[row] for row in range(10, 20)) == [0] * 5 + [1] * 5
    assert sum(shown[row] for row in range(20, 30)) == 0
    assert sorted(Counter(shown[row] for row in range(30, 40)).items())[0][0] == 1
    assert sum(shown[row] for row in range(30, 40)) in (12, 13)


def test_epochs_and_seeds_differ_and_come_again() -> None:
    examples = made("a", 40)
    orders = [
        Sampler(examples, 4, SIZES, seed=seed).order(epoch).tolist()
        for seed, epoch in ((1, 0), (1, 1), (2, 0), (1, 0))
    ]
    assert orders[0] == orders[3]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(40)) for order in orders)


def test_batches_share_out_the_epoch_in_its_order() -> None:
    sampler = Sampler(made("a", 26), 8, SIZES)
    plans = [sampler.plan(2, number) for number in range(sampler.batches(2))]
    assert [len(plan.rows) for plan in plans] == [8, 8, 8]
    shown = np.concatenate([plan.rows for plan in plans])
    np.testing.assert_array_equal(shown, sampler.order(2)[:24])
    assert {(plan.height, plan.width) for plan in plans} <= set(SIZES)


def test_sizes_change_from_batch_to_batch() -> None:
    sampler = Sampler(made("a", 60), 1, SIZES)
    plans = [sampler.plan(0, number) for number in range(60)]
    assert {(plan.height, plan.width) for plan in plans} == set(SIZES)


def test_few_pictures_make_one_small_batch() -> None:
    sampler = Sampler(made("a", 3), 8, SIZES)
    assert sampler.batches(0) == 1
    assert sorted(sampler.plan(0, 0).rows.tolist()) == [0, 1, 2]


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="no pictures to learn from"):
        Sampler([], 4, SIZES)
    with pytest.raises(ConfigError, match="leave no picture"):
        Sampler(made("a", 4), 4, SIZES, set_weights={"a": 0})


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"b": 1}, "no set 'b'; the data has a"), ({"a": -1}, "a: expected 0 or more; got -1")],
)
def test_wrong_weights_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampler(made("a", 4), 4, SIZES, set_weights=weights)


@pytest.mark.parametrize("size", [(0, 32), (100, 96), (32, 16)])
def test_sizes_that_do_not_fit_the_network_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="multiples of 32"):
        Sampler(made("a", 4), 4, [size])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_hold_out_every_picture_once_and_part_no_clip(count: int) -> None:
    examples = made("a", 60, clips=7) + made("b", 50) + made("c", 9, clips=3)
    held_out = []
    for training, held in folds(examples, count):
        assert not {example.group for example in training} & {example.group for example in held}
        assert len(training) + len(held) == len(examples)
        assert {example.set_name for example in held} >= {"a", "b"}
        assert len(held) == pytest.approx(len(examples) / count, rel=0.2)
        held_out += held
    assert Counter(map(id, held_out)) == Counter(map(id, examples))


def test_folds_do_not_depend_on_the_order_of_the_pictures() -> None:
    examples = made("a", 30, clips=6) + made("b", 20)
    first = [{e.group for e in held} for _, held in folds(examples, 4, seed=1)]
    assert first == [{e.group for e in held} for _, held in folds(examples[::-1], 4, seed=1)]
    assert first != [{e.group for e in held} for _, held in folds(examples, 4, seed=2)]


@pytest.mark.parametrize(("clips", "count"), [(2, 3), (4, 1)])
def test_more_folds_than_clips_are_refused(clips: int, count: int) -> None:
    with pytest.raises(InputError, match=f"{count} folds of 12 pictures in {clips} groups"):
        next(folds(made("a", 12, clips=clips), count))
