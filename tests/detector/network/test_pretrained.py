"""Backbones of torchvision, and their weights from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sightline.detector.network.pretrained import TorchvisionBackbone
from sightline.errors import ModelError
from sightline.learning.torch_vision import torchvision


def _model(name: str) -> torch.nn.Module:
    torch.manual_seed(5)
    model: torch.nn.Module = torchvision().models.get_model(name, weights=None)
    return model.eval()


def _saved(folder: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("mobilenet_v2", (32, 96, 320)),
        ("mobilenet_v3_small", (24, 48, 96)),
        ("resnet18", (128, 256, 512)),
        ("efficientnet_b0", (40, 112, 320)),
        ("regnet_y_400mf", (104, 208, 440)),
    ],
)
def test_features_have_their_strides_and_channels(
    name: str, channels: tuple[int, int, int]
) -> None:
    backbone = TorchvisionBackbone(name).eval()
    assert backbone.channels == channels
    with torch.inference_mode():
        features = backbone(torch.zeros(1, 3, 64, 96))
    for stride, count, feature in zip((8, 16, 32), channels, features, strict=True):
        assert feature.shape == (1, count, 64 // stride, 96 // stride)


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small", "resnet18"])
def test_weights_of_a_file_give_the_features_of_the_model_they_are_of(
    name: str, tmp_path: Path
) -> None:
    model = _model(name)
    backbone = TorchvisionBackbone(name).eval()
    backbone.load_weights(_saved(tmp_path, model.state_dict()))
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255  # BGR
    mean = torch.tensor([123.675, 116.28, 103.53]).reshape(1, 3, 1, 1)
    spread = torch.tensor([58.395, 57.12, 57.375]).reshape(1, 3, 1, 1)
    x = (pixels.flip(1) - mean) / spread
    with torch.inference_mode():
        for layer in backbone.layers if name != "resnet18" else list(model.children())[:8]:
            x = layer(x)
        coarse = backbone((pixels - 114) / 58)[2]
        if name == "mobilenet_v2":
            direct = model.features[:18]((pixels.flip(1) - mean) / spread)  # type: ignore[index,operator]
            torch.testing.assert_close(coarse, direct, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(coarse, x, rtol=1e-3, atol=1e-4)


def test_older_key_names_fit_by_order_and_shape(tmp_path: Path) -> None:
    state = _model("mobilenet_v2").state_dict()
    older = {
        f"conv.{key.replace('features', 'block')}": value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    assert len(older) == 262
    backbone = TorchvisionBackbone("mobilenet_v2")
    assert backbone.load_weights(_saved(tmp_path, older)) == 255
    own = backbone.layers.state_dict()
    assert torch.equal(own["17.conv.3.running_var"], state["features.17.conv.3.running_var"])
    assert torch.equal(own["0.0.weight"], state["features.0.0.weight"])


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    backbone = TorchvisionBackbone("mobilenet_v2")
    before = {key: value.clone() for key, value in backbone.layers.state_dict().items()}
    with pytest.raises(ModelError, match="does not fit the backbone"):
        backbone.load_weights(_saved(tmp_path, _model("efficientnet_b0").state_dict()))
    with pytest.raises(ModelError, match="tensors, the backbone needs"):
        backbone.load_weights(_saved(tmp_path, {"a": torch.zeros(3)}))
    for key, value in backbone.layers.state_dict().items():
        assert torch.equal(value, before[key]), key
