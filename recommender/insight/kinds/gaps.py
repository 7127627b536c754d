"""What users look for or like that the catalog hardly has, and what it has that nobody meets."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql
from pydantic import Field

from recommender import database
from recommender.history import exclusion, popularity
from recommender.insight import reading
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, Parameters
from recommender.models import Catalog, Event, InsightFinding, InsightRun, Product
from recommender.retrieval import matches, synonyms, vocabulary

if TYPE_CHECKING:
    from recommender.insight.reading import Facts
    from recommender.training.fitting import Progress

# As long after a search what a user does counts as led to by it.
_FOLLOWED = "30 minutes"
_FEWEST_SEARCHES, _FEW_FOLLOWED = 5, 0.1

# The commonest texts: how often, by how many users, and after how many of the searches a user
# went on to a product.
_SEARCHES = sql.SQL("""
SELECT text, count(*), count(DISTINCT user_id), count(*) FILTER (WHERE went_on)
FROM (
    SELECT lower(btrim(e.query)) AS text, e.user_id, EXISTS (
               SELECT FROM recommender_event n
               WHERE n.user_id = e.user_id AND n.product_id IS NOT NULL AND n.type <> 'impression'
                 AND n.at >= e.at AND n.at <= e.at + {followed}::interval) AS went_on
    FROM recommender_event e
    WHERE e.catalog_id = %(catalog)s AND e.type = 'search' AND btrim(e.query) <> ''
      AND e.at < %(before)s AND e.at >= %(before)s::timestamptz - make_interval(days => %(days)s)
      AND {counts}
) s GROUP BY text ORDER BY count(*) DESC, text LIMIT %(most)s
""").format(followed=sql.Literal(_FOLLOWED), counts=exclusion.COUNTS)

_MET = sql.SQL("""
SELECT e.product_id, count(*) FILTER (WHERE e.type = 'impression'),
       count(*) FILTER (WHERE e.type <> 'impression')
FROM recommender_event e
WHERE e.catalog_id = %(catalog)s AND e.product_id IS NOT NULL AND e.at < %(before)s
  AND e.at >= %(before)s::timestamptz - make_interval(days => %(days)s) AND {counts}
GROUP BY e.product_id
""").format(counts=exclusion.COUNTS)


class GapParameters(Parameters):
    """Of which time, and how many searches are looked at."""

    days: int = Field(default=90, ge=1, le=3650, description="Of so many days before the last.")
    searches: int = Field(
        default=500, ge=0, le=5000, description="So many of the commonest searches are looked at."
    )


def check(catalog: Catalog, _asked: GapParameters) -> None:
    """See that there are products and events.

    Raises:
        InsightError: there are not.
    """
    if not Product.objects.filter(catalog=catalog, deleted_at=None).exists():
        raise InsightError("no-products", f"{catalog} has no products yet.")
    if not Event.objects.filter(catalog=catalog).exists():
        raise InsightError("no-events", f"{catalog} has no events yet.")


def run(catalog: Catalog, asked: GapParameters, say: "Progress") -> Outcome:
    """Searches, categories and clusters that lack products, and products that nobody meets."""
    from recommender.analysis import gaps  # noqa: PLC0415 - as the others of its package

    check(catalog, asked)
    window = {"catalog": catalog.pk, "before": popularity.clock(catalog), "days": asked.days}
    say("reading products")
    facts = reading.read_facts(catalog)
    say("reading events")
    shown, clicked = _met(facts, window)
    found = list(_searches(catalog, window | {"most": asked.searches}, say))
    say("comparing demand and stock")
    found += _lacking("category", facts.categories, facts, clicked)
    found += _lacking("cluster", _clusters(catalog, facts), facts, clicked)
    if shown.any():
        rows, expected = gaps.unclicked(shown, clicked)
        found += _never_clicked(facts, rows, expected, shown)
    found += _never_met(facts, shown, clicked)
    by_group = {group: sum(one.group == group for one in found) for group in _GROUPS}
    figures = {
        "by_group": by_group,
        "days": asked.days,
        "products_in_stock": int(facts.in_stock.sum()),
        "events": int(clicked.sum()),
        "impressions": int(shown.sum()),
    }
    return Outcome(found, figures, _summary(by_group))


_GROUPS = {
    "search": "searches without a product",
    "category": "categories",
    "cluster": "clusters with much demand and few products in stock",
    "never-clicked": "products shown and never clicked",
    "never-met": "products in stock that nobody met",
}


def _summary(by_group: dict[str, int]) -> str:
    return "; ".join(f"{by_group[group]:,} {words}" for group, words in _GROUPS.items()) + "."


def _met(facts: "Facts", window: dict[str, Any]) -> tuple[Any, Any]:
    """How often each product was shown, and how often something was done with it."""
    shown, clicked = np.zeros(len(facts), np.int64), np.zeros(len(facts), np.int64)
    rows = database.fetch(_MET, window)
    keys = np.array([row[0] for row in rows], dtype=np.int64)
    places = np.searchsorted(facts.keys, keys)
    for place, key, row in zip(places.tolist(), keys.tolist(), rows, strict=True):
        if place < len(facts) and facts.keys[place] == key:
            shown[place], clicked[place] = row[1], row[2]
    return shown, clicked


def _searches(catalog: Catalog, window: dict[str, Any], say: "Progress") -> Iterator[Finding]:
    texts = database.fetch(_SEARCHES, window)
    for done, (text, searches, users, went_on) in enumerate(texts):
        say("looking searches up", done, len(texts))
        products = _having(catalog, text)
        share = went_on / searches
        is_ignored = searches >= _FEWEST_SEARCHES and share < _FEW_FOLLOWED
        if products and not is_ignored:
            continue
        why = "no product in stock has these words"
        if products:
            why = f"{products:,} products have these words, and hardly anybody goes on to one"
        data = {
            "text": text,
            "searches": searches,
            "users": users,
            "products": products,
            "went_on": round(share, 4),
            "reason": f"{searches:,} searches for {text!r} by {users:,} users: {why}",
        }
        yield Finding(None, None, "search", float(users), data)


def _having(catalog: Catalog, text: str) -> int:
    """How many products in stock have all words of a text, as the search finds them."""
    words = synonyms.applied(catalog, vocabulary.look_up(catalog, text))
    if not words:
        return 0
    found = matches.of(catalog, words, has_all=True, given=(), filter=None)
    statement = sql.SQL("SELECT count(*) FROM ({}) p").format(found.select)
    count: int = database.fetch(statement, dict(found.parameters))[0][0]
    return count


def _clusters(catalog: Catalog, facts: "Facts") -> Any:
    """The cluster of each product, with its name, by the latest run of clusters; "" without one."""
    labels = np.full(len(facts), "", dtype=object)
    done = InsightRun.objects.filter(catalog=catalog, kind="clusters", status="done")
    latest = done.order_by("-pk").first()
    if latest is None:
        return labels
    of = InsightFinding.objects.filter(run=latest, product__isnull=False)
    clusters = dict(of.values_list("product_id", "group"))
    names = {one["group"]: one["name"] for one in latest.figures.get("described", ())}
    for place, key in enumerate(facts.keys.tolist()):
        group = clusters.get(key, "")
        labels[place] = f"cluster {group} ({names[group]})" if names.get(group) else group
    return labels


def _lacking(noun: str, names: Any, facts: "Facts", clicked: Any) -> list[Finding]:
    from recommender.analysis import gaps  # noqa: PLC0415 - as the others of its package

    labels = sorted({name for name in names if name})
    if len(labels) < 2:
        return []
    places = {label: place for place, label in enumerate(labels)}
    codes = np.array([places.get(name, -1) for name in names], dtype=np.int64)
    found = gaps.by_group(codes, clicked, facts.in_stock, len(labels))
    return [
        Finding(
            None,
            None,
            noun,
            float(found.times_usual[row]),
            {
                noun: labels[row],
                "events": int(found.events[row]),
                "products": int(found.products[row]),
                "in_stock": int(found.in_stock[row]),
                "times_usual": round(float(found.times_usual[row]), 2),
                "reason": f"{labels[row]}: {found.events[row]:,} events and "
                f"{found.in_stock[row]:,} of {found.products[row]:,} products in stock: "
                f"{found.times_usual[row]:.1f} times the demand of other products",
            },
        )
        for row in found.lacking.tolist()
    ]


def _never_clicked(facts: "Facts", rows: Any, expected: Any, shown: Any) -> Iterator[Finding]:
    for row, clicks in zip(rows.tolist(), expected.tolist(), strict=True):
        why = f"shown {shown[row]:,} times and never clicked, where {clicks:.0f} clicks are usual"
        data = {"shown": int(shown[row]), "expected_clicks": round(clicks, 1), "reason": why}
        yield Finding(int(facts.keys[row]), None, "never-clicked", clicks, data)


def _never_met(facts: "Facts", shown: Any, clicked: Any) -> Iterator[Finding]:
    why = "in stock, and as far as events tell nobody has met it"
    if shown.any():
        why = "in stock, and never shown, as far as events tell"
    for row in np.flatnonzero(facts.in_stock & (shown == 0) & (clicked == 0)).tolist():
        yield Finding(int(facts.keys[row]), None, "never-met", 0.0, {"reason": why})


KIND = Kind(
    name="gaps",
    title="Gaps",
    help="What users look for or like that the catalog hardly has, and products nobody meets.",
    parameters=GapParameters,
    run=run,
    check=check,
    examples=("--days 30",),
)
