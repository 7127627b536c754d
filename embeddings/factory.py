"""The table of embedding models."""

from collections.abc import Callable, Mapping

from embeddings import minilm_model, wordllama_model
from embeddings.base import Embedder
from embeddings.errors import Misconfigured
from embeddings.fake import FakeEmbedder
from embeddings.local import LocalEmbedder


def _wordllama(dimension: int | None) -> Embedder:
    return LocalEmbedder(wordllama_model.SPEC.at(dimension), wordllama_model.load)


def _minilm(dimension: int | None) -> Embedder:
    return LocalEmbedder(minilm_model.SPEC.at(dimension), minilm_model.load)


_MODELS: Mapping[str, Callable[[int | None], Embedder]] = {
    wordllama_model.SPEC.key: _wordllama,
    minilm_model.SPEC.key: _minilm,
    "fake": FakeEmbedder,
}


def create_embedder(key: str, dimension: int | None = None) -> Embedder:
    """The embedder of a model, at one of its dimensions or at its default one.

    Cheap: a local model is loaded when it first embeds, once a process.

    Raises:
        Misconfigured: there is no such model, or it does not give that dimension.
    """
    if key not in _MODELS:
        known = ", ".join(_MODELS)
        raise Misconfigured(f"There is no embedding model {key!r}; use one of: {known}.")
    return _MODELS[key](dimension)
