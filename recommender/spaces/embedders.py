"""The embedder of a space."""

from django.db import transaction

from embeddings.base import Embedder
from embeddings.types import Output
from recommender.models import Space
from recommender.providers import models
from recommender.spaces import alignment, staleness

_LOCK_ALIGNMENT = 7_310_004


def embedder_of(space: Space) -> Embedder:
    """The space's model, at its dimension, with its instruction and its output.

    Raises:
        Misconfigured: the model is not there, or cannot do what the space asks of it.
    """
    if space.alignment is not None:
        return models.aligned(bytes(space.alignment))
    return models.embedder(
        space.model,
        space.dimension,
        instruction=space.instruction,
        output=Output(space.output),
    )


def trained_embedder_of(space: Space) -> Embedder:
    """The space's embedder, once it has learnt from the catalogue what its model needs to.

    One worker learns at a time; the others wait and use what it has learnt.

    Raises:
        Misconfigured: as above, or there is too little to learn from.
        Unavailable: the pictures to learn from cannot be had now.
    """
    if space.alignment is None and models.spec(space.model).needs_alignment:
        with transaction.atomic():
            staleness.lock(_LOCK_ALIGNMENT, space.pk)
            space.refresh_from_db(fields=["alignment"])
            if space.alignment is None:
                space.alignment = alignment.learn(space)
    return embedder_of(space)
