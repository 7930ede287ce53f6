"""The training: plain loops from pictures to weights, resumable after every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sightline.detector.training.batches import Batch
from sightline.detector.training.examples import Example
from sightline.detector.training.loading import Loader
from sightline.detector.training.losses import Losses
from sightline.detector.training.models import make_loss, make_network
from sightline.detector.training.optimizers import make_optimizer, set_rate
from sightline.detector.training.recipe import Recipe
from sightline.detector.training.run_folder import RunFolder
from sightline.detector.training.validation import Score, detect_examples
from sightline.errors import ModelError
from sightline.learning.averaging import WeightAverage
from sightline.learning.checkpoints import read_checkpoint, write_checkpoint
from sightline.learning.devices import mixed_precision
from sightline.learning.seeds import generator, seed_everything

__all__ = ["Progress", "Result", "Trainer"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands, after a step or a test.

    Args:
        epoch: Number of the epoch, from 0.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        losses: Mean of each part of the loss in this epoch so far.
        rate: Pictures a second.
        scores: Of the last test, `AP50` and others as fractions; empty before the first.
    """

    epoch: int
    step: int
    steps: int
    losses: dict[str, float]
    rate: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """How a training ended.

    Args:
        epochs: Epochs that were done.
        best_epoch: The epoch of the best test.
        scores: Of the best test.
        seconds: Time in training, over all resumptions.
        reason: `finished`, `patience` or `interrupted`.
    """

    epochs: int
    best_epoch: int
    scores: dict[str, float]
    seconds: float
    reason: str


class Trainer:
    """Trains a network by a recipe.

    Args:
        recipe: What to do.
        loader: The pictures to learn from.
        held_out: Pictures for the tests; without any, the last epoch counts as the best.
        score: How the tests are scored.
        folder: Where weights and logs go.
        device: Where to train.
        resume: Whether to go on from the folder's last epoch.

    Raises:
        ModelError: There is nothing to resume, or pre-trained weights do not fit.
    """

    def __init__(
        self,
        recipe: Recipe,
        loader: Loader,
        held_out: Sequence[Example],
        score: Score,
        folder: RunFolder,
        device: torch.device,
        *,
        resume: bool = False,
    ) -> None:
        seed_everything(recipe.seed)
        self.recipe = recipe
        self.folder = folder
        self.device = device
        self._loader = loader
        self._held_out = held_out
        self._score = score
        self.steps = loader.sampler.batches(0)
        self.network = make_network(recipe, pretrained=not resume).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._loss = make_loss(recipe)
        self._optimizer = make_optimizer(self.network, recipe.optimizer)
        self._average = WeightAverage(self.network, recipe.average_decay, recipe.average_warm_up)
        self._forward: Callable[[Tensor], Any] = self.network
        if recipe.compile:
            self._forward = torch.compile(self.network, dynamic=False)
        self._epoch = 0
        self._best: tuple[float, int, dict[str, float]] = (-1.0, 0, {})
        self._seconds = 0.0
        if resume:
            self._load()

    def run(
        self,
        report: Callable[[Progress], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Train to the end.

        Args:
            report: Called after every step and every test.
            stopped: Asked after every step; True ends the training, which can be resumed from
                its last complete epoch.

        Raises:
            ModelError: The GPU's memory is too small, or the loss is no number any more.
            InputError: A picture cannot be read, or a file not be written.
        """
        scores = self._best[2]
        with self._memory_explained():
            while self._epoch < self.recipe.epochs:
                if self._out_of_patience():
                    return self._result("patience")
                if stopped():
                    return self._result("interrupted")
                began = time.monotonic()
                losses = self._train_epoch(report, stopped, scores)
                if losses is None:
                    return self._result("interrupted")
                tested = self._is_tested(self._epoch)
                if tested:
                    scores = self._test()
                self._seconds += time.monotonic() - began
                self._finish_epoch(losses, scores if tested else {})
                report(Progress(self._epoch, self.steps, self.steps, losses, 0.0, scores))
                self._epoch += 1
                self._save()
        return self._result("finished")

    def _train_epoch(
        self,
        report: Callable[[Progress], None],
        stopped: Callable[[], bool],
        scores: dict[str, float],
    ) -> dict[str, float] | None:
        """The mean losses of an epoch, or None where it was stopped before its last step."""
        # What an epoch draws follows from its number, so a resumed one draws the same.
        seed_everything(int(generator(self.recipe.seed, self._epoch).integers(2**32)))
        late = self._epoch >= round(self.recipe.epochs * (1 - self.recipe.late))
        augmentation = self.recipe.augmentation
        if late:
            augmentation = augmentation.model_copy(update={"mosaic": 0.0})
        self.network.train()
        _keep_frozen(self.network)
        sums: dict[str, float] = {}
        began, pictures = time.monotonic(), 0
        for step, batch in enumerate(self._loader.epoch(self._epoch, augmentation), start=1):
            done = self._epoch + (step - 1) / self.steps
            set_rate(
                self._optimizer,
                self.recipe.optimizer.rate * self.recipe.schedule.factor(done / self.recipe.epochs),
            )
            for name, value in self._step(batch, late=late).items():
                sums[name] = sums.get(name, 0.0) + value
            pictures += len(batch.labels)
            means = {name: value / step for name, value in sums.items()}
            rate = pictures / (time.monotonic() - began)
            report(Progress(self._epoch, step, self.steps, means, rate, scores))
            if stopped() and step < self.steps:
                return None
        return {name: value / self.steps for name, value in sums.items()}

    def _step(self, batch: Batch, *, late: bool) -> dict[str, float]:
        """One step of the optimizer; the losses as numbers."""
        height, width = batch.images.shape[1:3]
        x = torch.from_numpy(batch.images).to(self.device).permute(0, 3, 1, 2).float()
        wanted = self.recipe.mixed_precision and self.device.type == "cuda"
        with mixed_precision(self.device, wanted=wanted):
            outputs = self._forward(x)
        losses: Losses = self._loss(outputs, batch.labels, (height, width), late=late)
        self._optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(
            self.network.parameters(), self.recipe.optimizer.clip
        )
        total = float(losses.total.detach())
        if not math.isfinite(total) or not math.isfinite(length):
            raise ModelError(
                f"the loss is {total}, its gradient {float(length)} long in epoch "
                f"{self._epoch + 1}; lower optimizer.rate or optimizer.clip in the recipe"
                f"{self._saved()}"
            )
        self._optimizer.step()
        self._average.update(self.network)
        parts = {name: float(value) for name, value in losses.parts.items()}
        return {"total": total} | parts | {"positives": float(losses.positives)}

    def _is_tested(self, epoch: int) -> bool:
        last = epoch + 1 == self.recipe.epochs
        return last or (epoch + 1) % self.recipe.validation.every == 0

    def _test(self) -> dict[str, float]:
        """Score the averaged network; keep it where it is the best so far."""
        scores: dict[str, float] = {}
        if self._held_out:
            size = self.recipe.validation.size
            network = self._average.network
            found = detect_examples(network, self._held_out, size, self.device)
            scores = self._score(self._held_out, found)
        if not self._held_out or scores["AP50"] > self._best[0]:
            self._best = (scores.get("AP50", -1.0), self._epoch, scores)
            facts = {"epoch": self._epoch + 1, "held_out": len(self._held_out), "scores": scores}
            self.folder.write_network(self._average.network, self.recipe, facts)
        return scores

    def _finish_epoch(self, losses: dict[str, float], scores: dict[str, float]) -> None:
        rate = self._optimizer.param_groups[0]["lr"]
        row: dict[str, Any] = {
            "epoch": self._epoch,
            "losses": {name: round(value, 5) for name, value in losses.items()},
            "rate": rate,
            "seconds": round(self._seconds, 1),
        }
        if scores:
            row["scores"] = {name: round(value, 5) for name, value in scores.items()}
        self.folder.append(row)

    def _out_of_patience(self) -> bool:
        patience = self.recipe.validation.patience
        waited = (self._epoch - 1 - self._best[1]) // self.recipe.validation.every
        return bool(patience and self._held_out and waited >= patience)

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "epoch": self._epoch,
            "best": list(self._best),
            "seconds": self._seconds,
        }
        write_checkpoint(self.folder.last, state)

    def _load(self) -> None:
        if not self.folder.last.exists():
            raise ModelError(
                f"{self.folder.path}: no epoch was completed here; start again without --resume"
            )
        state = read_checkpoint(self.folder.last)
        self.network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._epoch = state["epoch"]
        score, epoch, scores = state["best"]
        self._best = (score, epoch, scores)
        self._seconds = state["seconds"]
        self.folder.rows(self._epoch)

    @contextmanager
    def _memory_explained(self) -> Iterator[None]:
        """Say what to change where the GPU's memory is too small."""
        try:
            yield
        except torch.cuda.OutOfMemoryError as error:
            recipe = self.recipe
            raise ModelError(
                f"the GPU's memory does not hold {recipe.batch} pictures of {max(recipe.sizes)} "
                f"pixels at scale {recipe.scale}; lower batch or sizes in the recipe"
                f"{self._saved()}"
            ) from error

    def _saved(self) -> str:
        if not self._epoch:
            return ""
        return f". The {self._epoch} epochs before are saved; --resume goes on from there"

    def _result(self, reason: str) -> Result:
        _, epoch, scores = self._best
        return Result(self._epoch, epoch, scores, self._seconds, reason)


def _keep_frozen(network: torch.nn.Module) -> None:
    """Normalisation of frozen layers keeps its statistics too."""
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, torch.nn.BatchNorm2d) and not any(p.requires_grad for p in own):
            module.eval()
