"""What users did with products after a search: the products that a text leads to.

An event that names its query counts for it; any other counts for what the user searched for last,
within half an hour before.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.db import transaction
from psycopg import sql
from psycopg.types.json import Jsonb

from recommender import database
from recommender.history import exclusion, popularity
from recommender.models import Catalog
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter
from recommender.retrieval.lookup import Lookup

# Events so many days back count, and so many products of a text are kept.
_DAYS, _KEPT = 90, 100
# What nothing but a text's products would be worth, in the weights of events: four purchases.
# What a few users did says little.
_PRIOR = 20.0

# A text as it is looked up: its lexemes in the catalog's language, whatever their order and form.
_KEY = "array_to_string(tsvector_to_array(to_tsvector(l.config, {text})), ' ')"

# One vote for each text, user and product: the heaviest thing that the user did with it.
_LEARN = sql.SQL("""
INSERT INTO recommender_searchoutcome (catalog_id, query, product_id, share)
SELECT %(catalog)s, query, product_id, weight / (sum(weight) OVER (PARTITION BY query) + {prior})
FROM (
    SELECT query, product_id, sum(weight) AS weight,
           row_number() OVER (PARTITION BY query ORDER BY sum(weight) DESC, product_id) AS place
    FROM (
        SELECT {key} AS query, e.user_id, e.product_id, max(w.weight) AS weight
        FROM (
            SELECT user_id, product_id, type, COALESCE(query, CASE
                       WHEN at - max(at) FILTER (WHERE type = 'search') OVER searches
                            <= interval '30 minutes'
                       THEN (array_agg(query) FILTER (WHERE type = 'search') OVER searches)[
                           count(*) FILTER (WHERE type = 'search') OVER searches]
                   END) AS query
            FROM recommender_event e
            WHERE catalog_id = %(catalog)s AND at < %(before)s AND {counts}
              AND at >= %(before)s::timestamptz - make_interval(days => {days})
            WINDOW searches AS (PARTITION BY user_id ORDER BY at, id)
        ) e
        JOIN (SELECT key, value::float8 AS weight FROM jsonb_each_text(%(weights)s::jsonb)) w
            ON w.key = e.type AND w.weight > 0
        JOIN kinship_languages l ON l.catalog_id = %(catalog)s
        WHERE e.query IS NOT NULL AND e.product_id IS NOT NULL
        GROUP BY 1, 2, 3
    ) votes WHERE query <> '' GROUP BY query, product_id
) best WHERE place <= {kept}
""").format(
    key=sql.SQL(_KEY.format(text="e.query")),
    prior=sql.Literal(_PRIOR),
    days=sql.Literal(_DAYS),
    counts=exclusion.COUNTS,
    kept=sql.Literal(_KEPT),
)

# The available products that a text leads to.
_READ = sql.SQL("""
SELECT p.id, p.external_id, o.share, true
FROM kinship_languages l
JOIN recommender_searchoutcome o ON o.catalog_id = l.catalog_id AND o.query = {key}
JOIN recommender_product p ON p.id = o.product_id
WHERE l.catalog_id = %(catalog)s AND {condition}
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A product that a text leads to."""

    product_id: int
    external_id: str
    share: float  # of what users did after searching for it, 0 to 1


def learn(catalog: Catalog) -> None:
    """Count anew what users did after searches; readers see the old until it is all there."""
    with transaction.atomic():
        # no_key: products and users of the catalog can be added meanwhile.
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        database.execute(
            "DELETE FROM recommender_searchoutcome WHERE catalog_id = %s", (catalog.pk,)
        )
        parameters = {
            "catalog": catalog.pk,
            "before": popularity.clock(catalog),
            "weights": Jsonb(catalog.event_weights),
        }
        database.execute(_LEARN, parameters)


def find(
    catalog: Catalog,
    text: str,
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Lookup[list[Outcome]]:
    """The available products that a text leads to, the most first."""
    return Lookup(
        _query(filter_cache.condition(filter).as_string(None)),
        {"catalog": catalog.pk, "text": text, **(filter.parameters if filter else {})},
        lambda rows: [Outcome(key, external_id, share) for key, external_id, share, _ in rows],
    )


@lru_cache(maxsize=1000)
def _query(condition: str) -> str:
    passing = sql.SQL(condition)
    return _READ.format(key=sql.SQL(_KEY.format(text="%(text)s")), condition=passing).as_string(
        None
    )
