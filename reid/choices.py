"""What `--reid` names: a network, the colour descriptor, or nothing."""

from __future__ import annotations

from sightline.inference import Device
from sightline.reid.colour import ColourEmbedder
from sightline.reid.embedder import Embedder

__all__ = ["open_embedder"]


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
