"""What the MOT reader accepts, and where it says a text is wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sightline.errors import InputError
from sightline.formats.mot import parse_mot, read_mot, row_lines

ROW = b"1,7,10.5,20,30,40,0.9,1,0.5\n"


@pytest.mark.parametrize(
    "text",
    [
        ROW,
        ROW.replace(b"\n", b"\r\n"),
        b"\n\n" + ROW + b"\n",
        b"  \n" + ROW + b" \t\r\n",
        ROW.replace(b"\n", b",\n"),
        ROW.replace(b",", b", "),
        ROW.strip(),
    ],
    ids=["plain", "crlf", "blank", "white", "comma", "spaces", "unended"],
)
def test_harmless_variants_give_the_same_row(text: bytes) -> None:
    rows = parse_mot(text)
    assert (rows.frames.tolist(), rows.ids.tolist()) == ([1], [7])
    assert rows.ltwh.tolist() == [[10.5, 20, 30, 40]]
    assert (rows.confidences.tolist(), rows.classes.tolist()) == ([0.9], [1])
    assert rows.visibilities.tolist() == [0.5]


def test_columns_that_are_missing_take_their_defaults() -> None:
    rows = parse_mot(b"1,7,1,2,3,4\n2,7,1,2,3,4\n")
    assert rows.confidences.tolist() == [1, 1]
    assert rows.classes.tolist() == [-1, -1]
    assert parse_mot(b"1,7,1,2,3,4,,,\n").confidences.tolist() == [1]


@pytest.mark.parametrize("text", [b"", b"\n \r\n"])
def test_an_empty_text_has_no_rows(text: bytes) -> None:
    assert len(read_mot(io.BytesIO(text))) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW + b"2,7,nan,20,30,40,1,1,1\n", "gt.txt:2: a value is missing or not finite"),
        (ROW + b"\n2,7,1,20,inf,40,1,1,1\n", "gt.txt:3: a value is missing or not finite"),
        (ROW + b"2,7,1,20,30,40,NaN,1,1\n", "gt.txt:2: a value is missing"),
        (ROW + b"2,,1,20,30,40,1,1,1\n", "gt.txt:2: a value is missing"),
        (ROW + b"2,7,1,20,abc,40,1,1,1\n", "gt.txt:2: 'abc' is not a number"),
        (ROW + b"2,7,1,20,30\n", "gt.txt:2: 5 columns where the first row has 9"),
        (ROW + b"2.5,7,1,20,30,40,1,1,1\n", "gt.txt:2: the frame or the id is not a whole"),
        (b"1,7,1,20,30\n", "at least 6 columns"),
        (b"1 7 1 20 30 40\n", "at least 6 columns"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_mot(text, "gt.txt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read: No such file"):
        read_mot(tmp_path / "none.txt")


def test_rows_know_their_lines() -> None:
    assert row_lines(b"\n" + ROW + b"  \n" + ROW).tolist() == [2, 4]
