"""The training itself: batches in, checkpoints out.

Each epoch ends with a checkpoint and a look at people who were held out. What a batch holds
depends on the seed, the epoch and the step alone, so a run that was killed goes on as if it had
not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from sightline.learning.averaging import WeightAverage
from sightline.learning.checkpoints import read_checkpoint, write_checkpoint
from sightline.learning.devices import mixed_precision
from sightline.learning.seeds import generator, seed_everything
from sightline.reid.embedder import normalised
from sightline.reid.exemplars import choose_exemplars
from sightline.reid.matching import match_score
from sightline.reid.network import EmbeddingNetwork, load_weights
from sightline.reid.ranking import rank_gallery, threshold_curve
from sightline.reid.training.augmentation import augmented_view, plain_view
from sightline.reid.training.crop_set import CropSet
from sightline.reid.training.losses import (
    batch_hard_triplet,
    identity_loss,
    imitation_loss,
    relation_loss,
)
from sightline.reid.training.recipe import Recipe
from sightline.reid.training.run_folder import RunFolder
from sightline.reid.training.sampling import Batches, split_identities
from sightline.reid.training.teaching import teacher_targets

__all__ = ["Trainer", "embed_pictures"]

_EVALUATION_BATCH = 128
_ALIGNED_WITH = 2000  # crops

OnStep = Callable[[int, int, float], None]
OnEpoch = Callable[[dict[str, Any]], None]


class Trainer:
    """Trains one network.

    Args:
        recipe: Everything that decides the training.
        crops: The crops of the recipe's clips and photographs.
        folder: Where the run keeps what it has reached.
        device: Where to compute.
        resume: Whether to go on with the run that lies in the folder.
        start: `best.pt` of an earlier run, whose weights this one begins with.

    Attributes:
        network: The network in training.
        average: The averaged one, which is what is kept.
        epoch: Epochs that are done.
        history: Metrics of each of them.

    Raises:
        InputError: The crops do not suffice.
        StateError: A run lies in the folder and is not to go on, or has another recipe.
        ModelError: A checkpoint is damaged, or the one to start from is of another network.
    """

    def __init__(
        self,
        recipe: Recipe,
        crops: CropSet,
        folder: RunFolder,
        device: torch.device,
        *,
        resume: bool = False,
        start: Path | None = None,
    ) -> None:
        self.recipe, self.crops, self.folder, self.device = recipe, crops, folder, device
        folder.begin(recipe, resume=resume)
        seed_everything(recipe.seed)
        plan = recipe.optimisation
        self._split = split_identities(
            crops, recipe.validation_share, generator(recipe.validation_seed)
        )
        self._batches = Batches(crops, self._split.training, plan.people, plan.views, plan.others)
        self._different = torch.from_numpy(crops.different()).to(device)
        self._imitates = recipe.losses.imitation + recipe.losses.relations > 0
        self._targets = (
            teacher_targets(
                crops.vectors, recipe.network.dimension, crops.identities, recipe.losses.agreement
            )
            if self._imitates
            else None
        )
        self.network = EmbeddingNetwork(recipe.network).to(device)
        self._rotation = np.eye(recipe.network.dimension, dtype=np.float32)
        if start is not None:
            load_weights(self.network, start)
            self._rotation = self._rotation_of_targets()
        self._frozen = self.network.early_layers(plan.frozen_stages)
        for part in self._frozen:
            part.requires_grad_(False)
        # The views come with their channels last, and a CPU takes two thirds of the time so.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classifier = nn.Linear(recipe.network.dimension, len(crops.clips), bias=False).to(
            device
        )
        nn.init.normal_(self.classifier.weight, std=0.01)
        self.average = WeightAverage(self.network, plan.average_decay, plan.average_warm_up)
        self._optimiser = torch.optim.AdamW(
            _parameter_groups(self.network, self.classifier, plan.weight_decay),
            lr=plan.learning_rate,
        )
        self.epoch = 0
        self.history: list[dict[str, Any]] = []
        if resume and folder.last.is_file():
            self._restore(read_checkpoint(folder.last))
        if self._targets is not None:
            self._targets = self._targets.turned(self._rotation)

    def run(self, on_step: OnStep | None = None, on_epoch: OnEpoch | None = None) -> None:
        """Train to the end of the recipe.

        Args:
            on_step: Called after each batch with the epoch, the step and the loss.
            on_epoch: Called after each epoch with its metrics.

        Raises:
            InputError: A checkpoint cannot be written.
        """
        while self.epoch < self.recipe.optimisation.epochs:
            began = time.perf_counter()
            losses = self._train_epoch(on_step)
            self.epoch += 1
            row: dict[str, Any] = {
                "epoch": self.epoch,
                **self.validate(),
                "losses": losses,
                "seconds": round(time.perf_counter() - began, 1),
            }
            best = max((earlier["mAP"] for earlier in self.history), default=-1.0)
            self.history.append(row)
            if row["mAP"] > best:
                write_checkpoint(self.folder.best, self._kept())
            write_checkpoint(self.folder.last, self._state())
            self.folder.note(self.history)
            self.folder.draw(self.history)
            if on_epoch is not None:
                on_epoch(row)

    def validate(self) -> dict[str, float]:
        """Rank-1 and mAP of the averaged network on the people held out."""
        return self._scores(
            *(
                embed_pictures(self.average.network, self.crops.pictures[rows], self.device)
                for rows in (self._split.queries, self._split.gallery)
            )
        )

    def calibrate(self, network: nn.Module) -> dict[str, float]:
        """Where same person and two people are equally likely, measured on the people held out.

        Args:
            network: The network to calibrate, in evaluation mode.

        Returns:
            `match_distance`, the cosine distance of two crops, and `track_threshold`, the
            likeness of two tracks (`sightline.reid.matching`); empty where no two of the people
            are surely two.
        """
        names, device = self.crops.identities, next(network.parameters()).device
        rows = (self._split.queries, self._split.gallery)
        early, late = (embed_pictures(network, self.crops.pictures[part], device) for part in rows)
        first, second = (names[part] for part in rows)
        different = self.crops.different()
        other = different[first[:, None], second[None]]
        if not other.any():
            return {}
        likeness = early @ late.T
        crops = threshold_curve(likeness[first[:, None] == second[None]], likeness[other])
        people = np.unique(first)
        tracks = np.array(
            [
                [_track_likeness(early[first == a], late[second == b]) for b in people]
                for a in people
            ]
        )
        others = tracks[different[np.ix_(people, people)]]
        return {
            "match_distance": 1 - crops.equal_error[0],
            "track_threshold": threshold_curve(np.diag(tracks), others).equal_error[0],
        }

    def describe(self) -> str:
        """What the network is up against, in a line."""
        held = len(np.unique(self.crops.identities[self._split.queries]))
        line = f"{held} people held out"
        if self._targets is not None:
            vectors = teacher_targets(self.crops.vectors, self.recipe.network.dimension).full
            teachers = self._scores(vectors[self._split.queries], vectors[self._split.gallery])
            line += (
                f"; the teachers' rank-1 {teachers['rank1']:.3f}, mAP {teachers['mAP']:.3f}, "
                f"{self._targets.kept:.1%} of their variance kept"
            )
        return line

    def _rotation_of_targets(self) -> npt.NDArray[np.float32]:
        """Turns the targets towards what the network says before the training."""
        rows = self._split.training
        rows = rows[:: max(len(rows) // _ALIGNED_WITH, 1)]
        if self._targets is None:
            return self._rotation
        vectors = embed_pictures(self.network.eval(), self.crops.pictures[rows], self.device)
        return self._targets.rotation_towards(vectors, rows)

    def _scores(
        self, queries: npt.NDArray[np.float32], gallery: npt.NDArray[np.float32]
    ) -> dict[str, float]:
        names = self.crops.identities
        found = rank_gallery(
            queries @ gallery.T, names[self._split.queries], names[self._split.gallery]
        )
        return {
            "rank1": round(found.rank(1), 4),
            "mAP": round(found.mean_average_precision, 4),
        }

    def _train_epoch(self, on_step: OnStep | None) -> dict[str, float]:
        plan = self.recipe.optimisation
        self.network.train()
        for part in self._frozen:
            part.eval()
        sums: dict[str, float] = {}
        for step in range(plan.steps):
            progress = (self.epoch * plan.steps + step) / (plan.epochs * plan.steps)
            for group in self._optimiser.param_groups:
                group["lr"] = plan.learning_rate * plan.schedule.factor(progress)
            random = generator(self.recipe.seed, self.epoch, step)
            rows = self._batches.draw(random)
            losses = self._losses(rows, self._views(rows, progress, random))
            total = torch.stack(list(losses.values())).sum()
            self._optimiser.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self._optimiser.step()
            self.average.update(self.network)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item()
            if on_step is not None:
                on_step(self.epoch, step, total.item())
        return {name: round(value / plan.steps, 4) for name, value in sums.items()}

    def _views(
        self, rows: npt.NDArray[np.int64], progress: float, random: np.random.Generator
    ) -> torch.Tensor:
        """(B, 3, H, W) float32 random views of the rows.

        They grow during the training (Tan & Le, "EfficientNetV2", 2021): most is learned from
        small ones, at a fraction of the cost.
        """
        scale, plan = self.recipe.network, self.recipe.augmentation
        height = next(
            (tall for until, tall in self.recipe.optimisation.growth if progress < until),
            scale.height,
        )
        width = scale.width * height // scale.height
        views = np.stack(
            [
                augmented_view(self.crops.pictures[row], height, width, plan, random)
                for row in rows.tolist()
            ]
        )
        return _as_input(views, self.device)

    def _losses(self, rows: npt.NDArray[np.int64], views: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each loss, weighed."""
        weights, plan = self.recipe.losses, self.recipe.optimisation
        with mixed_precision(self.device, wanted=plan.bfloat16):
            before, behind = self.network(views)
        before, behind = before.float(), behind.float()
        named = len(rows) - min(plan.others, len(self._split.training))
        identities = torch.from_numpy(self.crops.identities[rows[:named]]).long().to(self.device)
        different = self._different[identities]
        losses = {}
        if weights.triplet:
            losses["triplet"] = weights.triplet * batch_hard_triplet(
                before[:named], identities, different[:, identities]
            )
        if weights.identity:
            losses["identity"] = weights.identity * identity_loss(
                self.classifier(behind[:named]), identities, different, weights.label_smoothing
            )
        if self._targets is not None:
            short = torch.from_numpy(self._targets.short[rows]).to(self.device)
            full = torch.from_numpy(self._targets.full[rows]).to(self.device)
            losses["imitation"] = weights.imitation * imitation_loss(behind, short)
            losses["relations"] = weights.relations * relation_loss(behind, full)
        return losses

    def _kept(self) -> dict[str, Any]:
        """What `best.pt` holds: enough to export."""
        return {
            "network": self.average.network.state_dict(),
            "scale": self.recipe.network.model_dump(),
            "metrics": self.history[-1],
        }

    def _state(self) -> dict[str, Any]:
        """What `last.pt` holds: enough to go on."""
        return {
            "network": self.network.state_dict(),
            "classifier": self.classifier.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "rotation": torch.from_numpy(self._rotation),
            "epoch": self.epoch,
            "history": self.history,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.classifier.load_state_dict(state["classifier"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._rotation = state["rotation"].numpy()
        self.epoch = state["epoch"]
        self.history = state["history"]


@torch.no_grad()
def embed_pictures(
    network: nn.Module, pictures: npt.NDArray[np.uint8], device: torch.device
) -> npt.NDArray[np.float32]:
    """Vectors of stored crops.

    Args:
        network: An `EmbeddingNetwork` in evaluation mode.
        pictures: (N, H, W, 3) uint8, rows of `CropSet.pictures`.
        device: Where the network is.

    Returns:
        (N, D) float32, L2-normalised.
    """
    scale = network.scale
    parts = []
    for start in range(0, len(pictures), _EVALUATION_BATCH):
        views = np.stack(
            [
                plain_view(picture, scale.height, scale.width)  # type: ignore[union-attr, arg-type]
                for picture in pictures[start : start + _EVALUATION_BATCH]
            ]
        )
        parts.append(network(_as_input(views, device))[1].cpu().numpy())
    return normalised(np.concatenate(parts))


def _track_likeness(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Likeness of two tracks, given all their vectors."""
    shown = (
        vectors[choose_exemplars(vectors, np.ones(len(vectors)))] for vectors in (first, second)
    )
    return match_score(*shown)


def _as_input(views: npt.NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """(B, H, W, 3) uint8 as (B, 3, H, W) float32 in the memory order of the views."""
    return torch.from_numpy(views).to(device).permute(0, 3, 1, 2).float()


def _parameter_groups(
    network: nn.Module, classifier: nn.Module, weight_decay: float
) -> list[dict[str, Any]]:
    """Weights decay; norms, biases and the pooling's power do not."""
    decaying: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter in [*network.parameters(), *classifier.parameters()]:
        if parameter.requires_grad:
            (decaying if parameter.ndim > 1 else free).append(parameter)
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
