"""torchvision, imported so that it also works beside a CPU build of torch.

The wheels of torchvision are linked against CUDA. Beside a CPU torch its compiled operators do
not load, and a plain `import torchvision` fails where it registers a fake kernel for an
operator that is not there ("operator torchvision::nms does not exist"). Where that happens the
operators' schemas are declared here first; models, transforms and the losses in
`torchvision.ops`, which are plain torch, then work. `torchvision.ops.nms` itself does not:
training uses `sightline.detector.nms`.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType

import torch

__all__ = ["has_compiled_operators", "torchvision"]

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # the schemas live as long as this object


@functools.cache
def torchvision() -> ModuleType:
    """The module torchvision.

    Raises:
        ImportError: It is not installed.

    Example:
        >>> torchvision().models.mobilenet_v2().features[0][0].out_channels
        32
    """
    try:
        import torchvision as module
    except RuntimeError:
        _forget_half_imported()
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _declared.append(library)
        import torchvision as module
    return module  # type: ignore[no-any-return]


def has_compiled_operators() -> bool:
    """Whether torchvision's own compiled operators loaded (they do beside a CUDA torch)."""
    torchvision()
    return not _declared


def _forget_half_imported() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
