r"""Evaluation: arrays once, scores many.

    >>> import io
    >>> from sightline.eval import combine, evaluate_sequence
    >>> from sightline.formats.mot import read_mot
    >>> truth = read_mot(io.BytesIO(b"1,1,10,10,20,40,1,1,1\n2,1,12,10,20,40,1,1,1\n"))
    >>> result = read_mot(io.BytesIO(b"1,7,10,10,20,40,1\n2,8,12,10,20,40,1\n"))
    >>> counts = evaluate_sequence(truth, result, protocol="mot17")
    >>> scores = combine([counts])
    >>> scores["TP"], scores["IDSW"], scores["MOTA"], round(scores["HOTA"], 3)
    (2, 1, 0.5, 0.707)

`evaluate_sequence(ground_truth, result, protocol=…, frames=(first, last))` takes two `MotRows`
and returns additive `SequenceCounts`; `combine` turns those of one or many sequences into scores
by TrackEval's field names.
"""

from __future__ import annotations

from sightline.eval.counts import SequenceCounts, combine
from sightline.eval.protocols import PROTOCOLS, Protocol, get_protocol
from sightline.eval.sequence import evaluate_sequence

__all__ = [
    "PROTOCOLS",
    "Protocol",
    "SequenceCounts",
    "combine",
    "evaluate_sequence",
    "get_protocol",
]
