"""How good search is: judged queries asked of the code that serves, and its lists graded."""

import csv
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from recommender import database
from recommender.engine import search
from recommender.engine.answer import Query
from recommender.engine.search import DEFAULT_PERSONAL, SearchQuery
from recommender.models import Catalog

RECALL_AT = 100
_COLUMNS = {"query", "product", "grade"}
_BEST_GRADE = 10


class JudgementsError(ValueError):
    """A file of judged queries that cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and how well products answer it; those not named do not."""

    text: str
    grades: Mapping[str, int]  # from 1, by the product's id
    kind: str = ""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What one list was worth for one query; all from 0 to 1 but the time."""

    ndcg: float  # at k; the gain of a grade g is 2^g − 1 (Burges et al. 2005)
    reciprocal_rank: float  # of the first product that is judged
    recall: float  # at 100, of the products that are judged
    success: float  # whether one of them is among the first k
    milliseconds: float


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """Means over queries, and the middle and the slowest answers."""

    name: str
    queries: int
    ndcg: float
    mrr: float
    recall: float
    success: float
    p50: float
    p99: float


def read_judgements(lines: Iterable[str]) -> list[JudgedQuery]:
    """Judged queries out of CSV with the columns query, product and grade, and maybe kind.

    Raises:
        JudgementsError: a column is missing, or a row is not right; the message says which.
    """
    rows = csv.DictReader(lines)
    if missing := _COLUMNS - set(rows.fieldnames or ()):
        raise JudgementsError(
            f"There is no column {', '.join(sorted(missing))}; the first line names the columns "
            "query, product and grade, and maybe kind."
        )
    grades: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        grades.setdefault(((row["query"] or "").strip(), row.get("kind") or ""), {})[
            (row["product"] or "").strip()
        ] = _grade(row, rows.line_num)
    if not grades:
        raise JudgementsError("There is no judged query in the file.")
    return [JudgedQuery(text, judged, kind) for (text, kind), judged in grades.items()]


def _grade(row: Mapping[str, str | None], line: int) -> int:
    grade = (row["grade"] or "").strip()
    if not (grade.isascii() and grade.isdigit() and 1 <= int(grade[:9]) <= _BEST_GRADE):
        raise JudgementsError(
            f"Line {line}: the grade {grade!r} is not a whole number from 1 to {_BEST_GRADE}; "
            "leave out what does not answer the query."
        )
    if not (row["query"] or "").strip() or not (row["product"] or "").strip():
        raise JudgementsError(f"Line {line}: the query or the product is empty.")
    return int(grade)


def ask(
    catalog: Catalog, query: JudgedQuery, *, k: int, lists: Collection[str] | None = None
) -> QueryResult:
    """Search for a judged query, and grade the list.

    Args:
        lists: names of the lists that count; None for all, as it is served.
    """
    asked = SearchQuery(
        text=query.text, query=Query(count=max(k, RECALL_AT), exclude=frozenset()), lists=lists
    )
    return _graded(catalog, asked, query.grades, k)


def _graded(catalog: Catalog, asked: SearchQuery, grades: Mapping[str, int], k: int) -> QueryResult:
    began = time.perf_counter()
    answer = search.search(catalog, asked).answer
    milliseconds = 1000 * (time.perf_counter() - began)
    # What is popular where nothing was found is no result of a search.
    ids = [] if answer.fallback else [item.id for item in answer.items]
    first = next((place for place, name in enumerate(ids, start=1) if name in grades), None)
    return QueryResult(
        ndcg=_gain([grades.get(name, 0) for name in ids[:k]])
        / _gain(sorted(grades.values(), reverse=True)[:k]),
        reciprocal_rank=1 / first if first else 0.0,
        recall=len(grades.keys() & set(ids[:RECALL_AT])) / len(grades),
        success=float(first is not None and first <= k),
        milliseconds=milliseconds,
    )


def _gain(grades: Sequence[int]) -> float:
    """Discounted cumulative gain (Järvelin & Kekäläinen 2002)."""
    discounts = np.log2(np.arange(2, len(grades) + 2))
    return float(((2.0 ** np.array(grades) - 1) / discounts).sum())


def summary(name: str, results: Sequence[QueryResult]) -> SearchFigures:
    """The figures of a list over queries.

    Raises:
        StatisticsError: there is none.
    """
    times = np.array([result.milliseconds for result in results])
    return SearchFigures(
        name=name,
        queries=len(results),
        ndcg=mean(result.ndcg for result in results),
        mrr=mean(result.reciprocal_rank for result in results),
        recall=mean(result.recall for result in results),
        success=mean(result.success for result in results),
        p50=float(np.percentile(times, 50)),
        p99=float(np.percentile(times, 99)),
    )


# The latest purchase of each user, of products whose category says what was looked for.
_PURCHASES = """
SELECT * FROM (
    SELECT DISTINCT ON (e.user_id) u.external_id AS user, e.at, p.external_id AS product,
        regexp_replace(p.category, '^.*/', '') AS text
    FROM recommender_event e JOIN recommender_user u ON u.id = e.user_id
    JOIN recommender_product p ON p.id = e.product_id
    WHERE e.catalog_id = %(catalog)s AND e.type = 'purchase' AND p.category <> ''
      AND p.deleted_at IS NULL AND p.in_stock
    ORDER BY e.user_id, e.at DESC, e.product_id
) latest ORDER BY at DESC, "user" LIMIT %(most)s
"""


def replay(catalog: Catalog, *, most: int, k: int) -> tuple[list[QueryResult], list[QueryResult]]:
    """Purchases as searches that led to them: plain, and with the user's taste as it was then.

    The latest purchase of each user, as a search for the last part of the product's category just
    before. What was bought is all that is wanted.

    Args:
        most: so many purchases at most, the latest.
    """
    plain, personal = [], []
    for row in database.fetch_named(_PURCHASES, {"catalog": catalog.pk, "most": most}):
        query = Query(count=max(k, RECALL_AT), exclude=frozenset(), before=row.at)
        asked = SearchQuery(text=row.text, query=query)
        with_taste = replace(asked, user=row.user, personal=DEFAULT_PERSONAL)
        plain.append(_graded(catalog, asked, {row.product: 1}, k))
        personal.append(_graded(catalog, with_taste, {row.product: 1}, k))
    return plain, personal
