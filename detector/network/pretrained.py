"""Backbones of torchvision, for transfer learning from ImageNet."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from sightline.errors import InputError, ModelError
from sightline.learning.checkpoints import read_checkpoint
from sightline.learning.torch_vision import torchvision

__all__ = ["TorchvisionBackbone"]

_MEAN = (123.675, 116.28, 103.53)  # of ImageNet, RGB 0…255, as torchvision's weights expect
_SPREAD = (58.395, 57.12, 57.375)


class TorchvisionBackbone(nn.Module):
    """A classification network of torchvision without its classifier.

    Takes the pictures as `Network` normalises them and hands its layers RGB with ImageNet's
    normalisation. For pictures (B, 3, H, W) it returns the last features at strides 8, 16 and
    32: (B, c8, H/8, W/8), (B, c16, H/16, W/16), (B, c32, H/32, W/32). For `mobilenet_v2` the
    channels are 32, 96, 320; for `resnet18` 128, 256, 512.

    Args:
        name: A model of `torchvision.models` whose layers can be run one after another: the
            MobileNets, EfficientNets, RegNets and ResNets among others.

    Attributes:
        channels: Channels of the three features.

    Raises:
        InputError: torchvision has no such model, or it does not reach the three strides.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        models = torchvision().models
        if name not in models.list_models(module=models):
            raise InputError(
                f"backbone {name!r}: neither csp nor a classification model of torchvision, such "
                "as mobilenet_v2, mobilenet_v3_small or resnet18"
            )
        layers = _layers(models.get_model(name, weights=None))
        self.layers, self.taps, self.channels = _cut(name, layers)
        scale = torch.tensor([58.0 / spread for spread in _SPREAD])
        shift = torch.tensor([(114.0 - m) / s for m, s in zip(_MEAN, _SPREAD, strict=True)])
        self.register_buffer("scale", scale.reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at strides 8, 16 and 32."""
        x = x.flip(1) * self.scale + self.shift
        found = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                found.append(x)
        fine, middle, coarse = found
        return fine, middle, coarse

    def download_weights(self, name: str) -> None:
        """Load torchvision's own ImageNet weights of the model, from its cache or the network.

        Raises:
            ModelError: They cannot be had.
        """
        models = torchvision().models
        try:
            model = models.get_model(name, weights="DEFAULT")
        except (OSError, ValueError) as error:
            raise ModelError(
                f"backbone {name}: torchvision's weights cannot be downloaded ({error}); give a "
                "file as backbone_weights"
            ) from error
        own = nn.Sequential(*_layers(model)[: len(self.layers)])
        self.layers.load_state_dict(own.state_dict())

    def load_weights(self, path: Path) -> int:
        """Load ImageNet weights from a file, by name or, where names differ, by order and shape.

        Args:
            path: A state dictionary as torchvision or an older release saves it.

        Returns:
            Tensors that were taken over.

        Raises:
            ModelError: The file cannot be read, or does not fit.
        """
        state = {k: v for k, v in read_checkpoint(path).items() if isinstance(v, torch.Tensor)}
        mine = self.layers.state_dict()
        # Older releases lack the counters of batch normalisation, and nest names otherwise.
        wanted = [key for key in mine if not key.endswith("num_batches_tracked")]
        offered = [v for k, v in state.items() if not k.endswith("num_batches_tracked")]
        if len(offered) < len(wanted):
            raise ModelError(f"{path}: {len(offered)} tensors, the backbone needs {len(wanted)}")
        for key, value in zip(wanted, offered, strict=False):
            if mine[key].shape != value.shape:
                raise ModelError(
                    f"{path}: does not fit the backbone: {key} is {tuple(mine[key].shape)}, the "
                    f"file has {tuple(value.shape)}"
                )
            mine[key] = value
        self.layers.load_state_dict(mine)
        return len(wanted)


def _layers(model: nn.Module) -> list[nn.Module]:
    """The layers before the classifier, in order."""
    parts = dict(model.named_children())
    if "features" in parts:
        return list(parts["features"].children())
    if "trunk_output" in parts:  # RegNet
        return [parts["stem"], *parts["trunk_output"].children()]
    return [child for name, child in parts.items() if name not in ("avgpool", "fc")]


def _cut(
    name: str, layers: list[nn.Module]
) -> tuple[nn.Sequential, tuple[int, int, int], tuple[int, int, int]]:
    """Layers up to the last one that is used, where the features are taken, their channels."""
    side = 64
    x = torch.zeros(1, 3, side, side)
    last: dict[int, tuple[int, int]] = {}  # stride -> layer and channels
    try:
        with torch.no_grad():
            for index, layer in enumerate(layers):
                x = layer.eval()(x)
                last[side // x.shape[2]] = (index, x.shape[1])
        (a, c8), (b, c16), (c, c32) = last[8], last[16], last[32]
    except (AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"backbone {name!r}: its layers do not give features at strides 8, 16 and 32"
        ) from error
    # An expansion before the classifier (MobileNet's last 1x1) is not worth its cost.
    if c == len(layers) - 1 and c32 > 2 * c16 and c - 1 > b:
        with torch.no_grad():
            y = torch.zeros(1, 3, side, side)
            for layer in layers[:c]:
                y = layer(y)
        c, c32 = c - 1, y.shape[1]
    for layer in layers:
        layer.train()
    return nn.Sequential(*layers[: c + 1]), (a, b, c), (c8, c16, c32)
