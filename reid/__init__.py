"""Re-identification: vectors that tell people apart by their looks."""

from __future__ import annotations

from sightline.reid.choices import open_embedder
from sightline.reid.colour import ColourEmbedder
from sightline.reid.embedder import Embedder
from sightline.reid.selection import Selection, embed_detections

__all__ = ["ColourEmbedder", "Embedder", "Selection", "embed_detections", "open_embedder"]
