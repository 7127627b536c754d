"""A space's embedder, and the map that one of pictures and texts learns from the catalog."""

from collections.abc import Mapping, Sequence

import numpy as np
import structlog
from django.db.models.functions import MD5
from numpy.typing import NDArray

from embeddings.base import Embedder
from embeddings.calls.batching import split
from embeddings.calls.outcome import EmbeddedRow, Outcome
from embeddings.errors import EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.local import alignment, image_model, wordllama
from embeddings.types import Input, Output, Role
from recommender.locks import session_lock
from recommender.models import Product, Space
from recommender.providers import metered, models
from recommender.spaces import staleness

log = structlog.get_logger()

_MOST_PAIRS = 2000
_FEWEST_PAIRS = 50

_Vectors = Mapping[int, NDArray[np.float32]]


def learn(space: Space) -> bytes:
    """Learn the space's map from up to 2,000 products with a picture and a title, and store it.

    They are the same in every run, in an order that says nothing of them. A picture that cannot
    be had is passed over, and those that an earlier run died at. A map that another worker has
    stored meanwhile is kept.

    Raises:
        Misconfigured: there are fewer than 50 such products.
        Unavailable: there would be enough, but their pictures' hosts do not answer.
    """
    sample = _sample(space)
    if len(sample) < _FEWEST_PAIRS:
        raise _too_few(space, len(sample))
    text = models.embedder(wordllama.SPEC.key, space.dimension)
    pictures, errors = _vectors(_seen(space, sample))
    if len(pictures) < _FEWEST_PAIRS:
        raise _too_few(space, len(pictures), errors)
    texts, _ = _vectors(_embedded(text, [Input(text=product.title) for product in sample]))
    pairs = [number for number in pictures if number in texts]
    learnt, quality = alignment.fit(
        np.stack([pictures[number] for number in pairs]),
        np.stack([texts[number] for number in pairs]),
    )
    log.info(
        "learnt to place pictures among texts",
        space=str(space),
        pairs=quality.pairs,
        pictures_passed_over=len(errors),
        recall_at_10=round(quality.recall, 3),
    )
    return _store(space, learnt.to_bytes())


def _sample(space: Space) -> list[Product]:
    """Products with their title and pictures."""
    products = Product.objects.filter(
        catalog=space.catalog_id, deleted_at__isnull=True, title__regex=r"\w"
    ).exclude(image_urls=[])
    products = products.exclude(pk__in=staleness.claimed(space.pk))
    return list(products.order_by(MD5("external_id")).only("title", "image_urls")[:_MOST_PAIRS])


def _seen(space: Space, sample: Sequence[Product]) -> list[Outcome]:
    """What the image model makes of each product's first picture."""
    image = models.embedder(image_model.SPEC.key)
    outcomes: list[Outcome] = []
    for products in split(sample, image_model.SPEC.max_rows):
        with staleness.attempted(space.pk, [product.pk for product in products]):
            shown = [Input(images=(product.image_urls[0],)) for product in products]
            outcomes += _embedded(image, shown)
    return outcomes


def _embedded(embedder: Embedder, inputs: Sequence[Input]) -> Sequence[Outcome]:
    return metered.embed_rows(embedder, inputs, Role.DOCUMENT, account=None)


def _vectors(outcomes: Sequence[Outcome]) -> tuple[_Vectors, list[EmbeddingError]]:
    """The vectors by place, and the errors of the others."""
    made = {
        place: outcome.vector
        for place, outcome in enumerate(outcomes)
        if isinstance(outcome, EmbeddedRow) and outcome.vector is not None
    }
    return made, [outcome for outcome in outcomes if isinstance(outcome, EmbeddingError)]


def _too_few(space: Space, count: int, errors: Sequence[EmbeddingError] = ()) -> EmbeddingError:
    for error in errors:
        if not isinstance(error, Rejected):
            return error
    passed_over = f" The first of {len(errors)} passed over: {errors[0]}" if errors else ""
    return Misconfigured(
        f"{space.model} needs {_FEWEST_PAIRS} products with a picture and a title; there are "
        f"{count}. Add some, or use a model that was trained on both.{passed_over}"
    )


def _store(space: Space, learnt: bytes) -> bytes:
    """The map as stored: this one, or the one that was first."""
    Space.objects.filter(pk=space.pk, alignment__isnull=True).update(alignment=learnt)
    space.refresh_from_db(fields=["alignment"])
    return bytes(space.alignment or learnt)


_LOCK_ALIGNMENT = 7_310_004
_PATIENCE = "30min"  # as lock_timeout takes it


def embedder_of(space: Space) -> Embedder:
    """The space's model, at its dimension, with its instruction and its output.

    Raises:
        Misconfigured: the model is not there, or cannot do what the space asks of it.
    """
    learnt = None if space.alignment is None else bytes(space.alignment)
    output = Output(space.output)
    return embedder(space.model, space.dimension, space.instruction, output, learnt)


def embedder(
    model: str, dimension: int, instruction: str, output: Output, learnt: bytes | None
) -> Embedder:
    """The embedder of such a space.

    Args:
        learnt: its map of pictures and texts, where it has one.

    Raises:
        Misconfigured: as above.
    """
    if learnt is not None:
        return models.aligned(learnt)
    return models.embedder(model, dimension, instruction=instruction, output=output)


def trained_embedder_of(space: Space) -> Embedder:
    """The space's embedder, once it has learnt from the catalog what its model needs to.

    One worker learns at a time; the others wait and use what it has learnt.

    Raises:
        Misconfigured: as above, or there is too little to learn from.
        Unavailable: the pictures to learn from cannot be had now, or another worker learns for
            longer than half an hour.
    """
    if space.alignment is None and models.spec(space.model).needs_alignment:
        key = _LOCK_ALIGNMENT << 32 | space.pk
        # Not in a transaction: what is claimed of it must stay when this process dies.
        with session_lock(f"the map of {space}", key, wait=_PATIENCE) as lock:
            if lock is None:
                raise Unavailable("Another worker still learns from the catalog's pictures.")
            space.refresh_from_db(fields=["alignment"])
            if space.alignment is None:
                space.alignment = learn(space)
    return embedder_of(space)
