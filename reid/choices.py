"""What `--reid` names: a network, the colour descriptor, or nothing; what it asks of a tracker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sightline.inference import Device, file_sha256
from sightline.reid.colour import ColourEmbedder
from sightline.reid.embedder import Embedder
from sightline.reid.weights import find_weights

__all__ = ["appearance_parameters", "embedder_name", "open_embedder", "uses_looks"]

_LOOKS = ("appearance_weight", "reidentify_limit", "cascade_limit")


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


def appearance_parameters(
    choice: str, embedder: Embedder | ColourEmbedder | None
) -> dict[str, float | str]:
    """Parameters of the tracker that belong to an embedder.

    Args:
        choice: As for `open_embedder`.
        embedder: What it opened.
    """
    if embedder is None:
        return {}
    trust = "veto" if choice == "colour" else "full"
    return {"appearance_limit": embedder.match_distance, "appearance_trust": trust}


def uses_looks(parameters: Mapping[str, float | str]) -> bool:
    """Whether a tracker with these parameters makes use of embeddings at all."""
    return any(parameters[name] for name in _LOOKS)
