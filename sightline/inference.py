"""ONNX Runtime sessions: the one place that creates them and chooses where they run.

`auto` takes the fastest device that can be used: TensorRT if its libraries load and an engine
for this network is cached, else CUDA, else the CPU. A device that is asked for by name is
strict: ONNX Runtime itself would go on with the CPU and at most log a line, so what a session
runs on is compared with what was asked, and a difference is a `ModelError` with the reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import onnxruntime
import platformdirs

from sightline.errors import InputError, ModelError

__all__ = [
    "Device",
    "DeviceReport",
    "Session",
    "TensorInfo",
    "available_cores",
    "device_reports",
    "file_sha256",
]

Device = Literal["auto", "cpu", "cuda", "tensorrt"]

_PROVIDERS: dict[str, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_LOG_FATAL = 4  # what matters of ONNX Runtime's log is raised as ModelError


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a network.

    Args:
        name: Its name in the graph.
        shape: A number a dimension, None where the dimension is free.
        dtype: Its NumPy dtype, or None for what is no plain tensor of numbers.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any] | None

    def __str__(self) -> str:
        sides = ", ".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} ({sides}) {self.dtype or 'not a tensor'}"


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Whether a device can be used here.

    Args:
        device: `tensorrt`, `cuda` or `cpu`.
        usable: Whether its provider and the libraries that it needs load.
        reason: Why it cannot be used and what to do; empty where it can.
    """

    device: str
    usable: bool
    reason: str = ""


class Session:
    """A network that is loaded and ready to run.

    Not for two threads at a time with the same output buffers; ONNX Runtime itself may be
    called from several.

    Args:
        model: An ONNX file (external data lies beside it), or the bytes of one.
        device: Where to run; every value but `auto` is strict.
        threads: CPU threads for one run; 0 means the cores that this process may use.

    Attributes:
        inputs: What the network takes.
        optional_inputs: What it takes besides and has default values for.
        outputs: What it returns, in the graph's order.
        metadata: The file's own metadata.
        device: Where it really runs: `cpu`, `cuda` or `tensorrt`.
        reports: For `auto`, why no better device was taken.

    Raises:
        InputError: The device's name or the number of threads is no such thing.
        ModelError: The file is missing or no ONNX network, or the device cannot be used.
    """

    def __init__(self, model: Path | bytes, device: Device = "auto", threads: int = 0) -> None:
        if device not in get_args(Device):
            raise InputError(f"device {device!r}: expected one of {', '.join(get_args(Device))}")
        if threads < 0:
            raise InputError(f"threads: expected 0 (all cores) or more, got {threads}")
        self.name = str(model) if isinstance(model, Path) else "the network"
        if isinstance(model, Path) and not model.is_file():
            raise ModelError(f"{model}: no such file; expected an ONNX network")
        self.threads = threads or available_cores()
        self.reports = device_reports() if device != "cpu" else ()
        self.device = _choose(device, self.reports, model)
        self._session = _create(model, self.name, self.device, self.threads)
        self.inputs = tuple(_tensor_info(node) for node in self._session.get_inputs())
        self.optional_inputs = tuple(
            _tensor_info(node) for node in self._session.get_overridable_initializers()
        )
        self.outputs = tuple(_tensor_info(node) for node in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._output_names = [output.name for output in self.outputs]

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the network once.

        Args:
            feed: A C-contiguous array for each input, by name; optional inputs may be left out.

        Returns:
            The outputs, in the graph's order.

        Raises:
            ModelError: The arrays do not fit the network, or the device failed.
        """
        try:
            outputs: list[npt.NDArray[Any]] = self._session.run(self._output_names, dict(feed))
        except Exception as error:  # ONNX Runtime's own classes have no common base
            raise ModelError(f"{self.name}: the network failed: {_first_line(error)}") from error
        return outputs

    def describe(self) -> dict[str, Any]:
        """What runs where, for reports and health pages; plain JSON values."""
        return {
            "model": self.name,
            "device": self.device,
            "providers": list(self._session.get_providers()),
            "threads": self.threads,
            "onnxruntime": onnxruntime.__version__,
            "inputs": [str(tensor) for tensor in self.inputs],
            "outputs": [str(tensor) for tensor in self.outputs],
            "unusable_devices": {
                report.device: report.reason for report in self.reports if not report.usable
            },
        }


def available_cores() -> int:
    """The CPU cores that this process may use: its affinity, cut by the container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.ceil(min(cores or 1, _container_quota())))


def device_reports() -> tuple[DeviceReport, ...]:
    """Every device, best first, and why it cannot be used where it cannot.

    Loads the providers' libraries to see: `onnxruntime.get_available_providers()` only says
    what the package was built with.
    """
    return (
        _report_gpu("tensorrt"),
        _report_gpu("cuda"),
        DeviceReport("cpu", usable=True),
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in lower-case hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _choose(device: Device, reports: Sequence[DeviceReport], model: Path | bytes) -> str:
    if device == "cpu":
        return device
    if device != "auto":
        report = next(report for report in reports if report.device == device)
        if not report.usable:
            raise ModelError(f"device {device} cannot be used: {report.reason}")
        return device
    for report in reports:
        # Building an engine takes minutes, so that is done only on request.
        engine_missing = report.device == "tensorrt" and report.usable and not _engines(model)
        if report.usable and not engine_missing:
            return report.device
    raise AssertionError("the CPU can always be used")


def _create(
    model: Path | bytes, name: str, device: str, threads: int
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_FATAL
    # Threads that spin between runs take the cores from decoding and tracking.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [_PROVIDERS["cpu"]]
    if device == "cuda":
        providers = [_PROVIDERS["cuda"], *providers]
    elif device == "tensorrt":
        folder = _engine_folder(model)
        folder.mkdir(parents=True, exist_ok=True)
        cache = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(folder)}
        providers = [(_PROVIDERS["tensorrt"], cache), _PROVIDERS["cuda"], *providers]
    source = str(model) if isinstance(model, Path) else model
    try:
        with warnings.catch_warnings():  # what they say is checked below
            warnings.simplefilter("ignore")
            session = onnxruntime.InferenceSession(
                source, options, providers=providers, enable_fallback=0
            )
    except Exception as error:  # ONNX Runtime's own classes have no common base
        reason = _first_line(error)
        if device == "cpu":
            raise ModelError(f"{name}: not an ONNX network that can be loaded: {reason}") from error
        raise ModelError(f"{name}: could not be loaded on {device}: {reason}") from error
    if _PROVIDERS[device] not in session.get_providers():
        raise ModelError(
            f"{name}: asked to run on {device}, but ONNX Runtime gave "
            f"{', '.join(session.get_providers())}; see `sightline doctor`, or use device cpu"
        )
    return session


def _report_gpu(device: str) -> DeviceReport:
    if _PROVIDERS[device] not in onnxruntime.get_available_providers():
        return DeviceReport(
            device,
            usable=False,
            reason=f"this onnxruntime {onnxruntime.__version__} is built without it; "
            "`pip uninstall onnxruntime`, then install sightline[gpu]",
        )
    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses
            onnxruntime.preload_dlls()
    folder = Path(onnxruntime.__file__).parent / "capi"
    if os.name == "posix":
        try:
            ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
            ctypes.CDLL(str(folder / f"libonnxruntime_providers_{device}.so"))
        except OSError as error:
            return DeviceReport(
                device,
                usable=False,
                reason=f"a library does not load: {error}; install the CUDA libraries that "
                f"onnxruntime-gpu {onnxruntime.__version__} needs",
            )
        if not _nvidia_device_present():
            return DeviceReport(
                device,
                usable=False,
                reason="no NVIDIA device is visible (no /dev/nvidia0); check the driver, and "
                "that the container was started with its GPUs",
            )
    return DeviceReport(device, usable=True)


def _nvidia_device_present() -> bool:
    # WSL 2 shows GPUs as /dev/dxg.
    return Path("/dev/dxg").exists() or any(Path("/dev").glob("nvidia[0-9]*"))


def _engines(model: Path | bytes) -> list[Path]:
    return list(_engine_folder(model).glob("*.engine"))


def _engine_folder(model: Path | bytes) -> Path:
    """Where TensorRT's engines of this very network lie."""
    digest = file_sha256(model) if isinstance(model, Path) else hashlib.sha256(model).hexdigest()
    return platformdirs.user_cache_path("sightline") / "tensorrt" / digest[:16]


def _container_quota() -> float:
    """Cores that the control group grants (cgroup v2, then v1); infinite where unlimited."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        folder = Path("/sys/fs/cgroup/cpu")
        limit = int((folder / "cpu.cfs_quota_us").read_text())
        return limit / int((folder / "cpu.cfs_period_us").read_text()) if limit > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


def _tensor_info(node: Any) -> TensorInfo:
    dtype = _DTYPES.get(node.type)
    shape = tuple(side if isinstance(side, int) else None for side in node.shape or ())
    return TensorInfo(node.name, shape, None if dtype is None else np.dtype(dtype))


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from F failed:…" says it last.
    return line.split(" : ", 3)[-1] if line.startswith("[ONNXRuntimeError]") else line
