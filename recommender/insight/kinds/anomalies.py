"""Anomalies: products that are not as the rest of their catalog."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from recommender.insight import reading
from recommender.insight.kind import Finding, Kind, Outcome, SpaceParameters
from recommender.insight.kinds.duplicates import NEIGHBOURS, check
from recommender.models import Catalog

if TYPE_CHECKING:
    from recommender.analysis.nearest import Neighbours, Vectors
    from recommender.analysis.product_anomalies import Found
    from recommender.insight.items import Catalogue
    from recommender.training.fitting import Progress


class AnomalyParameters(SpaceParameters):
    """How many false alarms are wanted."""

    false_alarms: float | None = Field(
        default=None,
        gt=0,
        le=0.05,
        description="Share of right products that each measure may report; by default 0.001, of "
        "fewer than 1,000 products one.",
    )


def run(catalog: Catalog, asked: AnomalyParameters, say: "Progress") -> Outcome:
    """All that is odd about products, the oddest first.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import nearest  # noqa: PLC0415 - memory to load
    from recommender.insight import items  # noqa: PLC0415

    say("reading products")
    told = items.read(catalog, reading.choose_space(catalog, asked.space))
    say("looking for neighbours")
    near = nearest.neighbours(told.unit, NEIGHBOURS)
    judged = items.without_categories(told.space, told.items, say)
    if judged is None:
        judged = told.unit
    told = replace(told, unit=told.unit[:0].copy())  # a million vectors take 1 GB
    known = items.behaviour(catalog, told.keys)
    say("comparing with the rest")
    found = search(told, near, judged, known, asked.false_alarms)
    counts = Counter(anomaly.code for anomaly in found.anomalies)
    odd = len({anomaly.place for anomaly in found.anomalies})
    return Outcome(
        findings=_findings(told, found),
        figures={
            "products": len(told.items),
            "odd": odd,
            "by_code": dict(counts),
            "thresholds": found.thresholds,
            "not_asked": found.not_asked,
        },
        summary=f"Of {len(told.items):,} products {odd:,} are odd{_named(counts)}.",
        space=told.space,
    )


def search(
    told: "Catalogue",
    near: "Neighbours",
    judged: "Vectors",
    known: "Vectors | None",
    false_alarms: float | None = None,
) -> "Found":
    """What is odd among products that have been read.

    Args:
        near: the nearest neighbours by the space's vectors.
        judged: vectors of what they say without their categories.
        known: vectors of what users did.
    """
    from recommender.analysis import (  # noqa: PLC0415 - seconds and memory to load
        least_squares,
        product_anomalies,
    )

    features = least_squares.features(judged, [item.attributes for item in told.items], known)
    return product_anomalies.find(told.items, features, near, false_alarms=false_alarms)


def _findings(told: "Catalogue", found: "Found") -> Iterator[Finding]:
    for anomaly in found.anomalies:
        data = {
            "code": anomaly.code,
            "reason": anomaly.reason,
            "evidence": anomaly.evidence,
            "mend": anomaly.mend,
        }
        key = int(told.keys[anomaly.place])
        yield Finding(key, None, anomaly.code, round(anomaly.surprise, 3), data)


def _named(counts: Counter[str]) -> str:
    told = ", ".join(f"{code} {count:,}" for code, count in counts.most_common())
    return f": {told}" if told else ""


KIND = Kind(
    name="anomalies",
    title="Anomalies",
    help="Products in a wrong category, at a wrong price, in another language, without a text.",
    parameters=AnomalyParameters,
    run=run,
    check=check,
    examples=("--false-alarms 0.005",),
)
