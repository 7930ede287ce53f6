"""ONNX Runtime sessions: the one place that creates them and chooses where they run.

`auto` takes the fastest device that can be used: TensorRT if its libraries load and an engine
for this network is cached, else CUDA, else the CPU. A device that is asked for by name is
strict: ONNX Runtime itself would go on with the CPU and at most log a line, so what a session
runs on is compared with what was asked, and a difference is a `ModelError` with the reason.
The first run on a GPU is profiled for that too, since a provider that was accepted may still
leave a network's nodes to the CPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import math
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import onnxruntime
import platformdirs

from sightline.binding import BoundRuns
from sightline.errors import InputError, ModelError
from sightline.placement import PROVIDERS, ProviderShare, check_placement, read_profile

__all__ = [
    "Device",
    "DeviceReport",
    "Session",
    "TensorInfo",
    "available_cores",
    "device_reports",
    "file_sha256",
    "int8_instructions",
    "tensorrt_shapes",
]

Device = Literal["auto", "cpu", "cuda", "tensorrt"]

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
        threads: CPU threads for one run; 0 means one a core that this process may use, two
            threads of one core counted once: they share the units that networks need.

    Attributes:
        inputs: What the network takes.
        optional_inputs: What it takes besides and has default values for.
        outputs: What it returns, in the graph's order.
        metadata: The file's own metadata.
        device: Where it really runs: `cpu`, `cuda` or `tensorrt`.
        reports: For `auto`, why no better device was taken.
        shares: On a GPU, after the first run, which provider ran how many nodes of it.

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
        self.threads = threads or available_cores(physical=True)
        self.reports = device_reports() if device != "cpu" else ()
        self.device = _choose(device, self.reports, model)
        self.shares: tuple[ProviderShare, ...] = ()
        self._session = _create(model, self.name, self.device, self.threads)
        self.inputs = tuple(_tensor_info(node) for node in self._session.get_inputs())
        self.optional_inputs = tuple(
            _tensor_info(node) for node in self._session.get_overridable_initializers()
        )
        self.outputs = tuple(_tensor_info(node) for node in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._output_names = [output.name for output in self.outputs]
        self._bound: BoundRuns | None = None
        if self.device != "cpu":
            self._bound = BoundRuns(self._session, self._output_names, "cuda")

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the network once.

        Args:
            feed: A C-contiguous array for each input, by name; optional inputs may be left out.

        Returns:
            The outputs, in the graph's order.

        Raises:
            ModelError: The arrays do not fit the network, the device failed, or the first run
                showed that the work is done elsewhere.
        """
        try:
            if self._bound is None:
                outputs: list[npt.NDArray[Any]] = self._session.run(self._output_names, dict(feed))
            else:
                outputs = self._bound.run(feed)
        except Exception as error:  # ONNX Runtime's own classes have no common base
            raise ModelError(f"{self.name}: the network failed: {_first_line(error)}") from error
        if self._bound is not None and not self.shares:
            profile = Path(self._session.end_profiling())
            self.shares = read_profile(profile)
            profile.unlink()
            check_placement(self.name, self.device, self.shares)
        return outputs

    def describe(self) -> dict[str, Any]:
        """What runs where, for reports and health pages; plain JSON values."""
        return {
            "model": self.name,
            "device": self.device,
            "providers": list(self._session.get_providers()),
            "nodes": {share.provider: share.nodes for share in self.shares},
            "threads": self.threads,
            "onnxruntime": onnxruntime.__version__,
            "inputs": [str(tensor) for tensor in self.inputs],
            "outputs": [str(tensor) for tensor in self.outputs],
            "unusable_devices": {
                report.device: report.reason for report in self.reports if not report.usable
            },
        }


def available_cores(*, physical: bool = False) -> int:
    """The CPU cores that this process may use: its affinity, cut by the container's quota.

    Args:
        physical: Count the hardware threads of a core once.
    """
    cores = (
        _affinity(physical=physical) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, math.ceil(min(cores, _container_quota())))


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


def int8_instructions() -> str | None:
    """The processor's instructions that make INT8 fast; empty where it has none.

    Returns:
        Such as `avx512_vnni`; None where the system does not say.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    known = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
    return ", ".join(name for name in known if name in text.split())


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
    providers: list[Any] = [PROVIDERS["cpu"]]
    if device != "cpu":
        providers = [PROVIDERS["cuda"], *providers]
        options.enable_profiling = True  # until the end of the first run
        options.profile_file_prefix = str(Path(tempfile.gettempdir()) / "sightline-profile")
    if device == "tensorrt":
        providers = [(PROVIDERS["tensorrt"], _tensorrt_options(model)), *providers]
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
    if PROVIDERS[device] not in session.get_providers():
        raise ModelError(
            f"{name}: asked to run on {device}, but ONNX Runtime gave "
            f"{', '.join(session.get_providers())}; see `sightline doctor`, or use device cpu"
        )
    return session


def _tensorrt_options(model: Path | bytes) -> dict[str, Any]:
    """Engines are kept, and built once for all sizes that are usual."""
    folder = _engine_folder(model)
    folder.mkdir(parents=True, exist_ok=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_FATAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = str(model) if isinstance(model, Path) else model
    plain = onnxruntime.InferenceSession(source, options, providers=[PROVIDERS["cpu"]])
    inputs = [_tensor_info(node) for node in plain.get_inputs()]
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder),
        **tensorrt_shapes(inputs),
    }


def tensorrt_shapes(inputs: Sequence[TensorInfo]) -> dict[str, str]:
    """TensorRT's options for the range of sizes that an engine serves.

    Batches of 1 to 32 and sides of 32 to 960 pixels where the network leaves them open, tuned
    for one picture of 640; beyond that ONNX Runtime builds another engine. Empty where the
    network leaves nothing open.

    Example:
        >>> tensorrt_shapes([TensorInfo("images", (None, 3, None, 64), None)])
        ... # doctest: +NORMALIZE_WHITESPACE
        {'trt_profile_min_shapes': 'images:1x3x32x64',
         'trt_profile_opt_shapes': 'images:1x3x640x64',
         'trt_profile_max_shapes': 'images:32x3x960x64'}
    """
    open_inputs = [tensor for tensor in inputs if None in tensor.shape]
    return {
        f"trt_profile_{kind}_shapes": ",".join(
            f"{tensor.name}:{'x'.join(map(str, _filled(tensor.shape, batch, side)))}"
            for tensor in open_inputs
        )
        for kind, batch, side in (("min", 1, 32), ("opt", 1, 640), ("max", 32, 960))
        if open_inputs
    }


def _filled(shape: Sequence[int | None], batch: int, side: int) -> list[int]:
    return [
        (side if axis else batch) if length is None else length for axis, length in enumerate(shape)
    ]


def _report_gpu(device: str) -> DeviceReport:
    if PROVIDERS[device] not in onnxruntime.get_available_providers():
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


def _affinity(*, physical: bool) -> int:
    numbers = os.sched_getaffinity(0)
    if not physical:
        return len(numbers)
    topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    try:
        return len({Path(topology.format(number)).read_text() for number in numbers})
    except OSError:
        return len(numbers)


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
