"""What cameras, frames and services cost on a machine, as `benchmarks/unit_costs.py` wrote it."""

from __future__ import annotations

from pathlib import Path

import pydantic
from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from sightline.errors import ConfigError, InputError

__all__ = ["DetectorCosts", "MachineFacts", "ProcessCosts", "UnitCosts", "read_costs"]


class _Part(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MachineFacts(_Part):
    """The machine that was measured."""

    processor: str
    cores: PositiveInt
    memory_gib: PositiveFloat


class ProcessCosts(_Part):
    """A process: `second + camera · cameras + (frame + megapixel · size) · frames a second`."""

    second: NonNegativeFloat = Field(description="CPU seconds a second, whatever it does.")
    camera: NonNegativeFloat = Field(default=0.0, description="More of them, a camera.")
    frame: NonNegativeFloat = Field(description="CPU seconds a frame.")
    megapixel: NonNegativeFloat = Field(description="More of them, a megapixel of the frame.")
    memory_mib: NonNegativeFloat = Field(description="MiB of its own.")
    memory_mib_megapixel: NonNegativeFloat = Field(default=0.0, description="More, a megapixel.")

    def cpu(self, frames: float, megapixels: float, cameras: float = 0.0) -> float:
        """CPU seconds a second, at so many frames a second of a size."""
        return (
            self.second
            + self.camera * cameras
            + frames * (self.frame + self.megapixel * megapixels)
        )

    def memory(self, megapixels: float) -> float:
        """MiB, with pictures of a size."""
        return self.memory_mib + self.memory_mib_megapixel * megapixels


class DetectorCosts(ProcessCosts):
    """The process that owns a network; `busy` is how long a frame keeps its device."""

    model: str
    device: str
    busy: PositiveFloat = Field(description="Seconds of the device a frame.")


class UnitCosts(_Part):
    """Everything that was measured on one machine."""

    machine: MachineFacts
    measured_at: str
    people: PositiveFloat = Field(description="People in view while it was measured.")
    reader: ProcessCosts = Field(description="A camera's process; frames are those received.")
    service: ProcessCosts = Field(description="The main process; frames are those looked at.")
    detectors: tuple[DetectorCosts, ...] = Field(min_length=1)
    store_bytes_box: PositiveFloat = Field(description="Bytes in the store a box that was tracked.")
    bits_pixel: PositiveFloat = Field(description="Bits of H.264 a pixel.")

    def detector(self, model: str, device: str) -> DetectorCosts:
        """What a network costs.

        Raises:
            InputError: It was not measured.
        """
        for costs in self.detectors:
            if (costs.model, costs.device) == (model, device):
                return costs
        known = ", ".join(f"{costs.model} on {costs.device}" for costs in self.detectors)
        raise InputError(
            f"{model} on {device} was not measured on this machine (measured: {known}); "
            f"python benchmarks/unit_costs.py ../shared --model {model} --device {device}"
        )


def read_costs(path: Path) -> UnitCosts:
    """Read what was measured.

    Raises:
        ConfigError: There is no such file, or it holds something else.
    """
    try:
        return UnitCosts.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no measured unit costs there; make them on the machine that the plan is for: "
            "python benchmarks/unit_costs.py ../shared (docs/plan.md)"
        ) from None
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the file"
        raise ConfigError(f"{path}: {place}: {problem['msg']}; measure anew") from None
