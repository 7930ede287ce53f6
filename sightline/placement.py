"""Where the nodes of a network really ran, read from a profile that ONNX Runtime wrote.

`get_providers()` says which providers a session may use, not which one did the work: a node
that a provider does not know goes to the CPU without a word.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.errors import ModelError

__all__ = ["PROVIDERS", "ProviderShare", "check_placement", "read_profile"]

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""ONNX Runtime's provider of each device."""

_WORK = ("Conv", "Gemm", "MatMul", "TRTKernel")
_END = "_kernel_time"


@dataclass(frozen=True, slots=True)
class ProviderShare:
    """What one provider did in a run.

    Args:
        provider: Its name in ONNX Runtime.
        nodes: How many nodes ran on it.
        milliseconds: How long they took; on a GPU, to be handed over.
        work: How many of them do the network's work (convolutions, matrix products, engines),
            by operator.
    """

    provider: str
    nodes: int
    milliseconds: float
    work: Mapping[str, int] = field(default_factory=dict)


def read_profile(path: Path) -> tuple[ProviderShare, ...]:
    """The providers of a profile, the one with the most time first.

    Args:
        path: A profile of ONNX Runtime.
    """
    nodes: Counter[str] = Counter()
    microseconds: Counter[str] = Counter()
    work: defaultdict[str, Counter[str]] = defaultdict(Counter)
    events: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    for event in events:
        if event.get("cat") == "Node" and str(event.get("name")).endswith(_END):
            provider, operator = event["args"]["provider"], event["args"]["op_name"]
            nodes[provider] += 1
            microseconds[provider] += event["dur"]
            if any(word in operator for word in _WORK):
                work[provider][operator] += 1
    return tuple(
        ProviderShare(provider, nodes[provider], microseconds[provider] / 1e3, work[provider])
        for provider in sorted(nodes, key=microseconds.__getitem__, reverse=True)
    )


def check_placement(model: str, device: str, shares: Sequence[ProviderShare]) -> None:
    """Refuse a session whose work did not run where it was asked to.

    Shapes and suppression may run on the CPU; convolutions and matrix products may not. With
    TensorRT, what it does not take may run on CUDA, but not all of it.

    Args:
        model: The network's name in the message.
        device: `cpu`, `cuda` or `tensorrt`.
        shares: What a run of it showed.

    Raises:
        ModelError: Says what ran elsewhere.
    """
    by_provider = {share.provider: share for share in shares}
    own = by_provider.get(PROVIDERS[device])
    strayed = by_provider.get(PROVIDERS["cpu"]) if device != "cpu" else None
    if strayed is not None and strayed.work:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(strayed.work.items()))
        raise ModelError(
            f"{model}: runs on {device}, but a run showed {listed} on the CPU: the provider does "
            "not know them in this form (an INT8 file on a GPU is such a case); use the float32 "
            "file, or device cpu"
        )
    if own is None or not own.work:
        ran = ", ".join(f"{share.nodes} nodes on {share.provider}" for share in shares)
        raise ModelError(f"{model}: asked to run on {device}, but a run showed {ran or 'nothing'}")
