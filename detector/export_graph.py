"""What stands before and after the network in an exported file, in ONNX's own text form.

Before it, bytes become what the network takes. After it, each picture's best cells are chosen
by their logits, and only those are decoded; suppression then works on what passes the
`confidence`. `confidence` and `iou_threshold` are inputs with default values: a caller may leave
them out. A cell has one class, its best.
"""

from __future__ import annotations

import onnx
from onnx import parser

__all__ = ["CANDIDATES", "CONFIDENCE", "IOU_THRESHOLD", "LARGEST_EXPONENT", "OPSET", "assemble"]

OPSET = 18
"""The version of ONNX's operators that files are written for."""

CANDIDATES = 1000
"""At most so many cells of a picture, the best, come to suppression."""

CONFIDENCE = 0.1
"""Default of the input `confidence`: rows have scores above it."""

IOU_THRESHOLD = 0.55
"""Default of the input `iou_threshold`: overlap above which the weaker box is dropped."""

LARGEST_EXPONENT = 8.0
"""The largest exponent of a side, as in `Network.decode`."""

_HEADER = f'<ir_version: 10, opset_import: ["" : {OPSET}]>'

# Bytes are transposed, not floats: a quarter of the memory to move. DequantizeLinear is
# (byte - zero point) * scale, the normalisation in one pass.
_BEFORE = """
before (uint8[batch, height, width, 3] images) => (
    float[batch, 3, height, width] pictures, int64[4] sides)
<float scale = {{{scale}}}, uint8 mean = {{{mean}}}>
{{
    sides = Shape (images)
    planes = Transpose <perm: ints = [0, 3, 1, 2]> (images)
    pictures = DequantizeLinear (planes, scale, mean)
}}"""

# `count` is what the fullest picture needs: chosen by logits with a margin, since suppression
# compares scores exactly. Which grid a cell's index belongs to, and where in it, follows from the
# sizes of the grids.
_AFTER = f"""{_HEADER}
after (float[batch, cells, classes] logits, float[batch, cells, 4] raw, int64[4] sides,
       float[1] confidence, float[1] iou_threshold) => (float[found, 7] detections)
<int64 zero = {{0}}, int64 one = {{1}},
 int64[1] first = {{0}}, int64[1] second = {{1}}, int64[1] third = {{2}}, int64[1] fourth = {{3}},
 int64[3] strides = {{8, 16, 32}}, int64[1] most = {{{CANDIDATES}}}, int64[2] where = {{0, 2}},
 float unit = {{1.0}}, float margin = {{0.001}}, float half_cell = {{0.5}},
 float largest = {{{LARGEST_EXPONENT}}}, float nothing = {{0.0}}>
{{
    best = ReduceMax <keepdims: int = 0> (logits, third)
    rest = Sub (unit, confidence)
    rest_log = Log (rest)
    confidence_log = Log (confidence)
    threshold = Sub (confidence_log, rest_log)
    threshold_below = Sub (threshold, margin)
    passes = Greater (best, threshold_below)
    passes_integer = Cast <to: int = 7> (passes)
    pass_counts = ReduceSum <keepdims: int = 0> (passes_integer, second)
    largest_count = ReduceMax <keepdims: int = 1> (pass_counts)
    least_count = Max (largest_count, second)
    count = Min (most, least_count)
    top, index = TopK <axis: int = 1> (best, count)
    position = Unsqueeze (index, third)
    top_logits = GatherND <batch_dims: int = 1> (logits, position)
    top_raw = GatherND <batch_dims: int = 1> (raw, position)
    score = Sigmoid (top)
    class = ArgMax <axis: int = 2, keepdims: int = 0> (top_logits)

    height = Slice (sides, second, third, first)
    width = Slice (sides, third, fourth, first)
    rows = Div (height, strides)
    columns = Div (width, strides)
    sizes = Mul (rows, columns)
    ends = CumSum (sizes, zero)
    starts = Sub (ends, sizes)
    beyond = GreaterOrEqual (position, ends)
    passed = Cast <to: int = 7> (beyond)
    grid = ReduceSum <keepdims: int = 0> (passed, third)
    start = Gather (starts, grid)
    grid_columns = Gather (columns, grid)
    grid_stride = Gather (strides, grid)
    cell = Sub (index, start)
    x = Mod (cell, grid_columns)
    y = Div (cell, grid_columns)
    x_column = Unsqueeze (x, third)
    y_column = Unsqueeze (y, third)
    corner_integer = Concat <axis: int = 2> (x_column, y_column)
    corner = Cast <to: int = 1> (corner_integer)
    stride_column = Unsqueeze (grid_stride, third)
    stride = Cast <to: int = 1> (stride_column)

    offset, exponent = Split <axis: int = 2, num_outputs: int = 2> (top_raw)
    centre_cells = Add (offset, corner)
    centre = Mul (centre_cells, stride)
    bounded = Min (exponent, largest)
    side_cells = Exp (bounded)
    half_stride = Mul (stride, half_cell)
    half_side = Mul (side_cells, half_stride)
    low = Sub (centre, half_side)
    high = Add (centre, half_side)
    boxes = Concat <axis: int = 2> (low, high)

    class_count = Shape <start: int = 2, end: int = 3> (logits)
    class_count_scalar = Squeeze (class_count, first)
    class_range = Range (zero, class_count_scalar, one)
    class_column = Unsqueeze (class_range, second)
    class_row = Unsqueeze (class, second)
    is_class = Equal (class_row, class_column)
    score_row = Unsqueeze (score, second)
    scores = Where (is_class, score_row, nothing)
    selected = NonMaxSuppression (boxes, scores, most, iou_threshold, confidence)

    pair = Gather <axis: int = 1> (selected, where)
    found_boxes = GatherND (boxes, pair)
    found_scores = GatherND (score, pair)
    score_column = Unsqueeze (found_scores, second)
    batch_class = Cast <to: int = 1> (selected)
    picture_column, class_of_row, unused = Split <axis: int = 1, num_outputs: int = 3> (batch_class)
    detections = Concat <axis: int = 1> (picture_column, found_boxes, score_column, class_of_row)
}}"""


def assemble(network: onnx.ModelProto, mean: int, spread: float) -> onnx.ModelProto:
    """Put a network between what prepares pictures and what finds boxes.

    Args:
        network: Takes normalised `pictures` (B, 3, H, W) float32; returns `logits` (B, A, C)
            and `raw` (B, A, 4), as `Network.forward` does.
        mean: What is subtracted from pixels.
        spread: What they are then divided by.

    Returns:
        A network that takes `images` (B, H, W, 3) uint8, and returns `detections` (N, 7)
        float32: picture, x1, y1, x2, y2, score, class; sorted by picture, class, and score.
    """
    before = parser.parse_model(_HEADER + _BEFORE.format(scale=1 / spread, mean=mean))
    after = parser.parse_model(_AFTER)
    inner = onnx.compose.add_prefix(network, "network/")
    joined = onnx.compose.merge_models(before, inner, io_map=[("pictures", "network/pictures")])
    whole = onnx.compose.merge_models(
        joined,
        after,
        io_map=[("network/logits", "logits"), ("network/raw", "raw"), ("sides", "sides")],
    )
    graph = whole.graph
    graph.name = "sightline detector"
    for name, value in (("confidence", CONFIDENCE), ("iou_threshold", IOU_THRESHOLD)):
        graph.initializer.append(
            onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [1], [value])
        )
    del graph.value_info[:]  # sizes are open; the checker infers what it needs
    del whole.opset_import[1:]  # each part brought the same
    for node in graph.node:
        node.name = node.name or node.output[0]
    return whole
