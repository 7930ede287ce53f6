"""Checkpoints: files that are whole or not there, whenever the process is killed."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from sightline.errors import InputError, ModelError

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; one that was there before stays until the new one is complete.

    Args:
        path: The file.
        state: Tensors, numbers, strings, and lists and dictionaries of them.

    Raises:
        InputError: It cannot be written (full disk, no right); the old file is untouched.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{path}: the checkpoint could not be written: {error}") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; no code in the file is run.

    Raises:
        ModelError: There is none, or it is damaged or no checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such checkpoint") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a checkpoint that can be read: {reason}") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: not a checkpoint of a training")
    return state
