"""Products for a text: by their words, by their meaning and by their ids, for a user or for all.

Each way to find products gives a list with scores, and a weighted sum makes one of them: a convex
combination, which Bruch, Gai & Ingber (2023) found better than reciprocal-rank fusion. With a
user, their rank of the candidates is one more list.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from psycopg import sql

from recommender.engine import backfill, meaning, trace
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.candidates import SEARCHED, Cause
from recommender.engine.given_history import GivenEvent, with_history
from recommender.engine.meaning import Vector
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.recommend import NO_USER_TOKEN
from recommender.engine.stored import StoredUser, find_user, ranker_of
from recommender.models import Catalog, Space
from recommender.profiles import builder
from recommender.retrieval import text_search, vector_search, vocabulary
from recommender.retrieval.text_search import Match
from recommender.retrieval.vector_search import QueryVectors
from recommender.retrieval.vocabulary import QueryWord
from recommender.spaces import switching
from recommender.spaces.switching import serving

# The names of lists, as contributions to a score; a space's list has the space's name.
BY_ID, WORDS, PERSONAL = "id", "words", "personal"

# Each list is so long at least, and so many times as long as the answer.
_PROPOSALS, _PROPOSALS_A_PLACE = 100, 2
# What the best of each list is worth: by words, a product that has all of them in its title; by
# meaning, the nearest of those that were found; by the user's taste, at full weight.
_WORDS_WORTH, _MEANING_WORTH, _TASTE_WORTH = 1.0, 0.3, 0.5
# An exact id is what was asked for, whatever else there is.
_ID_WORTH = 10.0
# How many of those that were found, but not listed, an answer tells for its next page.
_TAIL = 100
# How much a user's taste counts where nobody says.
DEFAULT_PERSONAL = 0.5
_CAUSE = Cause("", event=SEARCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is searched for, checked."""

    text: str
    query: Query
    user: str | None = None  # whose taste counts
    given: Sequence[GivenEvent] = ()  # products and events that count as the user's latest
    personal: float = 0.0  # how much their taste counts beside the words, 0 to 1
    lists: Collection[str] | None = None  # by name, those that count; None for all


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The products that were found, and how."""

    answer: Answer
    words: Sequence[QueryWord]
    meant: str  # the text without what seems misspelt
    has_all: bool  # whether some product has all of the words


@dataclass(frozen=True, slots=True)
class _List:
    """Products that one way has found, and what each is worth."""

    name: str
    products: Sequence[tuple[int, str, float]]  # keys, ids and worths


def search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    """The available products that a text asks for, the best first.

    Where nothing is found the answer is what is popular, and says so in `fallback`. A model that
    cannot be asked costs the answer its list alone, and the answer says so in `degraded`.
    """
    return switching.answered(partial(_search, catalog, asked))


def _search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    query = asked.query
    # What was shown before is found again, and left out.
    limit = max(_PROPOSALS, _PROPOSALS_A_PLACE * query.count) + len(query.after.shown)
    with trace.stage("words"):
        words = vocabulary.look_up(catalog, asked.text)
        matches = text_search.by_words(catalog, words, limit=limit, filter=query.filter)
        meant = vocabulary.meant(asked.text, words)
    with trace.stage("meaning"):
        near, degraded, spaces = _by_meaning(catalog, query, meant, limit)
    with trace.stage("combine"):
        lists = [_by_id(catalog, asked), _by_words(catalog, words, matches), *near]
        used = [one for one in lists if asked.lists is None or one.name in asked.lists]
        found = _combined(used, query.after.shown)
        trace.note(**{one.name: len(one.products) for one in used}, found=len(found))
    whose = _whose(catalog, asked)
    degraded |= whose.degraded
    if whose.user is not None and asked.personal and found:
        excluded = set(whose.user.excluded.tolist())
        found = [one for one in found if one.product_id not in excluded]
        store = PostgresStore(
            catalog=catalog, user=whose.user, query=query, is_given=bool(asked.given)
        )
        with trace.stage("personal"):
            found = _personal(store, found, query.count, asked.personal)
    page, rest = _paged(found, query)
    answer = _answer(catalog, query, page, spaces, whose.missing)
    return SearchAnswer(
        answer=replace(
            answer,
            degraded={**answer.degraded, **degraded},
            tail=tuple(one.product_id for one in rest[:_TAIL]),
        ),
        words=words,
        meant=meant,
        has_all=any(match.has_all for match in matches),
    )


@dataclass(frozen=True, slots=True)
class _Whose:
    """Somebody whose taste counts; None where nobody's does, and why."""

    user: StoredUser | None = None
    missing: tuple[str, ...] = ()
    degraded: Mapping[str, str] = field(default_factory=dict)


def _whose(catalog: Catalog, asked: SearchQuery) -> _Whose:
    query, name = asked.query, asked.user
    user = find_user(catalog, name, query) if name is not None and asked.personal else None
    missing = (name,) if name is not None and asked.personal and user is None else ()
    degraded = {}
    if user is not None and query.anonymous_only and not user.is_anonymous:
        user, degraded = None, {PERSONAL: NO_USER_TOKEN}
    if asked.given:
        user, unknown = with_history(catalog, user, asked.given, query)
        return _Whose(user, (*missing, *unknown), degraded)
    return _Whose(user if user is not None and user.history_version else None, missing, degraded)


def _paged(found: Sequence["_Found"], query: Query) -> tuple[list["_Found"], list["_Found"]]:
    """The page, best first, and what comes after it: what would have come next goes first."""
    places = {key: place for place, key in enumerate(query.after.tail)}
    in_turn = sorted(found, key=lambda one: places.get(one.product_id, len(places)))
    return _sorted(in_turn[: query.count]), in_turn[query.count :]


@dataclass(slots=True)
class _Found:
    """A product with what each list contributes to its score."""

    product_id: int
    external_id: str
    contributions: dict[str, float]

    @property
    def score(self) -> float:
        return sum(self.contributions.values())


def _by_id(catalog: Catalog, asked: SearchQuery) -> _List:
    query = asked.query
    limit = query.count + len(query.after.shown)
    ids = text_search.by_id(catalog, asked.text, limit=limit, filter=query.filter)
    return _List(
        BY_ID, [(key, name, _ID_WORTH / rank) for rank, (key, name) in enumerate(ids, start=1)]
    )


def _by_words(catalog: Catalog, words: Sequence[QueryWord], matches: Sequence[Match]) -> _List:
    scale = _WORDS_WORTH / text_search.best_score(words, catalog.words_counted_of)
    return _List(WORDS, [(m.product_id, m.external_id, scale * m.score) for m in matches])


def _combined(lists: Iterable[_List], shown: Collection[int]) -> list[_Found]:
    """All that was found and not shown before, the best first."""
    found: dict[int, _Found] = {}
    for one in lists:
        for key, external_id, worth in one.products:
            product = found.setdefault(key, _Found(key, external_id, {}))
            product.contributions[one.name] = worth
    for key in shown:
        found.pop(key, None)
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
    step = weight * _TASTE_WORTH / max(1, len(best_first))
    worths = {
        key: step * (len(best_first) - place) for place, key in enumerate(best_first.tolist())
    }
    for one in found:
        if one.product_id in worths:
            one.contributions[PERSONAL] = worths[one.product_id]
    return _sorted(found)


def _by_meaning(
    catalog: Catalog, query: Query, text: str, limit: int
) -> tuple[list[_List], dict[str, str], tuple[str, ...]]:
    """The products nearest to the text in each space that reads texts; why not in others."""
    meant = meaning.of_text(catalog, text)
    found = [(space, _nearest(space, vector, query, limit)) for space, vector in meant.vectors]
    lists = [near for _, near in found if near is not None]
    labels = sorted(str(space) for space, near in found if near is not None)
    # Of several spaces each is worth a part.
    shared = [
        _List(one.name, [(key, name, worth / len(lists)) for key, name, worth in one.products])
        for one in lists
    ]
    return shared, dict(meant.degraded), tuple(labels)


def _nearest(space: Space, vector: Vector, query: Query, limit: int) -> _List | None:
    """The products nearest to a vector; None where there is none."""
    vectors = QueryVectors("text", _GIVEN, {"vector": builder.to_text(vector)})
    near = vector_search.nearest(serving(space), vectors, limit=limit, filter=query.filter)
    if not near:
        return None
    # Models differ in how far apart their similarities are: those that were found are the scale.
    best, worst = near[0].similarity, near[-1].similarity
    scale = _MEANING_WORTH / (best - worst or 1)
    return _List(
        space.name,
        [(n.product_id, n.external_id, scale * (n.similarity - worst)) for n in near],
    )


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
        for one in found
    ]
    return backfill.complete(catalog, items, query, spaces=spaces, missing_ids=missing)
