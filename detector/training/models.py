"""The network and the loss that a recipe names."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sightline.detector.network import NETWORKS, DetectorNetwork
from sightline.detector.network.pretrained import TorchvisionBackbone
from sightline.detector.training.losses import DetectionLoss, Loss
from sightline.detector.training.recipe import Recipe
from sightline.detector.training.run_folder import load_network
from sightline.detector.training.yolov1_loss import YoloV1Loss
from sightline.errors import ConfigError, ModelError

__all__ = ["make_loss", "make_network", "take_over", "weights_file"]


def make_network(recipe: Recipe, *, pretrained: bool = True) -> DetectorNetwork:
    """The recipe's network.

    Args:
        recipe: The recipe.
        pretrained: Whether the weights that the recipe names are loaded.

    Raises:
        ConfigError: Weights or frozen layers do not go with the backbone.
        InputError: The backbone is unknown.
        ModelError: The weights do not fit.
    """
    if recipe.frozen_layers and not (recipe.weights or recipe.backbone_weights):
        raise ConfigError(
            "frozen_layers: the layers would keep random weights; name trained ones by weights or "
            "backbone_weights, such as --set weights=runs/base/best.pt"
        )
    network = NETWORKS[recipe.head](recipe.classes, recipe.scale, recipe.backbone, recipe.dropout)
    backbone = network.backbone
    if recipe.backbone_weights and not isinstance(backbone, TorchvisionBackbone):
        raise ConfigError("backbone_weights: our own backbone csp has no pre-trained weights")
    if recipe.backbone_weights and pretrained and isinstance(backbone, TorchvisionBackbone):
        if recipe.backbone_weights == "torchvision":
            backbone.download_weights(recipe.backbone)
        else:
            backbone.load_weights(Path(recipe.backbone_weights))
    if recipe.weights and pretrained:
        take_over(network, weights_file(recipe.weights))
    if recipe.frozen_layers:
        layers = (
            backbone.layers
            if isinstance(backbone, TorchvisionBackbone)
            else [backbone.stem, *backbone.stages]
        )
        for layer in list(layers)[: recipe.frozen_layers]:
            layer.requires_grad_(False)
    return network


def weights_file(name: str) -> Path:
    """The file of trained weights: a path, or the name of an embedded network.

    Example:
        >>> weights_file("sightline-n").name
        'sightline-n.pt'
    """
    embedded = Path(str(resources.files("sightline.detector").joinpath("weights", f"{name}.pt")))
    return embedded if embedded.is_file() else Path(name)


def take_over(network: DetectorNetwork, path: Path) -> int:
    """Start from another network's weights, where names and shapes agree.

    Returns:
        Tensors that were taken over; the class scores are not where the classes differ.

    Raises:
        ModelError: The file is no network of ours, or of another head, scale or backbone.
    """
    other, recipe, _ = load_network(path)
    if type(other) is not type(network):
        raise ModelError(f"{path}: a network with head {recipe.head}; the recipe says another")
    if (other.scale, other.backbone_name) != (network.scale, network.backbone_name):
        raise ModelError(
            f"{path}: a network of scale {other.scale} with backbone {other.backbone_name}; the "
            f"recipe says {network.scale} and {network.backbone_name}"
        )
    state = network.state_dict()
    same_classes = other.class_names == network.class_names
    taken = {
        name: value
        for name, value in other.state_dict().items()
        if same_classes or not name.startswith(network.class_layers)
    }
    network.load_state_dict(state | taken)
    return len(taken)


def make_loss(recipe: Recipe) -> Loss:
    """The recipe's loss."""
    losses: dict[str, Loss] = {
        "yolo": DetectionLoss(recipe.loss),
        "yolov1": YoloV1Loss(recipe.yolov1),
    }
    return losses[recipe.head]
