"""An example of the call for outliers: transactions, of which one is odd."""

from recommender.api.documentation import Call
from recommender.api.example_errors import (
    INSIGHT_KEY,
    NOT_JSON,
    PARAMETER,
    TOO_LARGE,
    invalid,
)
from recommender.api.problems import Problem

# Amount, minutes since the one before, and kilometres from home.
_ROWS = [
    [24.9, 1440, 2], [31.5, 900, 5], [18.2, 2100, 1], [27.0, 1300, 3], [22.4, 1750, 2],
    [35.1, 800, 6], [29.9, 1200, 4], [20.5, 1900, 2], [26.3, 1500, 3], [33.8, 1000, 5],
    [980.0, 2, 840], [23.7, 1600, 2], [28.4, 1250, 4], [19.9, 2000, 1], [30.2, 1100, 5],
    [25.6, 1450, 3], [21.3, 1850, 2], [32.7, 950, 5], [27.8, 1350, 3], [24.1, 1550, 2],
]  # fmt: skip
_UNEVEN = "body.rows.3: has 2; it takes 3 numbers, as the first row."

OUTLIERS: dict[tuple[str, str], Call] = {
    ("post", "/v1/insight/outliers"): Call(
        answers={200: "OutliersOut"},
        answer={
            "rows": 20,
            "constant_columns": [],
            "scores": [],
            "items": [
                {
                    "row": 10,
                    "id": None,
                    "score": 1.9,
                    "columns": [{"column": "amount", "value": 980.0, "usual": 29.9, "share": 0.35}],
                    "text": "amount is 980, above the 29.9 of rows most like it",
                }
            ],
        },
        bodies={
            "transactions": {
                "columns": ["amount", "minutes", "km"],
                "rows": _ROWS,
                "false_alarms": 0.01,
            }
        },
        errors=(
            *INSIGHT_KEY,
            NOT_JSON,
            PARAMETER,
            invalid("body.rows.0.1", "Input should be a valid number"),
            Problem(400, "uneven-rows", _UNEVEN),
            Problem(
                400,
                "nothing-to-compare",
                "All rows are equal: none is unlike the others.",
            ),
            *TOO_LARGE,
        ),
    ),
}
