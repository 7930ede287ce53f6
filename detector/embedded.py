"""Which of the networks that come along is used where none is named."""

from __future__ import annotations

from pathlib import Path

from sightline.inference import Device, device_reports

__all__ = ["default_model", "has_byte_dot_products"]

_FLOAT, _BYTES = "sightline-n", "sightline-n-int8"
_CPU_INFO = Path("/proc/cpuinfo")


def default_model(device: Device = "auto") -> str:
    """The embedded network that is fastest on a device: a name of the registry.

    INT8 where a CPU multiplies bytes in one instruction (AVX-VNNI, AVX-512 VNNI), which is where
    it was measured to be faster (docs/models/sightline-n.md); float32 everywhere else.
    """
    on_gpu = device in ("cuda", "tensorrt") or (
        device == "auto"
        and any(report.usable for report in device_reports() if report.device != "cpu")
    )
    return _BYTES if not on_gpu and has_byte_dot_products() else _FLOAT


def has_byte_dot_products() -> bool:
    """Whether this CPU says that it has VNNI; False where it cannot be known."""
    try:
        text = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return "avx512_vnni" in flags or "avx_vnni" in flags
