"""The evaluations that were made: kept, and how they went over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber
from django.dispatch import Signal
from django.utils import timezone
from psycopg import sql
from psycopg.types.json import Jsonb

from recommender import database
from recommender.insight.evaluation_result import Evaluation, as_document
from recommender.models import Catalog, EvaluationRun, Event
from recommender.ranking.metrics import Interval

# Of each catalog so many are kept: of two a night, more than half a year.
KEPT = 400
# The length of the lists whose quality is followed over time: the nightly ones.
K = 20
# A catalog without an event for so long has nothing new to be judged by.
_LIVE_FOR = timedelta(days=7)

# Of a row's document, the ranker's part; the best where several were measured, as methods are best
# first. Null where none was.
RANKED = """
jsonb_path_query_first(
    document, '$.methods[*] ? (@.kind == "ranker" && @.metrics.ndcg != null)')
"""

_POINTS = sql.SQL("""
SELECT made_at, ranked ->> 'name', ranked -> 'metrics' -> 'ndcg', ranked -> 'metrics' -> 'recall'
FROM (
    SELECT made_at, {ranked} AS ranked
    FROM recommender_evaluationrun
    WHERE catalog_id = %(catalog)s AND mode = %(mode)s AND document -> 'k' = %(k)s
    ORDER BY made_at DESC, id DESC LIMIT %(limit)s
) latest WHERE ranked IS NOT NULL ORDER BY made_at
""").format(ranked=sql.SQL(RANKED))

# Of each catalog the latest evaluation of what is new to users, beside the best simple method.
_LATEST = sql.SQL("""
SELECT c.id, r.made_at, (r.document ->> 'users')::int, (r.document ->> 'k')::int,
    ({ranked} -> 'metrics' -> 'recall' ->> 'mean')::float8,
    (simple -> 'metrics' -> 'recall' ->> 'mean')::float8, simple ->> 'name'
FROM unnest(%(catalogs)s::bigint[]) c(id)
CROSS JOIN LATERAL (
    SELECT * FROM recommender_evaluationrun WHERE catalog_id = c.id AND mode = 'new'
    ORDER BY made_at DESC, id DESC LIMIT 1
) r
CROSS JOIN LATERAL (SELECT jsonb_path_query_first(
    document, '$.methods[*] ? (@.kind != "ranker" && @.metrics.recall != null)') AS simple) s
""").format(ranked=sql.SQL(RANKED))


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a catalog's lists were in its latest evaluation, from 0 to 1.

    Attributes:
        recall: of the products that users came to next, the share that the rank listed; None where
            no rank was measured.
        simple: the same of the best method that is none, with its name; likewise.
    """

    at: datetime
    users: int
    k: int
    recall: float | None
    simple: float | None
    method: str | None

    @property
    def sentence(self) -> str:
        """It in words; empty where no rank was measured."""
        if self.recall is None:
            return ""
        told = (
            f"Of 100 products that users came to next, {100 * self.recall:.0f} were among the "
            f"{self.k} that they would have been shown"
        )
        if self.simple is not None:
            told += f"; the best simple method ({self.method}) lists {100 * self.simple:.0f}"
        return f"{told}. Measured on {self.users:,} users, {self.at:%-d %B %Y}."


@dataclass(frozen=True, slots=True)
class Point:
    """How well the best ranker did in one evaluation."""

    at: datetime
    ranker: str
    ndcg: Interval
    recall: Interval


# Sent with `catalog_id` when a person wants an evaluation; maybe inside a transaction.
evaluation_requested = Signal()


def request(catalog: Catalog) -> None:
    """Ask the workers to evaluate a catalog; what they find is stored."""
    evaluation_requested.send(Catalog, catalog_id=catalog.pk)


def store(catalog: Catalog, evaluation: Evaluation) -> EvaluationRun:
    """Keep an evaluation."""
    return EvaluationRun.objects.create(
        catalog=catalog, mode=evaluation.mode, document=as_document(evaluation)
    )


def live() -> list[Catalog]:
    """The catalogs whose now is the time of day and whose users did something lately."""
    since = timezone.now() - _LIVE_FOR
    lately = Event.objects.filter(catalog=OuterRef("pk"), at__gte=since)
    return list(Catalog.objects.filter(Exists(lately), clock=Catalog.Clock.NOW))


def prune() -> None:
    """Remove all but each catalog's latest KEPT evaluations."""
    place = Window(RowNumber(), "catalog", [F("made_at").desc(), F("pk").desc()])
    old = EvaluationRun.objects.annotate(place=place).filter(place__gt=KEPT)
    EvaluationRun.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()


def trend(catalog_id: int, mode: str, limit: int) -> Sequence[Point]:
    """How the rank did in the latest so many evaluations of K products, the oldest first."""
    parameters = {"catalog": catalog_id, "mode": mode, "limit": limit, "k": Jsonb(K)}
    return [
        Point(at, ranker, Interval(**ndcg), Interval(**recall))
        for at, ranker, ndcg, recall in database.fetch(_POINTS, parameters)
    ]


def latest(catalog_ids: Sequence[int]) -> dict[int, Quality]:
    """How good the lists of those of the catalogs are that were evaluated; one statement."""
    rows = database.fetch(_LATEST, {"catalogs": list(catalog_ids)})
    return {
        catalog: Quality(at, users, k, recall, simple, method)
        for catalog, at, users, k, recall, simple, method in rows
    }
