"""One person, many cameras: tracks of different cameras joined to identities that hold for all.

A track that ends at one camera and a track that begins at another are one person's if they look
alike, if the time between them is one in which people walk there, and if the one ended and the
other began where the way leads. Cameras need no calibration; they need clocks that agree.
"""

from __future__ import annotations

from sightline.cross_camera.association import Link, associate
from sightline.cross_camera.chains import chain_identities
from sightline.cross_camera.evidence import Evidence
from sightline.cross_camera.learning import Learning, Learnt, calibrate_looks, learn_passages
from sightline.cross_camera.passages import Passage, Passages
from sightline.cross_camera.sightings import Sighting

__all__ = [
    "Evidence",
    "Learning",
    "Learnt",
    "Link",
    "Passage",
    "Passages",
    "Sighting",
    "associate",
    "calibrate_looks",
    "chain_identities",
    "learn_passages",
]
