"""Runs with inputs in a device's own memory, which is used again from run to run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
import onnxruntime

__all__ = ["BoundRuns"]

_KEPT = 16  # buffers; frames of many shapes must not fill the device
_SMALL = 1024  # bytes; thresholds and the like stay with the host

Key = tuple[str, tuple[int, ...], str]


class BoundRuns:
    """Hands a session its inputs by device buffers.

    An array is copied once, into a buffer of its shape from the run before, and only results
    come back. Serves one thread.

    Args:
        session: The session.
        outputs: Names of the outputs.
        device: Where the buffers lie: `cuda`, or `cpu`.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, outputs: Sequence[str], device: str
    ) -> None:
        self._session = session
        self._outputs = outputs
        self._device = device
        self._buffers: OrderedDict[Key, onnxruntime.OrtValue] = OrderedDict()

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs, in the session's order; see `Session.run`."""
        binding = self._session.io_binding()
        for name, array in feed.items():
            if array.nbytes <= _SMALL:
                binding.bind_cpu_input(name, array)
            else:
                binding.bind_ortvalue_input(name, self._buffer(name, array))
        for name in self._outputs:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        found: list[npt.NDArray[Any]] = binding.copy_outputs_to_cpu()
        return found

    def _buffer(self, name: str, array: npt.NDArray[Any]) -> onnxruntime.OrtValue:
        key = (name, array.shape, array.dtype.str)
        if key in self._buffers:
            self._buffers.move_to_end(key)
            self._buffers[key].update_inplace(array)
        else:
            self._buffers[key] = onnxruntime.OrtValue.ortvalue_from_numpy(array, self._device, 0)
            while len(self._buffers) > _KEPT:
                self._buffers.popitem(last=False)
        return self._buffers[key]
