"""What the search for duplicates and odd products reads: all that products say, and vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from embeddings.local import wordllama
from embeddings.spec import ModelSpec
from recommender import arrays, database
from recommender.analysis import nearest
from recommender.analysis.items import Item, gtin_of
from recommender.analysis.nearest import Vectors, VectorsError
from recommender.insight import product_texts, reading
from recommender.insight.kind import InsightError
from recommender.models import Catalog, Space
from recommender.providers import models
from recommender.spaces import embedding, plain_text
from recommender.spaces.alignment import embedder_of
from recommender.spaces.staleness import StaleProduct

if TYPE_CHECKING:
    from recommender.training.fitting import Progress

_PAGE = 20_000
_BATCH = 512
_SAMPLE = 5_000
_MOST_CHARACTERS = 2_000

_PRODUCTS = """
SELECT id, external_id, title, description, category, brand, price::float8, currency, attributes
FROM recommender_product
WHERE catalog_id = %s AND deleted_at IS NULL AND id > %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalog's products, row by row.

    Attributes:
        keys: primary keys, shape (products,).
        unit: the space's vectors at length 1; zeros where a product has none.
    """

    space: Space
    keys: NDArray[np.int64]
    items: tuple[Item, ...]
    unit: Vectors


def read(catalog: Catalog, space: Space) -> Catalogue:
    """All products that are not deleted, with the vectors of a space.

    Raises:
        InsightError: there are fewer than two vectors, or all are equal.
    """
    found = reading.read_vectors(catalog, space, 2)
    keys, items = read_items(catalog, space)
    unit = _aligned(keys, found)
    try:
        nearest.check_distinct(unit)
    except VectorsError as exc:
        raise InsightError("all-equal", f"{exc} The space is {space}.") from exc
    return Catalogue(space, keys, items, unit)


def read_items(catalog: Catalog, space: Space) -> tuple[NDArray[np.int64], tuple[Item, ...]]:
    """Keys and what products say, without the sentences that many of them share."""
    shared = space.boilerplate
    keys: list[int] = []
    items: list[Item] = []
    after = 0
    while page := database.fetch(_PRODUCTS, (catalog.pk, after, _PAGE)):
        if shared is None:
            texts = (row[3] for row in islice(page, _SAMPLE))
            shared = plain_text.shared_sentences(texts)
        keys += [row[0] for row in page]
        items += [_item(shared, row[1:]) for row in page]
        after = keys[-1]
    return np.array(keys, dtype=np.int64), tuple(items)


def _item(shared: Sequence[str], row: tuple[Any, ...]) -> Item:
    external_id, title, description, category, brand, price, currency, attributes = row
    own = plain_text.without_boilerplate(description, shared) if description else ""
    return Item(
        id=external_id,
        title=plain_text.plain_text(title),
        description=description,
        own_text=own,
        category=category,
        brand=brand,
        price=np.nan if price is None else price,
        currency=currency,
        gtin=gtin_of(attributes),
        attributes=attributes,
    )


def behaviour(catalog: Catalog, keys: NDArray[np.int64]) -> Vectors | None:
    """Vectors of what users did, of the first space of such that serves and has any."""
    active = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    space = active.filter(kind=Space.Kind.BEHAVIOUR).order_by("created_at", "pk").first()
    if space is None:
        return None
    try:
        return _aligned(keys, reading.read_vectors(catalog, space, 2))
    except InsightError:  # trained, but of nobody's history yet
        return None


def without_categories(space: Space, items: Sequence[Item], say: "Progress") -> Vectors | None:
    """Vectors of what products say without their categories; None where the space's are such.

    What a model made of a text with its category in it says that the category fits.
    """
    if space.kind in (Space.Kind.IMAGE, Space.Kind.BEHAVIOUR) or "{category}" not in space.template:
        return None
    embedder = models.embedder(_reader(space))
    rows = np.zeros((len(items), embedder.spec.dimension), dtype=np.float32)
    for start in range(0, len(items), _BATCH):
        say("reading texts without their categories", start, len(items))
        texts = {n: _said(item) for n, item in enumerate(items[start : start + _BATCH], start)}
        told = [n for n, text in texts.items() if text]
        rows[told] = product_texts.embedded(embedder, [texts[n] for n in told])
    return nearest.units(rows)


def embedded(space: Space, items: Sequence[Item]) -> Vectors:
    """What a space's model makes of products, at length 1; zeros of what it refuses.

    A hosted model is paid for it.

    Raises:
        InsightError: the model cannot be asked at present.
    """
    rows = np.zeros((len(items), space.dimension), dtype=np.float32)
    embedder = embedder_of(space)
    for start in range(0, len(items), _BATCH):
        part = items[start : start + _BATCH]
        answer = embedding.embed(space, embedder, [_stale(n, one) for n, one in enumerate(part)])
        if answer.failure is not None:
            raise InsightError("model-unavailable", f"{space} cannot embed: {answer.failure}")
        for made in answer.embedded:
            if made.vector is not None:
                rows[start + made.product_id] = made.vector
    return nearest.units(rows)


def _stale(number: int, item: Item) -> StaleProduct:
    return StaleProduct(
        id=number,
        content_hash=UUID(int=number),
        title=item.title,
        description=item.description,
        category=item.category,
        brand=item.brand,
        attributes=dict(item.attributes),
        image_urls=[],
        video_urls=[],
    )


def _reader(space: Space) -> str:
    spec: ModelSpec = models.spec(space.model)
    is_own = not spec.is_hosted and not spec.needs_alignment and space.kind == Space.Kind.TEXT
    return space.model if is_own else wordllama.SPEC.key


def _said(item: Item) -> str:
    parts = (item.title, item.brand, item.own_text)
    text = ". ".join(part.strip(". ") for part in parts if part.strip(". "))
    return text[:_MOST_CHARACTERS]


def _aligned(keys: NDArray[np.int64], found: reading.Vectors) -> Vectors:
    """Vectors row by row of the keys, at length 1."""
    if np.array_equal(found.keys, keys):
        return nearest.units(found.rows)
    rows, there = arrays.sorted_places(found.keys, keys)
    aligned = np.zeros((len(keys), found.rows.shape[1]), dtype=np.float32)
    aligned[there] = found.rows[rows[there]]
    return nearest.units(aligned)
