from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from onnx import shape_inference

from embeddings.local import efficientnet, torch_checkpoint
from embeddings.local.efficientnet import Weights
from embeddings.local.image_model import weights


class Noting(dict[str, np.ndarray]):
    """Weights that note which of them were used."""

    def __init__(self, given: Weights) -> None:
        super().__init__(given)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> np.ndarray:
        self.used.add(name)
        return super().__getitem__(name)

    def unused(self) -> Iterator[str]:
        return (name for name in self if name not in self.used)


def test_every_weight_but_the_classifiers_is_part_of_the_graph() -> None:
    given = Noting(torch_checkpoint.read(weights()))
    efficientnet.graph(given)

    assert set(given.unused()) == {"_fc.weight", "_fc.bias"}


def test_the_graph_halves_the_picture_five_times() -> None:
    graph = efficientnet.graph(torch_checkpoint.read(weights()))
    shapes = {
        info.name: [size.dim_value for size in info.type.tensor_type.shape.dim]
        for info in shape_inference.infer_shapes(graph, strict_mode=True).graph.value_info
    }

    assert shapes["_conv_stem"][1:] == [32, 112, 112]
    assert shapes["_blocks.4._project_conv"][1:] == [40, 28, 28]
    assert shapes["_conv_head"][1:] == [1280, 7, 7]
    assert sum(node.op_type == "Add" for node in graph.graph.node) == 9
    onnx.checker.check_model(graph, full_check=True)


def test_a_missing_weight_is_noticed() -> None:
    given = torch_checkpoint.read(weights())
    del given["_blocks.7._bn1.running_var"]

    with pytest.raises(KeyError, match=r"_blocks\.7\._bn1\.running_var"):
        efficientnet.graph(given)
