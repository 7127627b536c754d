"""Outliers among rows of numbers that a request sends, as of transactions."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from django.http import HttpResponse
from ninja import Router, Schema
from numpy.typing import NDArray
from pydantic import Field

from recommender.analysis import outliers
from recommender.analysis.outliers import Outliers, OutliersError, Share
from recommender.api import codec
from recommender.api.auth import ApiRequest, insight_key
from recommender.api.outliers_requests import (
    MOST_COLUMNS,
    MOST_NUMBERS,
    MOST_ROWS,
    OutliersRequest,
)
from recommender.api.problems import Problem

router = Router(tags=["insight"], auth=insight_key)


class ColumnOut(Schema):
    """A column that makes a row odd."""

    column: Annotated[str, Field(description="Its name, or its place from 0.")]
    value: float
    usual: Annotated[float, Field(description="The median of the rows most like this one.")]
    share: Annotated[float, Field(description="Of what makes the row odd.")]


class OutlierOut(Schema):
    """A row that is unlike the others."""

    row: Annotated[int, Field(description="Its place, from 0.")]
    id: str | None
    score: float
    columns: Annotated[list[ColumnOut], Field(description="The most telling first, up to three.")]
    text: Annotated[str, Field(description="The same in words.")]


class OutliersOut(Schema):
    """The rows that are unlike the others, the most unlike first."""

    rows: int
    constant_columns: Annotated[list[str], Field(description="Those that say nothing.")]
    scores: Annotated[list[float], Field(description="Of every row; above 1 it is listed.")]
    items: list[OutlierOut]


@router.post("/insight/outliers", response=OutliersOut, summary="Rows of numbers unlike the others")
def post_outliers(request: ApiRequest, ask: OutliersRequest) -> HttpResponse:
    """Which of the rows are unlike the others, and by which columns.

    Such as the features of transactions, of which some may be fraud, or vectors. Nothing of it is
    stored, and nothing of the catalog is read.
    """
    codec.check_known(request, ())
    rows = _table(ask)
    try:
        found = outliers.find(rows, ask.false_alarms)
    except OutliersError as exc:
        raise Problem(400, "nothing-to-compare", str(exc)) from exc
    names = ask.columns or [str(place) for place in range(rows.shape[1])]
    items = (_item(found, int(row), rows, names, ask.ids) for row in found.odd)
    return codec.respond(
        {
            "rows": len(rows),
            "constant_columns": [names[place] for place in found.constant],
            "scores": [round(score, 4) for score in found.scores.tolist()],
            "items": codec.within_bytes(items),
        }
    )


def _table(ask: OutliersRequest) -> NDArray[np.float64]:
    """The rows as one array.

    Raises:
        Problem: 400 where rows, names or ids do not fit together, 413 for too many numbers.
    """
    width = len(ask.rows[0])
    _check_size(len(ask.rows), width)
    for place, row in enumerate(ask.rows):
        _check_length(f"body.rows.{place}", len(row), width, "numbers, as the first row")
    if ask.columns:
        _check_length("body.columns", len(ask.columns), width, "names, as a row has numbers")
    if ask.ids:
        _check_length("body.ids", len(ask.ids), len(ask.rows), "ids, as there are rows")
    return np.array(ask.rows, dtype=np.float64)


def _check_size(rows: int, columns: int) -> None:
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_NUMBERS:
        detail = (
            f"There are {rows:,} rows of {columns:,} numbers; it takes {MOST_ROWS:,} rows of "
            f"{MOST_COLUMNS:,}, and {MOST_NUMBERS:,} numbers, at most. Send fewer rows."
        )
        raise Problem(413, "too-many-values", detail)


def _check_length(where: str, found: int, wanted: int, noun: str) -> None:
    if found != wanted:
        message = f"has {found:,}; it takes {wanted:,} {noun}"
        errors = [{"where": where, "message": message}]
        raise Problem(400, "uneven-rows", f"{where}: {message}.", errors=errors)


def _item(
    found: Outliers, row: int, rows: NDArray[np.float64], names: Sequence[str], ids: Sequence[str]
) -> dict[str, Any]:
    shares = found.columns(row)
    return {
        "row": row,
        "id": ids[row] if ids else None,
        "score": round(float(found.scores[row]), 4),
        "columns": [_column(one, float(rows[row, one.column]), names) for one in shares],
        "text": "; ".join(_words(one, float(rows[row, one.column]), names) for one in shares),
    }


def _column(one: Share, value: float, names: Sequence[str]) -> dict[str, Any]:
    return {
        "column": names[one.column],
        "value": value,
        "usual": one.usual,
        "share": round(one.share, 4),
    }


def _words(one: Share, value: float, names: Sequence[str]) -> str:
    side = "above" if value > one.usual else "below"
    return f"{names[one.column]} is {value:.6g}, {side} the {one.usual:.6g} of rows most like it"
