"""Where a training runs, and in which precision."""

from __future__ import annotations

import contextlib
from typing import Literal

import torch

from sightline.errors import InputError, ModelError

__all__ = ["TrainingDevice", "choose_device", "mixed_precision"]

TrainingDevice = Literal["auto", "cpu", "cuda"]


def choose_device(name: str) -> torch.device:
    """The device of a name: `auto` takes a GPU where there is one; `cuda` insists on it.

    Raises:
        InputError: The name is none of them.
        ModelError: `cuda` was asked for and cannot be used; says why.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {name!r}: expected auto, cpu or cuda")
    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if name == "auto":
        return torch.device("cpu")
    reason = (
        f"torch {torch.__version__} was built without CUDA"
        if torch.version.cuda is None
        else "torch sees no NVIDIA device; check the driver with nvidia-smi"
    )
    raise ModelError(f"device cuda cannot be used for training: {reason}")


def mixed_precision(device: torch.device, *, wanted: bool) -> contextlib.AbstractContextManager:  # type: ignore[type-arg]
    """Autocast to bfloat16, which needs no loss scaling; nothing where it is not wanted."""
    if not wanted:
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
