"""Products for a text: by their words, by their meaning and by their ids, for a user or for all.

Each way to find products gives a list; reciprocal-rank fusion makes one of them. With a user, their
rank of the candidates is one more list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import structlog
from django.db.models import Q
from psycopg import sql

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import EmbeddingError
from embeddings.types import Input, Modality, Output, Role
from recommender.engine import backfill
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.candidates import SEARCHED, Cause
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.recommend import NO_USER_TOKEN
from recommender.engine.stored import find_user, ranker_of
from recommender.models import Catalog, Space
from recommender.profiles import builder
from recommender.providers import metered
from recommender.providers.metered import Account, Effort
from recommender.providers.places import place
from recommender.ranking.ranker import reciprocal_rank
from recommender.retrieval import text_search, vector_search, vocabulary
from recommender.retrieval.vector_search import QueryVectors
from recommender.retrieval.vocabulary import QueryWord
from recommender.spaces import switching
from recommender.spaces.alignment import embedder_of
from recommender.spaces.switching import serving

log = structlog.get_logger()

# The names of lists, as contributions to a score; a space's list has the space's name.
BY_ID, WORDS, PERSONAL = "id", "words", "personal"

# Each list is so long at least, and so many times as long as the answer.
_PROPOSALS, _PROPOSALS_A_PLACE = 100, 2
# An exact id is what was asked for, whatever else there is.
_AN_ID = 1.0
# A request does not wait for a provider as a worker does.
_EFFORT = Effort(attempts=1, patience=1.0)
_CAUSE = Cause("", event=SEARCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is searched for, checked."""

    text: str
    query: Query
    user: str | None = None  # whose taste counts
    personal: float = 0.0  # how much it counts beside the words, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The products that were found, and how."""

    answer: Answer
    words: Sequence[QueryWord]
    has_all: bool  # whether some product has all of the words
    degraded: Mapping[str, str]  # by name of the list that did not come about, why


@dataclass(frozen=True, slots=True)
class _List:
    """Products that one way has found, the best first."""

    name: str
    products: Sequence[tuple[int, str]]  # keys and ids


def search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    """The available products that a text asks for, the best first.

    Where nothing is found the answer is what is popular, and says so in `fallback`. A model that
    cannot be asked costs the answer its list alone, and the answer says so in `degraded`.
    """
    return switching.answered(partial(_search, catalog, asked))


def _search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    query = asked.query
    limit = max(_PROPOSALS, _PROPOSALS_A_PLACE * query.count)
    words = vocabulary.look_up(catalog, asked.text)
    matches = text_search.by_words(catalog, words, limit=limit, filter=query.filter)
    ids = text_search.by_id(catalog, asked.text, limit=query.count, filter=query.filter)
    near, degraded, spaces = _by_meaning(catalog, query, vocabulary.meant(asked.text, words), limit)
    lists = [
        _List(WORDS, [(match.product_id, match.external_id) for match in matches]),
        *near,
    ]
    found = _fused(lists, ids)
    missing: tuple[str, ...] = ()
    if asked.user is not None and asked.personal and found:
        user = find_user(catalog, asked.user, query)
        if user is None:
            missing = (asked.user,)
        elif query.anonymous_only and not user.is_anonymous:
            degraded[PERSONAL] = NO_USER_TOKEN
        elif user.history_version:
            store = PostgresStore(catalog=catalog, user=user, query=query)
            found = _personal(store, found, query.count, asked.personal)
    return SearchAnswer(
        answer=_answer(catalog, query, found, spaces, missing),
        words=words,
        has_all=any(match.has_all for match in matches),
        degraded=degraded,
    )


@dataclass(slots=True)
class _Found:
    """A product with what each list contributes to its score."""

    product_id: int
    external_id: str
    contributions: dict[str, float]

    @property
    def score(self) -> float:
        return sum(self.contributions.values())


def _fused(lists: Iterable[_List], ids: Sequence[tuple[int, str]]) -> list[_Found]:
    found: dict[int, _Found] = {}

    def add(product: tuple[int, str], name: str, worth: float) -> None:
        one = found.setdefault(product[0], _Found(*product, {}))
        one.contributions[name] = worth

    for one in lists:
        for rank, product in enumerate(one.products, start=1):
            add(product, one.name, reciprocal_rank(rank))
    for rank, product in enumerate(ids, start=1):
        add(product, BY_ID, _AN_ID / rank)
    return _sorted(found.values())


def _sorted(found: Iterable[_Found]) -> list[_Found]:
    return sorted(found, key=lambda one: (-one.score, one.product_id))


def _personal(
    store: PostgresStore, found: Sequence[_Found], count: int, weight: float
) -> list[_Found]:
    """The same with the user's rank of them as one more list."""
    pipeline, context = Pipeline(store, count), store.context()
    if not pipeline.is_personal(context):
        return list(found)
    ranker = ranker_of(store.user.ranker)
    keys = np.sort(np.array([one.product_id for one in found], dtype=np.int64))
    table = pipeline.candidates_of(context, keys).table
    best_first = table.products[np.argsort(-ranker.score(table), kind="stable")]
    ranks = {key: rank for rank, key in enumerate(best_first.tolist(), start=1)}
    for one in found:
        if one.product_id in ranks:
            # By words and by meaning a product has two votes, and so has the user at full weight.
            one.contributions[PERSONAL] = 2 * weight * reciprocal_rank(ranks[one.product_id])
    return _sorted(found)


def _by_meaning(
    catalog: Catalog, query: Query, text: str, limit: int
) -> tuple[list[_List], dict[str, str], tuple[str, ...]]:
    """The products nearest to the text in each space that reads texts; why not in others."""
    lists: list[_List] = []
    labels: list[str] = []
    degraded: dict[str, str] = {}
    dense = ~Q(kind=Space.Kind.BEHAVIOUR) & ~Q(output=Space.Output.SPARSE)
    active = Space.objects.filter(dense, catalog=catalog, status=Space.Status.ACTIVE)
    for space in active.defer("fold_in", "boilerplate").order_by("pk"):
        try:
            near = _nearest(catalog, space, query, text, limit)
        except EmbeddingError as exc:
            log.warning("search without a space", space=space.pk, error=str(exc))
            degraded[space.name] = str(exc)
            continue
        if near is not None:
            lists.append(near)
            labels.append(str(space))
    return lists, degraded, tuple(sorted(labels))


def _nearest(catalog: Catalog, space: Space, query: Query, text: str, limit: int) -> _List | None:
    """The products nearest to the text; None where the space reads no text.

    Raises:
        EmbeddingError: the model cannot be asked now.
    """
    embedder = embedder_of(space)
    if Modality.TEXT not in embedder.spec.modalities or not Output(space.output).is_dense:
        return None
    source = Input(text=text)
    with place(embedder.spec, [source]):
        made = metered.embed_rows(embedder, [source], Role.QUERY, Account(catalog), _EFFORT)[0]
    if not isinstance(made, EmbeddedRow):
        raise made
    if made.vector is None:
        return None
    vectors = QueryVectors("text", _GIVEN, {"vector": builder.to_text(made.vector)})
    near = vector_search.nearest(serving(space), vectors, limit=limit, filter=query.filter)
    return _List(space.name, [(n.product_id, n.external_id) for n in near])


_GIVEN = sql.SQL("SELECT 0, 1::float8, NULL::bigint, %(vector)s::halfvec")


def _answer(
    catalog: Catalog,
    query: Query,
    found: Sequence[_Found],
    spaces: tuple[str, ...],
    missing: tuple[str, ...],
) -> Answer:
    if not found:
        return backfill.fall_back(catalog, query, missing_ids=missing)
    items = [
        Item(
            one.external_id,
            one.score,
            max(one.contributions, key=lambda name: (one.contributions[name], name)),
            one.contributions,
            cause=_CAUSE,
        )
        for one in found[: query.count]
    ]
    return backfill.complete(catalog, items, query, spaces=spaces, missing_ids=missing)
