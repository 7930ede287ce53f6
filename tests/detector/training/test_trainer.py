"""The trainer: resumed runs, stops, failures; a tiny network on pictures of noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from sightline.detector.training.augmentation import Augmentation
from sightline.detector.training.examples import Example
from sightline.detector.training.loading import Loader
from sightline.detector.training.recipe import Optimizer, Recipe, Validation
from sightline.detector.training.run_folder import RunFolder, load_network
from sightline.detector.training.sampling import Sampler
from sightline.detector.training.trainer import Progress, Result, Trainer
from sightline.errors import InputError, ModelError
from sightline.learning.checkpoints import read_checkpoint
from sightline.structures import Detections

RECIPE = Recipe(
    scale="p",
    classes=("person",),
    epochs=3,
    batch=2,
    sizes=(64, 96),
    dropout=0.2,
    late=0.4,
    optimizer=Optimizer(rate=0.002),
    augmentation=Augmentation(copy_paste=0.0),
    validation=Validation(size=64),
    average_warm_up=5,
    seed=4,
)


@pytest.fixture
def examples(write_examples: Callable[..., list[Example]]) -> list[Example]:
    return write_examples(6, labelled=(True,))


def score_in_turn(scores: Sequence[float]) -> Callable[..., dict[str, float]]:
    """AP50 of one test after the other."""
    left = iter(scores)
    return lambda _examples, _found: {"AP50": next(left)}


def train(
    folder: Path,
    examples: list[Example],
    recipe: Recipe = RECIPE,
    *,
    scores: Sequence[float] = (0.1, 0.2, 0.3, 0.4),
    held_out: int = 1,
    resume: bool = False,
    prepare: Callable[[Trainer], None] = lambda _: None,
    **options: Any,
) -> Result:
    run = RunFolder(folder)
    if not resume:
        run.begin(recipe)
    sampler = Sampler(examples, recipe.batch, [(s, s) for s in recipe.sizes], recipe.seed)
    with Loader(examples, sampler, classes=recipe.classes) as loader:
        trainer = Trainer(
            recipe,
            loader,
            examples[:held_out],
            score_in_turn(scores),
            run,
            torch.device("cpu"),
            resume=resume,
        )
        prepare(trainer)
        return trainer.run(**options)


def stop_after(steps: int) -> Callable[[], bool]:
    """True once so many steps were reported; asked for before each epoch as well."""
    seen: list[Progress] = []

    def stopped() -> bool:
        return len([now for now in seen if now.rate]) >= steps

    stopped.report = seen.append  # type: ignore[attr-defined]
    return stopped


def checkpoint(folder: Path) -> dict[str, Any]:
    state = read_checkpoint(folder / "last.pt")
    del state["seconds"]
    return state


def assert_same(one: Any, other: Any, place: str = "") -> None:
    """The same to the last bit."""
    assert type(one) is type(other), place
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key, value in one.items():
            assert_same(value, other[key], f"{place}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{place}/{number}")
    else:
        assert one == other, place


@pytest.mark.parametrize(("optimizer", "steps"), [("adamw", 4), ("adamw", 6), ("sgd", 5)])
def test_a_resumed_training_ends_with_the_very_weights_of_one_that_never_stopped(
    tmp_path: Path, examples: list[Example], optimizer: str, steps: int
) -> None:
    changed = RECIPE.optimizer.model_copy(update={"name": optimizer})
    recipe = RECIPE.model_copy(update={"optimizer": changed})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(whole, examples, recipe)
    stopped = stop_after(steps)
    first = train(
        parts,
        examples,
        recipe,
        stopped=stopped,
        report=stopped.report,  # type: ignore[attr-defined]
    )
    assert first.reason == "interrupted"
    assert first.epochs == steps // 3  # 3 steps an epoch; the last step completes it
    torch.manual_seed(99)  # what another process has drawn meanwhile
    second = train(parts, examples, recipe, scores=(0.2, 0.3)[first.epochs - 1 :], resume=True)
    assert second.reason == "finished"
    assert_same(checkpoint(whole), checkpoint(parts))
    assert_same(
        load_network(whole)[0].state_dict(),
        load_network(parts)[0].state_dict(),
    )
    logs = []
    for folder in (whole, parts):
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        logs.append([row | {"seconds": 0} for row in rows])
    assert logs[0] == logs[1]


def test_the_same_seed_gives_the_same_network_and_another_one_does_not(
    tmp_path: Path, examples: list[Example]
) -> None:
    short = RECIPE.model_copy(update={"epochs": 1})
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        train(tmp_path / name, examples, short.model_copy(update={"seed": seed}))
    a, b, c = (checkpoint(tmp_path / name)["network"] for name in "abc")
    assert_same(a, b)
    assert not torch.equal(a["backbone.stem.0.weight"], c["backbone.stem.0.weight"])


def test_the_best_test_is_kept_and_patience_ends_the_training(
    tmp_path: Path, examples: list[Example]
) -> None:
    validation = RECIPE.validation.model_copy(update={"patience": 2})
    recipe = RECIPE.model_copy(update={"epochs": 9, "validation": validation})
    result = train(tmp_path, examples, recipe, scores=(0.2, 0.5, 0.4, 0.3, 0.9))
    assert (result.reason, result.epochs, result.best_epoch) == ("patience", 4, 1)
    assert result.scores == {"AP50": 0.5}
    assert load_network(tmp_path)[2]["epoch"] == 2
    again = train(tmp_path, examples, recipe, scores=(), resume=True)
    assert (again.reason, again.epochs) == ("patience", 4)


def test_without_held_out_pictures_the_last_epoch_is_the_best(
    tmp_path: Path, examples: list[Example]
) -> None:
    result = train(tmp_path, examples, held_out=0, scores=())
    assert (result.reason, result.best_epoch, result.scores) == ("finished", 2, {})
    assert load_network(tmp_path)[2] == {"epoch": 3, "held_out": 0, "scores": {}}


def test_a_training_that_is_done_has_nothing_left_to_do(
    tmp_path: Path, examples: list[Example]
) -> None:
    train(tmp_path, examples)
    before = checkpoint(tmp_path)
    assert train(tmp_path, examples, scores=(), resume=True).reason == "finished"
    assert_same(before, checkpoint(tmp_path))


def test_where_no_epoch_was_completed_there_is_nothing_to_resume(
    tmp_path: Path, examples: list[Example]
) -> None:
    with pytest.raises(ModelError, match="no epoch was completed here; start again without"):
        train(tmp_path, examples, resume=True)


def _fail_in_epoch(epoch: int, error: Exception) -> Callable[[Trainer], None]:
    def prepare(trainer: Trainer) -> None:
        forward = trainer._forward

        def fails(x: torch.Tensor) -> Any:
            if trainer._epoch == epoch:
                raise error
            return forward(x)

        trainer._forward = fails

    return prepare


def test_a_gpu_that_is_too_small_is_explained_and_nothing_is_lost(
    tmp_path: Path, examples: list[Example]
) -> None:
    error = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nGPU 0")
    with pytest.raises(ModelError, match="does not hold 2 pictures of 96 pixels") as caught:
        train(tmp_path / "a", examples, prepare=_fail_in_epoch(0, error))
    assert "saved" not in str(caught.value)
    with pytest.raises(ModelError, match=r"lower batch or sizes.*2 epochs before are saved"):
        train(tmp_path / "b", examples, prepare=_fail_in_epoch(2, error))
    assert train(tmp_path / "b", examples, resume=True).reason == "finished"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training_before_it_is_learnt(
    tmp_path: Path, examples: list[Example], value: float
) -> None:
    def prepare(trainer: Trainer) -> None:
        forward = trainer._forward

        def fails(x: torch.Tensor) -> Any:
            logits, raw = forward(x)
            return (logits * value, raw) if trainer._epoch == 1 else (logits, raw)

        trainer._forward = fails

    with pytest.raises(ModelError, match=r"the loss is (nan|inf).*in epoch 2; lower .*\. The 1"):
        train(tmp_path, examples, prepare=prepare)
    for weights in checkpoint(tmp_path)["network"].values():
        assert weights.isfinite().all()


def test_a_gradient_that_is_no_number_is_not_learnt(
    tmp_path: Path, examples: list[Example]
) -> None:
    def prepare(trainer: Trainer) -> None:
        weight = trainer.network.state_dict(keep_vars=True)["backbone.stem.0.weight"]
        weight.register_hook(lambda gradient: gradient * float("nan"))

    with pytest.raises(ModelError, match="its gradient nan long in epoch 1"):
        train(tmp_path, examples, prepare=prepare)
    assert not (tmp_path / "last.pt").exists()


def test_a_full_disk_ends_the_training_and_keeps_the_last_epoch(
    tmp_path: Path, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path, examples, RECIPE.model_copy(update={"epochs": 1}))
    before = checkpoint(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(InputError, match=r"could not be written: .*No space left on device"):
            train(tmp_path, examples, resume=True)
    assert_same(before, checkpoint(tmp_path))
    assert train(tmp_path, examples, resume=True).reason == "finished"


def test_frozen_layers_do_not_move(tmp_path: Path, examples: list[Example]) -> None:
    frozen: dict[str, torch.Tensor] = {}

    def remember(trainer: Trainer) -> None:
        state = trainer.network.state_dict()
        frozen.update({k: v.clone() for k, v in state.items() if k.startswith("backbone.stem")})

    short = RECIPE.model_copy(update={"epochs": 1})
    train(tmp_path / "base", examples, short)
    recipe = short.model_copy(
        update={"frozen_layers": 1, "weights": str(tmp_path / "base/best.pt")}
    )
    train(tmp_path / "tuned", examples, recipe, prepare=remember)
    state = checkpoint(tmp_path / "tuned")["network"]
    assert frozen
    for name, value in frozen.items():
        assert torch.equal(state[name], value), name


def test_mosaic_ends_and_the_distance_begins_late(tmp_path: Path, examples: list[Example]) -> None:
    shown: list[tuple[int, float]] = []

    def watch(trainer: Trainer) -> None:
        epoch = trainer._loader.epoch

        def watched(number: int, augmentation: Augmentation) -> Any:
            shown.append((number, augmentation.mosaic))
            return epoch(number, augmentation)

        trainer._loader.epoch = watched  # type: ignore[assignment,method-assign]

    train(tmp_path, examples, prepare=watch)
    assert shown == [(0, 0.5), (1, 0.5), (2, 0.0)]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["losses"]["distance"] > 0 for row in rows] == [False, False, True]


def test_what_is_found_is_in_pixels_of_the_picture(examples: list[Example]) -> None:
    from sightline.detector.training.validation import detect_examples

    class Whole(torch.nn.Module):
        """Says that an object fills the picture."""

        def predict(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            height, width = 32 * 2 / 3, 32.0  # the pictures are 96 wide and 64 high
            box = torch.tensor([[[0.0, 0.0, width, height]]])
            return box, torch.tensor([[[0.9]]])

    found: list[Detections] = detect_examples(Whole(), examples[:1], 32, torch.device("cpu"))
    assert found[0].boxes.round(2).tolist() == [[0, 0, 96, 64]]
    assert found[0].classes.tolist() == [0]
