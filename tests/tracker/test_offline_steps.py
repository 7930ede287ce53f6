from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.errors import ConfigError
from sightline.tracker.offline import STEPS, Step, Timeline, TrackTable, parse_steps, postprocess


def two_tracklets() -> TrackTable:
    frames = np.array([0, 1, 2, 3, 6, 7, 8, 9, 12, 13])
    ids = np.array([1, 1, 1, 1, 1, 1, 1, 1, 2, 2])
    left = 2.0 * frames
    boxes = np.column_stack([left, np.zeros(10), left + 20, np.full(10, 50)])
    return TrackTable(frames, frames / 30, ids, boxes, np.ones(10), np.zeros(10))


def test_a_line_of_steps_is_read_in_order() -> None:
    steps = parse_steps(" link, linear:max_gap=2 ,rts:noise=0.1:acceleration=3")
    assert steps == (
        Step("link"),
        Step("linear", {"max_gap": 2.0}),
        Step("rts", {"noise": 0.1, "acceleration": 3.0}),
    )
    assert parse_steps(",".join(map(str, steps))) == steps
    assert parse_steps("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smooth", "unknown offline step 'smooth'; known are link, linear, gp, rts"),
        ("linear:gap=3", "no parameter 'gap'; it has max_gap"),
        ("linear:max_gap", "not NAME=NUMBER"),
        ("linear:max_gap=soon", "not NAME=NUMBER"),
        ("linear:max_gap=-1", "expected 0 to 60 s"),
        ("linear:max_gap=nan", "expected 0 to 60 s"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_steps(text)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_has_defaults_within_its_ranges(name: str) -> None:
    for parameter in STEPS[name].parameters.values():
        assert isinstance(parameter.default, float)
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.description.endswith(".")


@pytest.mark.parametrize("name", STEPS)
def test_every_step_takes_an_empty_table(name: str) -> None:
    assert len(postprocess(TrackTable.empty(), name)) == 0


@pytest.mark.parametrize("name", STEPS)
def test_every_step_keeps_the_observed_rows_and_the_input(name: str) -> None:
    table = two_tracklets()
    before = table.boxes.copy(), table.ids.copy()
    result = postprocess(table, name)
    assert result.observed.sum() == len(table)
    assert set(result.frames) >= set(table.frames)
    np.testing.assert_array_equal(table.boxes, before[0])
    np.testing.assert_array_equal(table.ids, before[1])


@pytest.mark.parametrize("name", STEPS)
def test_every_step_gives_the_same_whatever_the_order_of_rows(name: str) -> None:
    table = two_tracklets()
    shuffled = table[np.random.default_rng(0).permutation(len(table))]
    first, second = postprocess(table, name), postprocess(shuffled, name)
    np.testing.assert_array_equal(first.ids, second.ids)
    np.testing.assert_allclose(first.boxes, second.boxes, rtol=0, atol=1e-9)


def test_no_steps_give_the_table_ordered_by_frame() -> None:
    table = two_tracklets()
    assert postprocess(table[::-1], "").frames.tolist() == table.frames.tolist()


def test_link_then_fill_closes_both_kinds_of_gap() -> None:
    result = postprocess(two_tracklets(), "link,linear,rts")
    assert set(result.ids) == {1}
    assert result.frames.tolist() == list(range(14))


def test_finished_tracks_of_mot17_gain_from_every_step(shared: Path) -> None:
    """BoostTrack++'s own published result on the second half of MOT17-09, recorded at 30 fps."""
    import zipfile

    from sightline.eval import combine, evaluate_sequence
    from sightline.formats.mot import MotRows, read_mot

    archive = zipfile.ZipFile(shared / "data/reference/trackeval-mot17-val-half.zip")
    with archive.open("boosttrack/data/MOT17-09-FRCNN.txt") as text:
        rows = read_mot(text)
    truth = read_mot(shared / "data/mot17/train/MOT17-09-SDP/gt/gt.txt")
    before = 525 // 2 + 1
    corners = rows.ltwh[:, :2] - 1
    online = TrackTable(
        rows.frames + before - 1,
        (rows.frames - 1) / 30,
        rows.ids,
        np.column_stack([corners, corners + rows.ltwh[:, 2:]]),
        rows.confidences,
        np.zeros(len(rows)),
    )
    timeline = Timeline(np.arange(before, 525), np.arange(525 - before) / 30)

    def hota(steps: str) -> float:
        table = postprocess(online, steps, timeline)
        boxes = table.boxes
        result = MotRows(
            table.frames + 1,
            table.ids,
            np.column_stack([boxes[:, :2] + 1, boxes[:, 2:] - boxes[:, :2]]),
            table.scores,
            np.full(len(table), -1),
            np.full(len(table), -1.0),
        )
        counts = evaluate_sequence(truth, result, protocol="mot17", frames=(before + 1, 525))
        return float(combine([counts])["HOTA"])

    scores = [hota(steps) for steps in ("", "linear", "linear,rts")]
    assert scores == sorted(scores)
    assert scores[-1] - scores[0] > 0.01
    assert hota("linear,gp") > scores[0]


def test_the_guide_names_every_step_and_default() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "offline.md").read_text()
    for name, kind in STEPS.items():
        row = next(line for line in guide.splitlines() if line.startswith(f"| `{name}` |"))
        for key, parameter in kind.parameters.items():
            assert f"`{key}={parameter.default:g}`" in row
