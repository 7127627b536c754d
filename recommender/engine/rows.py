"""The rows of a page for a user: several lists with a title each, no product in two of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import numpy as np

from recommender import database, time_budget
from recommender.engine import bought, charts, control, given_history, related, trace
from recommender.engine.answer import FIRST_PAGE, SEEN, Answer, Continuation, Query
from recommender.engine.backfill import NEWEST, POPULAR, TRENDING
from recommender.engine.candidates import Cause
from recommender.engine.given_history import Asker, GivenEvent, with_history
from recommender.engine.recommend import recommend_to
from recommender.engine.stored import StoredUser, find_popularity, nobody_beside
from recommender.history import repurchase
from recommender.models import Catalog
from recommender.retrieval import filters
from recommender.time_budget import TIMEOUT, TimeUpError

T = TypeVar("T")

FOR_YOU, BECAUSE, NEW_IN, POPULAR_FROM = "for_you", "because", "new_in", "popular_from"
BUY_AGAIN = "buy_again"

# A row of fewer products is none, unless fewer are asked for; what is due is worth one of its own.
_FEWEST = 3
# Of the time that is left, for each row in its turn: what is slow about one is not about all.
_SHARE = 0.5
# Of the user's latest products, so many say which category and which brand are theirs.
_LATEST = 50

# Rows of (key, id, title, category, brand) of the products of these keys that are there.
_OWN = """
SELECT id, external_id, title, category, brand FROM recommender_product
WHERE catalog_id = %s AND id = ANY(%s) AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A list, what kind of row it is, and what its title names."""

    code: str
    answer: Answer
    name: str = ""  # of a category or a brand
    cause: Cause | None = None  # the own product that a row is because of
    road: str = ""  # the list that goes on where the row ends; "" where none does
    subject: str = ""  # what that list is asked of
    narrowed: Mapping[str, str] = field(default_factory=dict)  # the filter that makes it the row's


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The rows, and what there is to say of the user."""

    rows: Sequence[Row]
    missing_ids: tuple[str, ...]
    fallback: str | None  # what the page is made of where nothing tells the user's taste
    degraded: dict[str, str]
    excluded: tuple[int, ...]  # keys of the user's own products, which no row lists


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

    Of a user nobody knows, or of whom the caller may not ask, everybody's alone. Rows that there
    is no time for are left out, and `degraded` says so.

    Args:
        query: of each row; its filter narrows all of them.
        names_own: whether rows may tell of products that the user had.
    """
    query = replace(query, counts_others=False)
    degraded: dict[str, str] = {}
    with trace.stage("user"):
        find = partial(given_history.asker, catalog, external_id, query)
        asking = _in_time(find, "user", degraded) or Asker(None)
    listed = _in_time(partial(recommend_to, catalog, asking, query), FOR_YOU, degraded)
    taste = _Taste()
    if asking.user is not None and (listed is None or listed.fallback is None):
        tell = partial(_taste, catalog, asking.user, names_own=names_own)
        taste = _in_time(tell, "taste", degraded) or taste
    fallback = listed.fallback if listed is not None else None
    if asking.refusal is not None:
        degraded["user"] = asking.refusal
    making = _Making(catalog, asking, query, taste)
    rows: list[Row] = []
    shown = set(query.after.shown)
    names: set[str] = set()
    for make in making.makers(listed):
        # What other rows show is listed again, and dropped.
        asked = replace(
            query,
            count=query.count + len(names),
            after=Continuation(shown=(*shown, *taste.excluded)),
        )
        with trace.stage("row"):
            made = _in_time(partial(make, asked), "rows", degraded)
            if made is None:
                continue
            row = _without(made, names, query.count)
            trace.note(code=row.code, found=len(row.answer.items))
        fewest = 1 if row.code == BUY_AGAIN else min(_FEWEST, query.count)
        if len(row.answer.items) >= fewest:
            rows.append(row)
            names |= {item.id for item in row.answer.items}
        if len(rows) == most:
            break
    return Page(
        rows=rows,
        missing_ids=asking.missing,
        fallback=fallback,
        degraded=degraded,
        excluded=taste.excluded,
    )


def _in_time(work: Callable[[], T], name: str, degraded: dict[str, str]) -> T | None:
    """What some work gives; None where there is no time for it, which is told."""
    try:
        with time_budget.a_part(_SHARE):
            return work()
    except TimeUpError:
        degraded[name] = TIMEOUT
    return None


@dataclass(frozen=True, slots=True)
class _Making:
    """What the rows of one page are made of."""

    catalog: Catalog
    asking: Asker
    query: Query
    taste: _Taste

    def makers(self, listed: Answer | None) -> Iterator[Callable[[Query], Row]]:
        """The rows that there may be, the most telling first.

        Args:
            listed: what is for the user; None where there was no time for it.
        """
        user, taste = self.asking.user, self.taste
        if user is not None and listed is not None and listed.fallback is None:
            yield lambda _: Row(code=FOR_YOU, answer=listed, road="for_user")
        cause = taste.cause
        if user is not None and cause is not None:
            yield lambda query: self._going_with(user, cause, query)
        if taste.due:
            yield lambda query: _bought_again(self.catalog, taste.due, query)
        if taste.category:
            yield partial(self._chart, NEW_IN, NEWEST, {"category": taste.category})
        yield partial(self._chart, TRENDING, TRENDING, {})
        if taste.brand:
            yield partial(self._chart, POPULAR_FROM, POPULAR, {"brand": taste.brand})
        yield partial(self._chart, POPULAR, POPULAR, {})
        yield partial(self._chart, "new", NEWEST, {})

    def _going_with(self, user: StoredUser, cause: Cause, query: Query) -> Row:
        """What completes a product that was bought; of any other, or where too little is, its
        like."""
        given = [GivenEvent(product=cause.id, weight=1.0)]
        seen = replace(query, exclude=frozenset({SEEN}))
        seeded, _ = with_history(self.catalog, nobody_beside(user, query), given, seen)
        if cause.event == "purchase":
            answer = bought.completing(self.catalog, seeded, query)
            if answer.fallback is None and answer.complete:
                road = "complements"
                return Row(code=BECAUSE, answer=answer, cause=cause, road=road, subject=cause.id)
        answer = related.like(self.catalog, seeded, cause.id, query)
        return Row(code=BECAUSE, answer=answer, cause=cause, road="similar", subject=cause.id)

    def _chart(self, code: str, chart: str, narrowed: Mapping[str, str], query: Query) -> Row:
        if narrowed:
            passing = filters.parse(dict(narrowed), {}, None, "row") & query.filter
            query = replace(query, filter=passing)
        answer = charts.chart(self.catalog, chart, None, query)
        name = next(iter(narrowed.values()), "").rpartition("/")[2]
        road = "new" if chart == NEWEST else chart
        return Row(code=code, answer=answer, name=name, road=road, narrowed=narrowed)


def _bought_again(catalog: Catalog, due: Sequence[int], query: Query) -> Row:
    """What the user buys again and again, and may need by now; the most popular of it first."""
    passing = control.among(due) & query.filter
    asked = replace(query, filter=passing, after=FIRST_PAGE)
    answer = charts.chart(catalog, POPULAR, None, asked)
    items = (replace(one, cause=Cause(one.id, event="purchase")) for one in answer.items)
    return Row(code=BUY_AGAIN, answer=replace(answer, items=tuple(items)))


def _without(row: Row, shown: set[str], count: int) -> Row:
    items = [item for item in row.answer.items if item.id not in shown][:count]
    is_short = len(items) < count
    reason = row.answer.reason or "what other rows show is left out"
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
    stands = find_popularity(catalog, user.popularity_refreshed_at, None)
    now = datetime.fromtimestamp(stands.now(), UTC)
    return tuple(repurchase.due(user.pk, now).tolist())


def _heaviest(weights: Counter[str]) -> str:
    """The value of the greatest weight that is one; "" where there is none."""
    return max((value for value in weights if value), key=lambda value: weights[value], default="")
