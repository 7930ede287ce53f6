"""What `--reid` names: a network, the colour descriptor, or nothing."""

from __future__ import annotations

from pathlib import Path

from sightline.inference import Device, file_sha256
from sightline.reid.colour import ColourEmbedder
from sightline.reid.embedder import Embedder
from sightline.reid.weights import find_weights

__all__ = ["embedder_name", "open_embedder"]


def open_embedder(
    choice: str, device: Device = "auto", *, threads: int = 0
) -> Embedder | ColourEmbedder | None:
    """The embedder that a choice names.

    Args:
        choice: `off`, `colour`, `sightline-reid`, or an ONNX file.
        device: Where a network runs.
        threads: CPU threads of a network; 0 for all cores that the process may use.

    Returns:
        The embedder, or None for `off`.

    Raises:
        ModelError: The network cannot be found, loaded or used.
    """
    if choice == "off":
        return None
    if choice == "colour":
        return ColourEmbedder()
    return Embedder(choice, device, threads=threads)


def embedder_name(choice: str) -> str:
    """What stored vectors are marked with: those of two networks cannot be compared.

    Args:
        choice: As for `open_embedder`.

    Returns:
        The network's name and the first digits of its file's SHA-256, `sightline-reid@6e1f…`;
        `colour` as it stands; an empty text for `off`.

    Raises:
        ModelError: The network cannot be found.
    """
    if choice in ("off", "colour"):
        return "" if choice == "off" else choice
    return f"{Path(choice).stem}@{file_sha256(find_weights(choice))[:12]}"
