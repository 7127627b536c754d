"""The rows of a page for a user: several lists with a title each, no product in two of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommender import database
from recommender.engine import bought, charts, control, related
from recommender.engine.answer import FIRST_PAGE, Answer, Continuation, Query
from recommender.engine.backfill import NEWEST, POPULAR, TRENDING
from recommender.engine.candidates import Cause
from recommender.engine.given_history import NO_USER_TOKEN
from recommender.engine.recommend import recommend
from recommender.engine.stored import StoredUser, find_user
from recommender.history import popularity, repurchase
from recommender.models import Catalog
from recommender.retrieval import filters
from recommender.retrieval.filters import Filter

FOR_YOU, BECAUSE, NEW_IN, POPULAR_FROM = "for_you", "because", "new_in", "popular_from"
BUY_AGAIN = "buy_again"

# A row of fewer products is none, unless fewer are asked for; what is due is worth one of its own.
_FEWEST = 3
# Of the user's latest products, so many say which category and which brand are theirs.
_LATEST = 50

# Rows of (key, id, title, category, brand) of the products of these keys that are there.
_OWN = """
SELECT id, external_id, title, category, brand FROM recommender_product
WHERE catalog_id = %s AND id = ANY(%s) AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A list, what kind of row it is, and what its title names."""

    code: str
    answer: Answer
    name: str = ""  # of a category or a brand
    cause: Cause | None = None  # the own product that a row is because of


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The rows, and what there is to say of the user."""

    rows: Sequence[Row]
    missing_ids: tuple[str, ...]
    fallback: str | None  # what the page is made of where nothing tells the user's taste
    degraded: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Own:
    """A product that the user had."""

    id: str
    title: str
    category: str
    brand: str


@dataclass(frozen=True, slots=True)
class _Taste:
    """What the user's latest products say; empty of nobody."""

    excluded: tuple[int, ...] = ()
    cause: Cause | None = None
    category: str = ""
    brand: str = ""
    due: tuple[int, ...] = ()  # keys of products that are to be bought again


def page(catalog: Catalog, external_id: str, query: Query, most: int, *, names_own: bool) -> Page:
    """Up to so many rows for a user: of their taste, then of everybody's.

    Of a user nobody knows, or of whom the caller may not ask, everybody's alone.

    Args:
        query: of each row; its filter narrows all of them.
        names_own: whether rows may tell of products that the user had.
    """
    listed = recommend(catalog, external_id, query)
    taste = _Taste()
    if listed.fallback is None:
        user = find_user(catalog, external_id, query)
        taste = _Taste() if user is None else _taste(catalog, user, names_own=names_own)
    rows: list[Row] = []
    shown: set[str] = set()
    for make in _makers(catalog, listed, taste):
        # What other rows show is listed again, and dropped.
        asked = replace(
            query,
            count=query.count + len(shown),
            after=Continuation(shown=taste.excluded),
        )
        row = _without(make(asked), shown, query.count)
        fewest = 1 if row.code == BUY_AGAIN else min(_FEWEST, query.count)
        if len(row.answer.items) >= fewest:
            rows.append(row)
            shown |= {item.id for item in row.answer.items}
        if len(rows) == most:
            break
    return Page(
        rows=rows,
        missing_ids=listed.missing_ids,
        fallback=listed.fallback,
        degraded={"user": NO_USER_TOKEN} if listed.fallback == NO_USER_TOKEN else {},
    )


def _makers(catalog: Catalog, listed: Answer, taste: _Taste) -> Iterator[Callable[[Query], Row]]:
    """The rows that there may be, the most telling first."""
    if listed.fallback is None:
        yield lambda _: Row(FOR_YOU, listed)
    cause = taste.cause
    if cause is not None:
        yield lambda query: Row(BECAUSE, _going_with(catalog, cause, query), cause=cause)
    if taste.due:
        yield lambda query: Row(BUY_AGAIN, _bought_again(catalog, taste.due, query))
    if taste.category:
        yield lambda query: _narrowed(catalog, NEW_IN, NEWEST, "category", taste.category, query)
    yield lambda query: Row(TRENDING, charts.chart(catalog, TRENDING, None, query))
    if taste.brand:
        yield lambda query: _narrowed(catalog, POPULAR_FROM, POPULAR, "brand", taste.brand, query)
    yield lambda query: Row(POPULAR, charts.chart(catalog, POPULAR, None, query))
    yield lambda query: Row("new", charts.chart(catalog, NEWEST, None, query))


def _going_with(catalog: Catalog, cause: Cause, query: Query) -> Answer:
    """What completes a product that was bought; of any other, or where too little is, its like."""
    if cause.event == "purchase":
        answer = bought.bought(catalog, cause.id, query, bought.COMPLEMENTS)
        if answer.fallback is None and answer.complete:
            return answer
    return related.similar(catalog, cause.id, query)


def _bought_again(catalog: Catalog, due: Sequence[int], query: Query) -> Answer:
    """What the user buys again and again, and may need by now; the most popular of it first."""
    passing = control.among(due) & query.filter
    asked = replace(query, filter=passing, after=FIRST_PAGE)
    answer = charts.chart(catalog, POPULAR, None, asked)
    items = (replace(one, cause=Cause(one.id, event="purchase")) for one in answer.items)
    return replace(answer, items=tuple(items))


def _narrowed(catalog: Catalog, code: str, chart: str, field: str, value: str, query: Query) -> Row:
    passing: Filter = filters.parse({field: value}, {}, None, "row") & query.filter
    answer = charts.chart(catalog, chart, None, replace(query, filter=passing))
    return Row(code, answer, name=value.rpartition("/")[2])


def _without(row: Row, shown: set[str], count: int) -> Row:
    items = [item for item in row.answer.items if item.id not in shown][:count]
    is_short = len(items) < count
    reason = row.answer.reason or ("what other rows show is left out" if is_short else None)
    answer = replace(
        row.answer, items=tuple(items), complete=not is_short, reason=reason if is_short else None
    )
    return replace(row, answer=answer)


def _taste(catalog: Catalog, user: StoredUser, *, names_own: bool) -> _Taste:
    """The latest product that speaks best, and the category and brand of most of the latest."""
    liked = user.history.weights > 0
    products = user.history.product_ids[liked][:_LATEST]
    weights = user.history.weights[liked][:_LATEST]
    rows = database.fetch(_OWN, (catalog.pk, np.unique(products).tolist()))
    known = {row[0]: _Own(*row[1:]) for row in rows}
    is_known = np.isin(products, list(known))
    products, weights = products[is_known], weights[is_known]
    categories: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for key, weight in zip(products.tolist(), weights.tolist(), strict=True):
        categories[known[key].category] += weight
        brands[known[key].brand] += weight
    # Of the events of equal weight the latest comes first.
    best = products[weights.argmax()].item() if len(products) else None
    cause = None
    if names_own and best is not None:
        cause = Cause(known[best].id, known[best].title, user.strongest_events()[best])
    return _Taste(
        excluded=tuple(user.excluded.tolist()),
        cause=cause,
        category=_heaviest(categories),
        brand=_heaviest(brands),
        due=_due(catalog, user) if names_own else (),
    )


def _due(catalog: Catalog, user: StoredUser) -> tuple[int, ...]:
    return tuple(repurchase.due(user.pk, popularity.clock(catalog)).tolist())


def _heaviest(weights: Counter[str]) -> str:
    """The value of the greatest weight that is one; "" where there is none."""
    return max((value for value in weights if value), key=lambda value: weights[value], default="")
