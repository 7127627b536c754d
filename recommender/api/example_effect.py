"""Examples of the call that tells what recommendations bring."""

from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import PARAMETER, SERVER, invalid
from recommender.api.problems import Problem
from recommender.effect import estimates
from recommender.effect.figures import Figures
from recommender.effect.report import figures_document, interval_document

_NOW = Figures(41_200, 1_730, 310, 96, 4_123.5, 205_000.0)
_BEFORE = Figures(39_800, 1_560, 280, 84, 3_610.0, 180_000.0)
_TOUCHED, _TOUCHED_BEFORE = estimates.share(88, 402), estimates.share(75, 390)

_MEASURED: dict[str, Any] = {
    **figures_document(_NOW),
    "before": figures_document(_BEFORE),
    "change": {
        name: interval_document(estimates.change(getattr(_NOW, name), getattr(_BEFORE, name)))
        for name in ("click_through", "conversion", "revenue_per_1000")
    },
}

EFFECT: dict[tuple[str, str], Call] = {
    ("get", "/v1/metrics/effect"): Call(
        answers={200: "EffectOut"},
        answer={
            "from": "2026-01-01",
            "until": "2026-01-28",
            "before": {"from": "2025-12-04", "until": "2025-12-31"},
            "window_hours": 24,
            "impressions_by": "event",
            "log_share": 1.0,
            "note": None,
            "total": {
                **_MEASURED,
                "orders": 402,
                "orders_touched": 88,
                "touched_share": interval_document(_TOUCHED),
                "revenue_of_all_orders": 19_250.0,
                "unknown_rec_ids": 3,
                "touched_share_change": interval_document(
                    estimates.change(_TOUCHED, _TOUCHED_BEFORE)
                ),
            },
            "items": [{"placement": "home", **_MEASURED}],
        },
        parameters={
            "from": "2026-01-01",
            "until": "2026-01-28",
            "by": "placement",
            "window": "1d",
            "limit": 20,
        },
        errors=(
            *SERVER,
            PARAMETER,
            invalid("query.by", "Input should be 'placement' or 'variant'"),
            Problem(400, "window-too-long", "window is longer than what is counted, 24 hours."),
            Problem(
                400, "invalid-period", "From 2026-01-28 to 2026-01-01 are not 1 to 3,660 days."
            ),
        ),
    ),
}
