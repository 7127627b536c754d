"""The products nearest in meaning to a text, a picture or products, in every space that tells."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from django.db.models import Q
from numpy.typing import NDArray
from psycopg import sql

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.types import Input, Output, Role
from recommender import time_budget
from recommender.engine.answer import Query
from recommender.engine.combination import ScoredList
from recommender.engine.given_history import GivenEvent
from recommender.engine.likeness import Likeness
from recommender.models import Catalog, Space
from recommender.profiles import builder
from recommender.providers import metered
from recommender.providers.metered import Account, Effort
from recommender.providers.places import place
from recommender.retrieval import vector_search
from recommender.retrieval.vector_search import QueryVectors
from recommender.spaces.alignment import embedder_of
from recommender.spaces.switching import serving
from recommender.time_budget import TIMEOUT, TimeUpError

log = structlog.get_logger()

Vector = NDArray[np.float32]

# What the nearest of those that were found is worth, where a product that has all of the words in
# its title is worth 1.
_WORTH = 0.3
# A request does not wait for a provider as a worker does.
_EFFORT = Effort(attempts=1, patience=1.0)
# Of the time that is left: what has the words is to be listed without it, too.
_SHARE = 0.6
_REASONS: dict[type[EmbeddingError], str] = {
    Unavailable: "unavailable",
    BudgetSpent: "budget_spent",
    Misconfigured: "misconfigured",
    Rejected: "rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What is searched for by its meaning; each may be missing."""

    text: str = ""
    picture: str | None = None  # its address, or a data URI
    products: Sequence[GivenEvent] = ()

    def inputs(self) -> dict[str, Input]:
        """What models read of it, by the list that it gives; a text's has the name of its space."""
        given = {}
        if self.text:
            given["{space}"] = Input(text=self.text)
        if self.picture is not None:
            given["picture:{space}"] = Input(images=(self.picture,))
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The products near to what is meant, a list of each space and kind."""

    lists: Sequence[ScoredList]
    spaces: tuple[str, ...]
    missing: tuple[str, ...]  # ids of products that nobody knows
    degraded: dict[str, str]


class PictureError(ValueError):
    """A picture that cannot be read."""


def find(catalog: Catalog, query: Query, meant: Meant, limit: int) -> Near:
    """The products nearest to what is meant in each space that can tell; why not in others.

    Raises:
        PictureError: the picture cannot be read.
    """
    lists: dict[str, list[ScoredList]] = defaultdict(list)
    labels: set[str] = set()
    degraded: dict[str, str] = {}
    dense = ~Q(kind=Space.Kind.BEHAVIOUR) & ~Q(output=Space.Output.SPARSE)
    active = Space.objects.filter(dense, catalog=catalog, status=Space.Status.ACTIVE)
    likeness = Likeness.of(catalog, meant.products)
    for space in active.defer("fold_in", "boilerplate").order_by("pk"):
        for form, source in meant.inputs().items():
            name = form.format(space=space.name)
            vector, reason = _vector(catalog, space, source)
            if reason is not None:
                degraded[name] = reason
            near = _nearest(space, query, name, vector, limit, degraded)
            if near is not None:
                lists[form].append(near)
                labels.add(str(space))
        like = likeness.vector(serving(space))
        near = _nearest(space, query, f"like:{space.name}", like, limit, degraded)
        if near is not None:
            lists["like"].append(likeness.without(near))
            labels.add(str(space))
    told = (*lists, *degraded)
    if meant.picture is not None and not any(name.startswith("picture") for name in told):
        degraded["picture"] = "no_space"
    return Near(
        lists=[one.shared(len(alike)) for alike in lists.values() for one in alike],
        spaces=tuple(sorted(labels)),
        missing=likeness.missing,
        degraded=degraded,
    )


def _vector(catalog: Catalog, space: Space, source: Input) -> tuple[Vector | None, str | None]:
    """The vector of an input in a space, if its model reads such; why it was not asked.

    Raises:
        PictureError: the picture cannot be read.
    """
    try:
        with time_budget.a_part(_SHARE):
            return _embedded(catalog, space, source), None
    except TimeUpError:
        return None, TIMEOUT
    except EmbeddingError as exc:
        if source.images and isinstance(exc, Rejected):
            raise PictureError("The picture cannot be read: send a JPEG, PNG or WebP.") from exc
        log.warning("search without a space", space=space.pk, error=str(exc))
        return None, _reason(exc)


def _reason(error: EmbeddingError) -> str:
    """Why a model was not asked, as a code: what its provider says is for the log alone."""
    return next((code for kind, code in _REASONS.items() if isinstance(error, kind)), "failed")


def _embedded(catalog: Catalog, space: Space, source: Input) -> Vector | None:
    """None where the space's model reads nothing of the kind.

    Raises:
        EmbeddingError: the model cannot be asked now, or makes nothing of it.
    """
    embedder = embedder_of(space)
    if not source.modalities <= embedder.spec.modalities or not Output(space.output).is_dense:
        return None
    # What costs nothing is not booked: all searches would write one row.
    account = Account(catalog) if embedder.spec.is_hosted else None
    with place(embedder.spec, [source]):
        made = metered.embed_rows(embedder, [source], Role.QUERY, account, _EFFORT)[0]
    if not isinstance(made, EmbeddedRow):
        raise made
    return made.vector


def _nearest(
    space: Space,
    query: Query,
    name: str,
    vector: Vector | None,
    limit: int,
    degraded: dict[str, str],
) -> ScoredList | None:
    """The products nearest to a vector, if any; None where there are none, or no time for them."""
    if vector is None:
        return None
    vectors = QueryVectors("text", _GIVEN, {"vector": builder.to_text(vector)})
    try:
        with time_budget.a_part(_SHARE):
            near = vector_search.nearest(serving(space), vectors, limit=limit, filter=query.filter)
    except TimeUpError:
        degraded[name] = TIMEOUT
        return None
    if not near:
        return None
    # Models differ in how far apart their similarities are: those that were found are the scale.
    best, worst = near[0].similarity, near[-1].similarity
    scale = _WORTH / (best - worst or 1)
    return ScoredList(
        name, [(n.product_id, n.external_id, scale * (n.similarity - worst)) for n in near]
    )


_GIVEN = sql.SQL("SELECT 0, 1::float8, NULL::bigint, %(vector)s::halfvec")
