"""What a request for outliers may say."""

from typing import Annotated

from pydantic import Field

from recommender.analysis.outliers import FEWEST_ROWS
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_ID, MAX_LABEL

MOST_ROWS, MOST_COLUMNS, MOST_NUMBERS = 20_000, 4_096, 1_000_000
# Squares of the difference of two such numbers are still numbers.
_LARGEST = 1e100

_Number = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST, strict=True, allow_inf_nan=False)]
_Row = Annotated[list[_Number], Field(min_length=1)]


class OutliersRequest(Strict):
    """Rows of numbers, each as long as the others, and what to call them."""

    rows: Annotated[
        list[_Row],
        Field(
            min_length=FEWEST_ROWS,
            description=f"Each as long as the others; {MOST_ROWS:,} of {MOST_COLUMNS:,} numbers, "
            f"and {MOST_NUMBERS:,} numbers together, at most.",
        ),
    ]
    columns: Annotated[
        list[Annotated[str, Field(max_length=MAX_LABEL)]],
        Field(description="Their names, or none of them."),
    ] = []
    ids: Annotated[
        list[Annotated[str, Field(max_length=MAX_ID)]],
        Field(description="Those of the rows, or none of them."),
    ] = []
    false_alarms: Annotated[
        float,
        Field(ge=0.0001, le=0.5, strict=True, description="Of usual rows, this share is listed."),
    ] = 0.01
