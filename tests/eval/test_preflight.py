"""Absurd input is recognised, with file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.eval.comparison import pair_sequences
from sightline.eval.dataset import TextFile, TrackerResults, TruthSequence
from sightline.eval.preflight import Finding, check_sequence, load_text
from sightline.eval.protocols import get_protocol
from sightline.formats.mot import SequenceInfo

FRAMES = 30


def _truth() -> str:
    lines = []
    for frame in range(1, FRAMES + 1):
        for identity in range(1, 6):
            left, top = 150 * identity + 2 * frame, 200 + 10 * identity
            lines.append(f"{frame},{identity},{left},{top},40,90,1,1,1\n")
    return "".join(lines)


def _result() -> str:
    return _truth().replace(",1,1,1\n", ",0.9,-1,-1,-1\n")


def _mapped(change: str) -> str:
    """The result with every row's boxes changed."""
    lines = []
    for line in _result().splitlines():
        frame, identity, *box = line.split(",")
        left, top, width, height = (float(value) for value in box[:4])
        values: tuple[float, ...] = {
            "normalised": (left / 1920, top / 1080, width / 1920, height / 1080),
            "doubled": (2 * left, 2 * top, 2 * width, 2 * height),
            "halved": (left / 2, top / 2, width / 2, height / 2),
            "xyxy": (left, top, left + width, top + height),
            "centre": (left + width / 2, top + height / 2, width, height),
            "flat": (left, top, 0, height),
        }[change]
        numbers = ",".join(f"{value:.4f}" for value in values)
        lines.append(f"{frame},{identity},{numbers},0.9,-1,-1,-1\n")
    return "".join(lines)


def _findings(
    result: str, truth: str | None = None, protocol: str = "mot17", length: int = FRAMES
) -> list[Finding]:
    truth_text, first = load_text("gt.txt", (truth or _truth()).encode())
    result_text, second = load_text("result.txt", result.encode())
    info = SequenceInfo("S", length, 30, 1920, 1080) if length else None
    checked = check_sequence(truth_text, result_text, get_protocol(protocol), (1, FRAMES), info)
    return [*first, *second, *checked]


def _only(findings: list[Finding], rule: str) -> Finding:
    assert [finding.rule for finding in findings] == [rule], [str(f) for f in findings]
    return findings[0]


def test_a_sound_pair_has_no_findings() -> None:
    assert _findings(_result()) == []


@pytest.mark.parametrize("change", ["normalised", "doubled", "halved", "xyxy", "centre"])
def test_coordinates_in_another_convention_are_fatal(change: str) -> None:
    finding = _only(_findings(_mapped(change)), change)
    assert finding.fatal
    assert str(finding).startswith("result.txt:1: ")


def test_a_poor_but_honest_result_is_not_taken_for_a_convention() -> None:
    random = np.random.default_rng(0)
    lines = [
        f"{frame},{identity},{random.integers(1800)},{random.integers(900)},40,90,1,-1,-1,-1\n"
        for frame in range(1, FRAMES + 1)
        for identity in range(1, 6)
    ]
    assert _findings("".join(lines)) == []


def test_frames_from_zero_are_fatal() -> None:
    lines = [line.split(",", 1) for line in _result().splitlines(keepends=True)]
    shifted = "".join(f"{int(frame) - 1},{rest}" for frame, rest in lines)
    finding = _only(_findings(shifted), "frame-from-zero")
    assert (finding.fatal, finding.line) == (True, 1)
    assert "add 1" in finding.message


def test_frames_past_the_end_are_fatal() -> None:
    finding = _only(_findings(_result() + "31,1,10,10,40,90,1,-1,-1,-1\n"), "frame-number")
    assert (finding.fatal, finding.line) == (True, 5 * FRAMES + 1)


def test_an_id_twice_in_a_frame_is_fatal_and_names_both_lines() -> None:
    finding = _only(_findings(_result() + "3,2,900,10,40,90,1,-1,-1,-1\n"), "duplicate-id")
    assert (finding.fatal, finding.line) == (True, 5 * FRAMES + 1)
    assert "id 2 stands twice in frame 3 (first on line 12)" in finding.message


@pytest.mark.parametrize(
    ("truth", "result", "protocol", "file"),
    [
        (_truth().replace(",1,1,1\n", ",1,77,1\n"), _result(), "mot17", "gt.txt"),
        (_truth().replace(",1,1,1\n", ",1,3,1\n"), _result(), "mot17", "gt.txt"),
        (_truth().replace(",1,1,1\n", ",1,-1,-1\n"), _result(), "mot17", "gt.txt"),
        (_truth(), _result().replace(",-1,-1,-1\n", ",2,-1,-1\n"), "mot17", "result.txt"),
    ],
)
def test_a_wrong_class_column_is_fatal(truth: str, result: str, protocol: str, file: str) -> None:
    finding = _only(_findings(result, truth, protocol), "class-column")
    assert (finding.fatal, finding.file) == (True, file)


def test_classes_do_not_matter_where_the_protocol_has_none() -> None:
    assert _findings(_result(), _truth().replace(",1,1,1\n", ",1,-1,-1\n"), "mot15") == []


def test_detections_in_place_of_tracks_are_fatal() -> None:
    text = "".join(f"{frame},-1,10,10,40,90,0.5\n" for frame in range(1, FRAMES + 1))
    finding = _only(_findings(text), "no-identity")
    assert (finding.fatal, finding.line) == (True, 1)


def test_crlf_and_blank_lines_warn_and_go_on() -> None:
    finding = _only(_findings(_result().replace("\n", "\r\n")), "crlf")
    assert not finding.fatal
    finding = _only(_findings(_result() + "\n\n" + "30,9,10,10,40,90,1,-1,-1,-1\n"), "blank-line")
    assert (finding.fatal, finding.line) == (False, 5 * FRAMES + 1)


def test_nan_is_fatal_and_names_its_line() -> None:
    finding = _only(
        [f for f in _findings(_result() + "30,9,nan,10,40,90,1,-1,-1,-1\n") if f.fatal],
        "not-numbers",
    )
    assert (finding.file, finding.line) == ("result.txt", 5 * FRAMES + 1)


def test_an_empty_result_warns_and_an_empty_ground_truth_is_fatal() -> None:
    assert not _only(_findings(""), "empty").fatal
    findings = _findings(_result(), " ")
    assert [finding.rule for finding in findings if finding.fatal] == ["empty"]


def test_boxes_without_size_warn_and_are_fatal_if_all_are() -> None:
    finding = _only(_findings(_result() + "30,9,10,10,0,90,1,-1,-1,-1\n"), "empty-box")
    assert not finding.fatal
    assert _only(_findings(_mapped("flat")), "empty-box").fatal


def _paired(truths: list[str], results: list[str]) -> list[Finding]:
    files = {name: TextFile(Path(f"{name}.txt")) for name in results}
    sequences = [TruthSequence(name, TextFile(Path(name))) for name in truths]
    return pair_sequences(sequences, [TrackerResults("T", files)])[1]


def test_a_missing_sequence_is_fatal_and_an_extra_one_warns() -> None:
    finding = _only(_paired(["A", "B"], ["A"]), "missing-sequence")
    assert finding.fatal
    assert "no result of sequence B" in finding.message
    finding = _only(_paired(["A"], ["A", "C"]), "extra-sequence")
    assert not finding.fatal


def test_a_result_of_one_detector_needs_that_detector_of_every_video() -> None:
    truths = ["MOT17-02-SDP", "MOT17-04-SDP"]
    assert _paired(truths, ["MOT17-02-FRCNN", "MOT17-04-FRCNN"]) == []
    assert _paired(truths, ["MOT17-02", "MOT17-04"]) == []
    finding = _only(
        _paired(truths, ["MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-02-DPM"]), "missing-sequence"
    )
    assert "MOT17-04-DPM" in finding.message
