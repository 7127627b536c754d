import pytest

from embeddings.errors import Misconfigured
from embeddings.types import Output
from recommender.models import Space
from recommender.spaces.embedders import embedder_of, trained_embedder_of


@pytest.mark.parametrize("embedder", [embedder_of, trained_embedder_of])
def test_a_space_s_embedder_does_what_the_space_asks_for(db: None, embedder) -> None:
    space = Space(model="fake", dimension=32, instruction="Find gifts", output="dense&sparse")

    found = embedder(space)

    assert (found.spec.key, found.spec.dimension) == ("fake", 32)
    assert (found.instruction, found.output) == ("Find gifts", Output.BOTH)


@pytest.mark.parametrize("embedder", [embedder_of, trained_embedder_of])
def test_a_model_that_is_not_there_is_said(db: None, embedder) -> None:
    with pytest.raises(Misconfigured, match="no-such-model"):
        embedder(Space(model="no-such-model", dimension=32))
