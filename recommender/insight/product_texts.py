"""What a product's words say without its category, and vectors of them.

The vectors of a space may have been made of the category, too, as its template says: they tell it
of a product that has one, and of one that has none they tell nothing. So texts are embedded here,
by a model of this machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.base import Embedder
from embeddings.calls.outcome import EmbeddedRow
from embeddings.local import wordllama
from embeddings.types import Input, Modality, Role
from recommender import database
from recommender.models import Catalog, Space
from recommender.providers import metered, models
from recommender.spaces.plain_text import plain_text

PAGE = 4_000
_MOST_CHARACTERS = 2_000

_TEXTS = """
SELECT id, title, brand, left(description, %s) FROM recommender_product
WHERE catalog_id = %s AND deleted_at IS NULL AND id = ANY(%s) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class ProductTexts:
    """Products in the order of their keys."""

    keys: NDArray[np.int64]
    titles: list[str]
    texts: list[str]  # title, brand and description

    def __len__(self) -> int:
        return len(self.keys)


def read(catalog: Catalog, keys: NDArray[np.int64]) -> Iterator[ProductTexts]:
    """Products by their keys, in pages; those that are deleted meanwhile are left out."""
    for start in range(0, len(keys), PAGE):
        some = keys[start : start + PAGE].tolist()
        rows = database.fetch(_TEXTS, (_MOST_CHARACTERS, catalog.pk, some))
        yield ProductTexts(
            np.array([row[0] for row in rows], dtype=np.int64),
            [row[1] for row in rows],
            [_text(*row[1:]) for row in rows],
        )


def categories(catalog: Catalog) -> tuple[NDArray[np.int64], list[str]]:
    """The keys of a catalog's products, in order, and the category of each."""
    rows = database.fetch(
        "SELECT id, category FROM recommender_product "
        "WHERE catalog_id = %s AND deleted_at IS NULL ORDER BY id",
        (catalog.pk,),
    )
    return np.array([key for key, _ in rows], dtype=np.int64), [path for _, path in rows]


def embedder_for(catalog: Catalog) -> Embedder:
    """That of the catalog's first space whose model reads texts here, else the one that is
    always there: asking a hosted one about every product anew would cost money."""
    active = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    for space in active.exclude(kind=Space.Kind.BEHAVIOUR).order_by("created_at", "pk"):
        spec = models.spec(space.model)
        if (
            not spec.is_hosted
            and space.kind == Space.Kind.TEXT
            and Modality.TEXT in spec.modalities
        ):
            return models.embedder(space.model, space.dimension)
    return models.embedder(wordllama.SPEC.key)


def embedded(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """A vector for each text, shape (texts, dimension); zeros for what has no words."""
    inputs = [Input(text=text or ".") for text in texts]
    rows = metered.embed_rows(embedder, inputs, Role.DOCUMENT, None)
    vectors = np.zeros((len(texts), embedder.spec.dimension), dtype=np.float32)
    for place, row in enumerate(rows):
        if isinstance(row, EmbeddedRow) and row.vector is not None:
            vectors[place] = row.vector
    return vectors


def _text(title: str, brand: str, description: str) -> str:
    return ". ".join(filter(None, (plain_text(title), brand, plain_text(description))))
