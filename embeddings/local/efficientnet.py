"""EfficientNet-Lite0 as an ONNX graph, written from its weights.

Tan and Le 2019; the Lite variant has neither squeeze-and-excitation nor swish. Batch
normalisation (Ioffe and Szegedy 2015) is folded into the convolution before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

SIDE = 224
FEATURES = 1280
INPUT, OUTPUT = "pictures", "features"

_EPSILON = 1e-3  # of the batch normalisation it was trained with
_OPSET = 17
# Stride of the first block and number of blocks, by stage. All else is in the weights' shapes.
_STAGES = ((1, 1), (2, 2), (2, 2), (2, 3), (1, 3), (2, 4), (1, 1))

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Collects the graph; each method adds nodes and returns the name of their output."""

    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def node(self, kind: str, *inputs: str, output: str = "") -> str:
        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name]))
        return name

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def convolution(self, source: str, convolution: str, normalisation: str, stride: int) -> str:
        kernel, bias = _folded(self.weights, convolution, normalisation)
        parameters = (
            self.constant(f"{convolution}.weight", kernel),
            self.constant(f"{convolution}.bias", bias),
        )
        node = helper.make_node(
            "Conv",
            (source, *parameters),
            [convolution],
            strides=[stride, stride],
            # TensorFlow's SAME, as in training: an odd row of padding goes below.
            auto_pad="SAME_UPPER",
            # One input channel a kernel marks a depthwise convolution.
            group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
        )
        self.nodes.append(node)
        return convolution

    def relu6(self, source: str) -> str:
        return self.node("Clip", source, "zero", "six")

    def block(self, source: str, name: str, stride: int) -> str:
        """An inverted residual (Sandler et al. 2018)."""
        last = source
        if f"{name}._expand_conv.weight" in self.weights:
            last = self.relu6(self.convolution(last, f"{name}._expand_conv", f"{name}._bn0", 1))
        last = self.relu6(self.convolution(last, f"{name}._depthwise_conv", f"{name}._bn1", stride))
        return self.convolution(last, f"{name}._project_conv", f"{name}._bn2", 1)


def _folded(
    weights: Weights, convolution: str, normalisation: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel and bias that do what the convolution and the normalisation after it do."""
    kernel = weights[f"{convolution}.weight"]
    scale, shift, mean, variance = (
        weights[f"{normalisation}.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / np.sqrt(variance + _EPSILON)
    return kernel * factor[:, None, None, None], shift - mean * factor


def graph(weights: Weights) -> ModelProto:
    """The graph: pictures (n, 3, 224, 224) float32 to features (n, 1280), the pooled last layer.

    Raises:
        KeyError: a weight is missing.
    """
    writer = _Writer(weights)
    writer.constant("zero", np.array(0, np.float32))
    writer.constant("six", np.array(6, np.float32))
    last = writer.relu6(writer.convolution(INPUT, "_conv_stem", "_bn0", 2))
    number = 0
    for stride, blocks in _STAGES:
        for place in range(blocks):
            inner = writer.block(last, f"_blocks.{number}", 1 if place else stride)
            # Only the first block of a stage changes the shape; the others add what they learnt.
            last = writer.node("Add", inner, last) if place else inner
            number += 1
    last = writer.relu6(writer.convolution(last, "_conv_head", "_bn1", 1))
    pooled = writer.node("GlobalAveragePool", last)
    writer.node("Flatten", pooled, output=OUTPUT)
    return _model(writer)


def _model(writer: _Writer) -> ModelProto:
    single = TensorProto.FLOAT
    pictures = helper.make_tensor_value_info(INPUT, single, ["n", 3, SIDE, SIDE])
    features = helper.make_tensor_value_info(OUTPUT, single, ["n", FEATURES])
    model = helper.make_model(
        helper.make_graph(
            writer.nodes, "efficientnet-lite0", [pictures], [features], writer.constants
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=8,
    )
    checker.check_model(model)
    return model
