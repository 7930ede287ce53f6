"""Absurd input, recognised before anything is scored.

Every finding names the file, the line where there is one, and the rule. Fatal ones are inputs
whose scores would mean nothing; the others are scored with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.eval.protocols import Protocol
from sightline.formats.mot import MotRows, SequenceInfo, parse_mot, row_lines
from sightline.geometry import iou_matrix

__all__ = ["Finding", "LoadedText", "check_sequence", "load_text"]

_SAMPLED_FRAMES = 20
_MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with an input.

    Args:
        rule: Short name of what is checked, such as `duplicate-id`.
        fatal: Whether scores would mean nothing.
        file: The file.
        line: The line from 1, or 0 where the whole file is meant.
        message: What is wrong and what to do.
    """

    rule: str
    fatal: bool
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedText:
    """A text and its rows.

    Args:
        file: What findings call it.
        data: The bytes.
        rows: The rows.
    """

    file: str
    data: bytes
    rows: MotRows

    def line(self, row: int) -> int:
        """Line in the text, from 1, of a row."""
        return int(row_lines(self.data)[row])


def load_text(file: str, data: bytes) -> tuple[LoadedText, list[Finding]]:
    """Read a text, with what is wrong with it as a text.

    A text that cannot be read has no rows and a fatal finding.
    """
    findings = []
    try:
        rows = parse_mot(data, file)
    except InputError as error:
        rows = parse_mot(b"")
        place, _, message = str(error).removeprefix(f"{file}:").partition(":")
        line = int(place) if place.strip().isdigit() else 0
        text = message.strip() if line else str(error).removeprefix(f"{file}:").strip()
        findings.append(Finding("not-numbers", True, file, line, text))
        return LoadedText(file, data, rows), findings
    if b"\r" in data:
        line = data[: data.index(b"\r")].count(b"\n") + 1
        findings.append(Finding("crlf", False, file, line, "lines end in CR LF; LF is the format"))
    if b"\n\n" in data or b"\n\r\n" in data or data[:1] in (b"\n", b"\r"):
        blank = next(n for n, text in enumerate(data.splitlines(), 1) if not text.strip())
        findings.append(Finding("blank-line", False, file, blank, "a blank line is passed over"))
    return LoadedText(file, data, rows), findings


def check_sequence(
    truth: LoadedText,
    result: LoadedText,
    protocol: Protocol,
    frames: tuple[int, int],
    info: SequenceInfo | None = None,
) -> list[Finding]:
    """Everything that is wrong with one sequence's ground truth and result.

    Args:
        truth: The ground truth.
        result: The tracker's text.
        protocol: What is going to be scored.
        frames: First and last frame that will be scored.
        info: What seqinfo.ini says, if it is there.
    """
    findings = [*_check_truth(truth, protocol), *_check_result(result, protocol)]
    for text in (truth, result):
        findings += _check_rows(text, info)
    if not any(finding.fatal for finding in findings) and len(truth.rows) and len(result.rows):
        findings += _check_frames(result, frames)
        findings += _check_geometry(truth, result, frames)
    return findings


def _check_truth(truth: LoadedText, protocol: Protocol) -> Iterator[Finding]:
    rows = truth.rows
    if not len(rows):
        yield Finding("empty", True, truth.file, 0, "the ground truth has no rows")
        return
    if protocol.scored_class is None:
        return
    if (rows.classes < 0).all():
        yield Finding(
            "class-column", True, truth.file, 1,
            f"column 8 holds no classes, which protocol {protocol.name} needs; "
            "choose --protocol mot15 or plain",
        )  # fmt: skip
        return
    unknown = ~np.isin(rows.classes, sorted(protocol.classes))
    if unknown.any():
        row = int(np.argmax(unknown))
        yield Finding(
            "class-column", True, truth.file, truth.line(row),
            f"class {rows.classes[row]} in column 8 is none of protocol {protocol.name}'s "
            f"({min(protocol.classes)}–{max(protocol.classes)})",
        )  # fmt: skip
    elif not (rows.classes == protocol.scored_class).any():
        yield Finding(
            "class-column", True, truth.file, 0,
            f"no row is of class {protocol.scored_class}, the only one that protocol "
            f"{protocol.name} scores",
        )  # fmt: skip


def _check_result(result: LoadedText, protocol: Protocol) -> Iterator[Finding]:
    rows = result.rows
    if not len(rows):
        yield Finding(
            "empty", False, result.file, 0, "the result has no rows; every object counts as missed"
        )
        return
    if (rows.ids < 0).any():
        row = int(np.argmax(rows.ids < 0))
        yield Finding(
            "no-identity", True, result.file, result.line(row),
            f"id {rows.ids[row]}: these are detections, not tracks; "
            "track them first (sightline bench)",
        )  # fmt: skip
    if protocol.scored_class is not None and (rows.classes > 1).any():
        row = int(np.argmax(rows.classes > 1))
        yield Finding(
            "class-column", True, result.file, result.line(row),
            f"class {rows.classes[row]} in column 8; a result holds pedestrians only "
            "(1, or -1 for none)",
        )  # fmt: skip


def _check_rows(text: LoadedText, info: SequenceInfo | None) -> Iterator[Finding]:
    rows = text.rows
    if not len(rows):
        return
    if rows.frames.min() < 1:
        row = int(np.argmin(rows.frames))
        yield Finding(
            "frame-from-zero", True, text.file, text.line(row),
            f"frame {rows.frames[row]}; MOT counts frames from 1: add {1 - rows.frames[row]} "
            "to every frame",
        )  # fmt: skip
    if info is not None and info.length and (rows.frames > info.length).any():
        row = int(np.argmax(rows.frames > info.length))
        yield Finding(
            "frame-number", True, text.file, text.line(row),
            f"frame {rows.frames[row]}, but seqinfo.ini says that the sequence has {info.length}",
        )  # fmt: skip
    duplicate = _first_duplicate(rows)
    if duplicate is not None:
        first, second = duplicate
        yield Finding(
            "duplicate-id", True, text.file, text.line(second),
            f"id {rows.ids[second]} stands twice in frame {rows.frames[second]} "
            f"(first on line {text.line(first)}); an id has one box a frame",
        )  # fmt: skip
    flat = (rows.ltwh[:, 2:] <= 0).any(axis=1)
    if flat.any():
        row = int(np.argmax(flat))
        share = "every box" if flat.all() else f"{np.count_nonzero(flat)} boxes"
        yield Finding(
            "empty-box", bool(flat.all()), text.file, text.line(row),
            f"{share} without width or height; they can match nothing",
        )  # fmt: skip


def _first_duplicate(rows: MotRows) -> tuple[int, int] | None:
    low_frame, low_id = int(rows.frames.min()), int(rows.ids.min())
    width = int(rows.ids.max()) - low_id + 1
    keys = (rows.frames - low_frame) * width + (rows.ids - low_id)
    if (np.diff(keys) > 0).all():
        return None
    order = np.argsort(keys, kind="stable")
    twice = np.flatnonzero(np.diff(keys[order]) == 0)
    if not len(twice):
        return None
    best = twice[np.argmin(order[twice + 1])]
    return int(order[best]), int(order[best + 1])


def _check_frames(result: LoadedText, frames: tuple[int, int]) -> Iterator[Finding]:
    first, last = frames
    inside = (result.rows.frames >= first) & (result.rows.frames <= last)
    if inside.any():
        return
    low, high = int(result.rows.frames.min()), int(result.rows.frames.max())
    hint = (
        "they seem to be renumbered from 1: add --renumbered"
        if first > 1 and high <= last - first + 1
        else "is this the right sequence and split?"
    )
    yield Finding(
        "frame-number", True, result.file, 0,
        f"its frames {low}–{high} all lie outside the scored frames {first}–{last}; {hint}",
    )  # fmt: skip


def _check_geometry(
    truth: LoadedText, result: LoadedText, frames: tuple[int, int]
) -> Iterator[Finding]:
    """Coordinates that fit the ground truth only after they are read in another way."""
    boxes = result.rows.ltwh
    if np.abs(boxes).max() <= 2 and np.abs(truth.rows.ltwh).max() > 20:
        yield Finding(
            "normalised", True, result.file, 1,
            "coordinates are normalised to 0…1; MOT has pixels: multiply by width and height",
        )  # fmt: skip
        return
    samples = _sampled(truth.rows, result.rows, frames)
    if not samples or _matched_share(samples, _as_given) >= 0.2:
        return
    for rule, reading, message in (
        ("xyxy", _as_corners, "columns 5 and 6 hold x2 and y2; MOT has width and height there"),
        ("doubled", _as_doubled, "coordinates are twice those of the ground truth"),
        ("halved", _as_halved, "coordinates are half those of the ground truth"),
        ("centre", _as_centre, "columns 3 and 4 hold the centre; MOT has left and top there"),
    ):
        share = _matched_share(samples, reading)
        if share >= 0.4:
            yield Finding(
                rule, True, result.file, 1,
                f"{message} ({100 * share:.0f} % of the boxes match if read that way, "
                f"{100 * _matched_share(samples, _as_given):.0f} % as they are)",
            )  # fmt: skip
            return


Boxes = npt.NDArray[np.float64]


def _sampled(truth: MotRows, result: MotRows, frames: tuple[int, int]) -> list[tuple[Boxes, Boxes]]:
    common = np.intersect1d(truth.frames, result.frames)
    common = common[(common >= frames[0]) & (common <= frames[1])]
    if not len(common):
        return []
    chosen = common[np.unique(np.linspace(0, len(common) - 1, _SAMPLED_FRAMES).astype(int))]
    return [
        (_as_given(truth.ltwh[truth.frames == frame]), result.ltwh[result.frames == frame])
        for frame in chosen
    ]


def _matched_share(samples: list[tuple[Boxes, Boxes]], reading: Callable[[Boxes], Boxes]) -> float:
    matched = total = 0
    for truth, given in samples:
        overlap = iou_matrix(reading(given), truth)
        matched += int((overlap.max(axis=1) >= _MATCH_IOU).sum())
        total += len(given)
    return matched / total


def _as_given(boxes: Boxes) -> Boxes:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + np.maximum(boxes[:, 2:], 0)], axis=1)


def _as_corners(boxes: Boxes) -> Boxes:
    return np.concatenate([boxes[:, :2], np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def _as_doubled(boxes: Boxes) -> Boxes:
    return _as_given(boxes / 2)


def _as_halved(boxes: Boxes) -> Boxes:
    return _as_given(boxes * 2)


def _as_centre(boxes: Boxes) -> Boxes:
    size = np.maximum(boxes[:, 2:], 0)
    return np.concatenate([boxes[:, :2] - size / 2, boxes[:, :2] + size / 2], axis=1)
