"""The products that a text means: the nearest to it in every space that reads texts."""

import structlog
from django.db.models import Q
from psycopg import sql

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.types import Input, Modality, Output, Role
from recommender import time_budget
from recommender.engine.answer import Query
from recommender.engine.combination import ScoredList
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


def find(
    catalog: Catalog, query: Query, text: str, limit: int
) -> tuple[list[ScoredList], dict[str, str], tuple[str, ...]]:
    """The products nearest to the text in each space that reads texts; why not in others."""
    lists: list[ScoredList] = []
    labels: list[str] = []
    degraded: dict[str, str] = {}
    dense = ~Q(kind=Space.Kind.BEHAVIOUR) & ~Q(output=Space.Output.SPARSE)
    active = Space.objects.filter(dense, catalog=catalog, status=Space.Status.ACTIVE)
    for space in active.defer("fold_in", "boilerplate").order_by("pk"):
        try:
            with time_budget.a_part(_SHARE):
                near = _nearest(catalog, space, query, text, limit)
        except TimeUpError:
            degraded[space.name] = TIMEOUT
            continue
        except EmbeddingError as exc:
            log.warning("search without a space", space=space.pk, error=str(exc))
            degraded[space.name] = _reason(exc)
            continue
        if near is not None:
            lists.append(near)
            labels.append(str(space))
    # Of several spaces each is worth a part.
    shared = [
        ScoredList(one.name, [(key, name, worth / len(lists)) for key, name, worth in one.products])
        for one in lists
    ]
    return shared, degraded, tuple(sorted(labels))


def _reason(error: EmbeddingError) -> str:
    """Why a model was not asked, as a code: what its provider says is for the log alone."""
    return next((code for kind, code in _REASONS.items() if isinstance(error, kind)), "failed")


def _nearest(
    catalog: Catalog, space: Space, query: Query, text: str, limit: int
) -> ScoredList | None:
    """The products nearest to the text; None where the space reads no text.

    Raises:
        EmbeddingError: the model cannot be asked now.
    """
    embedder = embedder_of(space)
    if Modality.TEXT not in embedder.spec.modalities or not Output(space.output).is_dense:
        return None
    source = Input(text=text)
    # What costs nothing is not booked: all searches would write one row.
    account = Account(catalog) if embedder.spec.is_hosted else None
    with place(embedder.spec, [source]):
        made = metered.embed_rows(embedder, [source], Role.QUERY, account, _EFFORT)[0]
    if not isinstance(made, EmbeddedRow):
        raise made
    if made.vector is None:
        return None
    vectors = QueryVectors("text", _GIVEN, {"vector": builder.to_text(made.vector)})
    near = vector_search.nearest(serving(space), vectors, limit=limit, filter=query.filter)
    if not near:
        return None
    # Models differ in how far apart their similarities are: those that were found are the scale.
    best, worst = near[0].similarity, near[-1].similarity
    scale = _WORTH / (best - worst or 1)
    return ScoredList(
        space.name,
        [(n.product_id, n.external_id, scale * (n.similarity - worst)) for n in near],
    )


_GIVEN = sql.SQL("SELECT 0, 1::float8, NULL::bigint, %(vector)s::halfvec")
