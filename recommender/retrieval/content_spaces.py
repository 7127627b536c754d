"""The spaces of contents that serve a catalog, and what makes a query's vectors in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from psycopg import sql

from embeddings.base import Embedder
from embeddings.types import Output
from recommender.models import Catalog, Space
from recommender.retrieval.lookup import Lookup, Row
from recommender.spaces import alignment, switching
from recommender.spaces.switching import ServingSpace

_ACTIVE = (
    sql.SQL("""
SELECT s.id, json_build_array(json_build_array({serving}), s.model, s.instruction, s.output,
    s.alignment IS NOT NULL)::text, 0::float8, true
FROM recommender_space s
WHERE s.catalog_id = %(catalog)s AND s.status = 'active' AND s.kind <> 'behaviour'
""")
    .format(serving=sql.SQL(switching.SERVING_COLUMNS))
    .as_string(None)
)


@dataclass(frozen=True, slots=True)
class ContentSpace:
    """A space whose vectors a model makes of what products say and show."""

    serving: ServingSpace
    model: str
    instruction: str
    output: Output
    is_aligned: bool

    def embedder(self) -> Embedder:
        """Its model, at its dimension, with its instruction and its output.

        Raises:
            Misconfigured: the model is not there, or cannot do what the space asks of it.
        """
        learnt = _alignment(self.serving.pk) if self.is_aligned else None
        return alignment.embedder(
            self.model, self.serving.dimension, self.instruction, self.output, learnt
        )


def active(catalog: Catalog) -> Lookup[Sequence[ContentSpace]]:
    """Those that serve, the oldest first."""
    return Lookup(_ACTIVE, {"catalog": catalog.pk}, _read)


def _read(rows: Sequence[Row]) -> Sequence[ContentSpace]:
    spaces = []
    for _, text, *_ in rows:
        serving, model, instruction, output, is_aligned = orjson.loads(text)
        spaces.append(
            ContentSpace(ServingSpace(*serving), model, instruction, Output(output), is_aligned)
        )
    return spaces


@lru_cache(maxsize=64)
def _alignment(space_id: int) -> bytes | None:
    """The map that a space has learnt: once, and for good."""
    learnt = Space.objects.filter(pk=space_id).values_list("alignment", flat=True).get()
    return None if learnt is None else bytes(learnt)
