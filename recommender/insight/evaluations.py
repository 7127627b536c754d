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
