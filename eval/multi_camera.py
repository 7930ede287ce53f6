"""Identity across cameras: IDF1 over all cameras' boxes, whose identities hold for all of them.

The AI City Challenge ranks multi-camera tracking by it (Naphade et al., "The 5th AI City
Challenge", 2021; "CityFlow", Tang et al., 2019): IDF1 of Ristani et al., 2016, where one assignment
of identities to ground-truth identities holds in every camera. The cameras' frames are laid one
behind the other, so that a box can only match boxes of its own camera and frame; what is scored
then is one long sequence. CityFlow's ground truth names only what two cameras or more see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.eval.counts import SequenceCounts
from sightline.eval.protocols import Protocol
from sightline.eval.sequence import evaluate_sequence
from sightline.formats.mot import MotRows

__all__ = ["CameraRows", "MultiCameraCounts", "evaluate_cameras", "lay_end_to_end"]


@dataclass(frozen=True, slots=True, eq=False)
class CameraRows:
    """One camera's boxes.

    Args:
        truth: Ground truth; an identity has the same number in every camera.
        result: What is scored; the same holds for its numbers among themselves.
        frames: First and last frame that is scored.
    """

    truth: MotRows
    result: MotRows
    frames: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class MultiCameraCounts:
    """Counts over all cameras, and of each by itself.

    Args:
        together: Of all boxes, an identity being one in all cameras.
        cameras: Of each camera alone: what is lost there is no matter of joining.
    """

    together: SequenceCounts
    cameras: Mapping[str, SequenceCounts]


def evaluate_cameras(
    cameras: Mapping[str, CameraRows], protocol: str | Protocol = "plain", *, least_cameras: int = 1
) -> MultiCameraCounts:
    """Count what identity scores need.

    Args:
        cameras: Boxes by the name of the camera.
        protocol: Which ground truth is scored, and what is forgiven.
        least_cameras: Identities with boxes in fewer cameras are left out, of both sides; 2 is
            what CityFlow's ground truth holds.

    Raises:
        ConfigError: There is no protocol of that name.
        InputError: There is no camera, or an identity stands twice in a frame of one.
    """
    if not cameras:
        raise InputError("there is no camera to score")
    if least_cameras > 1:
        kept_truth = _seen_by({name: rows.truth for name, rows in cameras.items()}, least_cameras)
        kept = _seen_by({name: rows.result for name, rows in cameras.items()}, least_cameras)
        cameras = {
            name: CameraRows(
                rows.truth[np.isin(rows.truth.ids, kept_truth)],
                rows.result[np.isin(rows.result.ids, kept)],
                rows.frames,
            )
            for name, rows in cameras.items()
        }
    alone = {}
    for name, rows in cameras.items():
        try:
            alone[name] = evaluate_sequence(
                rows.truth, rows.result, protocol=protocol, frames=rows.frames
            )
        except InputError as error:
            raise InputError(f"camera {name}: {error}") from error
    joined = lay_end_to_end(cameras)
    together = evaluate_sequence(
        joined.truth, joined.result, protocol=protocol, frames=joined.frames
    )
    return MultiCameraCounts(together, alone)


def lay_end_to_end(cameras: Mapping[str, CameraRows]) -> CameraRows:
    """All cameras as one sequence, from frame 1: each one's frames behind those of the one before.

    Example:
        >>> from sightline.formats.mot import parse_mot
        >>> one = parse_mot(b"5,1,0,0,9,9")
        >>> lay_end_to_end(
        ...     {"a": CameraRows(one, one, (1, 6)), "b": CameraRows(one, one, (5, 6))}
        ... ).truth.frames
        array([5, 7])
    """
    truths: list[MotRows] = []
    results: list[MotRows] = []
    shift = 0
    for rows in cameras.values():
        first, last = rows.frames
        for parts, side in ((truths, rows.truth), (results, rows.result)):
            inside = side[(side.frames >= first) & (side.frames <= last)]
            parts.append(replace(inside, frames=inside.frames - first + 1 + shift))
        shift += last - first + 1
    return CameraRows(_concatenate(truths), _concatenate(results), (1, shift))


def _seen_by(sides: Mapping[str, MotRows], least: int) -> npt.NDArray[np.int64]:
    ids = np.concatenate([np.unique(rows.ids) for rows in sides.values()])
    names, counts = np.unique(ids, return_counts=True)
    return names[counts >= least]


def _concatenate(parts: list[MotRows]) -> MotRows:
    return MotRows(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.ltwh for part in parts]),
        np.concatenate([part.confidences for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.visibilities for part in parts]),
    )
