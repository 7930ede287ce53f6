"""torchvision, with its compiled operators and without them; each case in its own process."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest

_USED = """
import torch
from sightline.learning.torch_vision import has_compiled_operators, torchvision
module = torchvision()
assert torchvision() is module
boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0]])
assert module.ops.box_iou(boxes, boxes)[0, 1].item() == torch.tensor(1 / 3).item()
assert module.ops.generalized_box_iou_loss(boxes, boxes).abs().max() < 1e-6
assert module.models.mobilenet_v3_small().features[0][0].out_channels == 16
print(has_compiled_operators())
"""

# What a wheel of torchvision does where its compiled operators load: they are registered before
# the package's own Python code asks for them.
_COMPILED = """
import torch
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@functools.cache
def _plain_import_works() -> bool:
    done = subprocess.run(
        [sys.executable, "-c", "import torchvision"], capture_output=True, check=False, timeout=300
    )
    return done.returncode == 0


def test_it_works_where_the_compiled_operators_are_there() -> None:
    code = _USED if _plain_import_works() else _COMPILED + _USED
    assert _run(code) == "True"


def test_it_works_where_the_compiled_operators_do_not_load() -> None:
    if _plain_import_works():
        pytest.skip("torchvision's compiled operators load here")
    assert _run(_USED) == "False"


def test_without_the_declarations_a_plain_import_fails_as_documented() -> None:
    if _plain_import_works():
        pytest.skip("torchvision's compiled operators load here")
    done = subprocess.run(
        [sys.executable, "-c", "import torchvision"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "operator torchvision::nms does not exist" in done.stderr


def test_where_it_is_not_installed_the_error_says_so() -> None:
    code = (
        "import sys\nsys.modules['torchvision'] = None\n"
        "from sightline.learning.torch_vision import torchvision\n"
        "try:\n    torchvision()\nexcept ImportError as error:\n    print(error.name)\n"
    )
    assert _run(code) == "torchvision"


def test_serving_does_not_import_torch() -> None:
    code = (
        "import sys, sightline.cli.app, sightline.pipeline, sightline.detector, sightline.reid\n"
        "print(sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )
    assert _run(code) == "[]"
