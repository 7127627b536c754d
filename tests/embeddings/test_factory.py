import pytest

from embeddings.errors import Misconfigured
from embeddings.factory import create_embedder


@pytest.mark.parametrize(
    ("key", "dimension", "expected"),
    [
        ("wordllama-256", None, 256),
        ("wordllama-256", 64, 64),
        ("all-minilm-l6-v2", None, 384),
        ("fake", None, 64),
        ("fake", 2048, 2048),
    ],
)
def test_a_model_comes_at_the_dimension_asked_for(
    key: str, dimension: int | None, expected: int
) -> None:
    spec = create_embedder(key, dimension).spec

    assert (spec.key, spec.dimension) == (key, expected)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match=r"'gpt'; use one of: wordllama-256, .*, fake"):
        create_embedder("gpt")


def test_a_dimension_the_model_does_not_give_is_refused() -> None:
    with pytest.raises(Misconfigured, match="use one of: 256, 128, 64"):
        create_embedder("wordllama-256", 1024)
