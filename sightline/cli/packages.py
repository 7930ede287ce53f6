"""Packages that only some commands need, asked for before anything is imported or read."""

from __future__ import annotations

import importlib.util

from sightline.errors import ConfigError

__all__ = ["check_training_packages", "extra_of"]

_EXTRAS = {
    "ray": "cluster",
    "torch": "train",
    "torchvision": "train",
    "onnx": "train",
    "onnx_ir": "train",
    "onnxscript": "train",
    "openvino": "teachers",
    "simpy": "plan",
}

_TRAINING = ("torch", "torchvision", "matplotlib", "faster_coco_eval")


def extra_of(package: str | None) -> str | None:
    """The extra of Sightline that brings a package, or None where it is in none of them.

    Example:
        >>> extra_of("torch"), extra_of("numpy")
        ('train', None)
    """
    return _EXTRAS.get((package or "").partition(".")[0])


def check_training_packages(*, tensorboard: bool) -> None:
    """Say what is missing before anything is read.

    Raises:
        ConfigError: A package that a training needs is not installed.
    """
    missing = [name for name in _TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}: pip install 'sightline[train]' "
            "(docs/training.md)"
        )
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ConfigError("--tensorboard needs the package tensorboard: pip install tensorboard")
