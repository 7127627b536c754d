"""What an experiment shows so far: each variant against the control, valid whenever one looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.effect import experiments, sequential
from recommender.effect.attribution_sql import MONEY, SPAN_DAYS
from recommender.effect.sequential import Comparison, Values
from recommender.history import exclusion
from recommender.models import Experiment

METRICS = tuple(Experiment.Metric.values)
# Before a user was in the experiment: what CUPED goes by.
_BEFORE = timedelta(days=28)
# Of an always-valid test.
_RATIO_ALPHA = 0.001

_MEASURES = """
    count(DISTINCT (e.at AT TIME ZONE 'UTC')::date)
        FILTER (WHERE e.type = 'purchase' AND {side}) AS orders_{name},
    COALESCE(sum({money})
        FILTER (WHERE e.type = 'purchase' AND {side}), 0) AS revenue_{name},
    count(*) FILTER (WHERE e.rec_id IS NOT NULL AND e.type IN ('click', 'view') AND {side})
        AS clicks_{name}
"""
# A row for each user who saw a variant: how many they saw, one of them, and what they did before
# and since. Users of no event are users, too.
_UNITS = sql.SQL("""
WITH units AS (
    SELECT r."user", min(r.at) AS first_at, min(r.variant) AS variant,
           count(DISTINCT r.variant) AS variants
    FROM recommender_recommendation r
    WHERE r.catalog_id = %(catalog)s AND r.at >= %(since)s AND r.at < %(until)s
      AND r."user" IS NOT NULL AND starts_with(r.variant, %(prefix)s)
    GROUP BY r."user"
)
SELECT t.variants, t.variant, m.*
FROM units t
LEFT JOIN recommender_user u ON u.catalog_id = %(catalog)s AND u.external_id = t."user"
LEFT JOIN LATERAL (
    SELECT {measures}
    FROM recommender_event e LEFT JOIN recommender_product p ON p.id = e.product_id
    WHERE e.user_id = u.id AND e.at >= t.first_at - %(before)s::interval AND e.at < %(end)s
) m ON true
WHERE NOT COALESCE({excluded}, false)
""").format(
    excluded=exclusion.is_excluded("u", "%(exclude_bots)s"),
    measures=sql.SQL(", ").join(
        sql.SQL(_MEASURES.format(side=side, name=name, money=MONEY))
        for side, name in (("e.at >= t.first_at", "now"), ("e.at < t.first_at", "before"))
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What an experiment shows so far.

    `metrics` has of each metric each variant but the control, None while there is too little.
    """

    units: Mapping[str, int]
    crossed: int  # users who saw two variants, and are left out
    sample_ratio: float  # a p-value, valid at every look
    metrics: Mapping[str, Mapping[str, Comparison | None]]

    @property
    def is_ratio_off(self) -> bool:
        """Whether users did not come in the shares they should, so that nothing can be told."""
        return self.sample_ratio < _RATIO_ALPHA


def read(experiment: Experiment) -> Readout:
    """What the experiment shows now; of a draft nothing."""
    variants = experiments.variants_of(experiment)
    names = [variant.name for variant in variants]
    labels = [experiments.label_of(experiment, name) for name in names]
    rows = _units(experiment) if experiment.started_at else []
    seen = [row[1:] for row in rows if row[0] == 1 and row[1] in labels]
    place = np.array([labels.index(row[0]) for row in seen], dtype=np.int64)
    values = np.array([row[1:] for row in seen], dtype=np.float64).reshape(len(seen), 6)
    counts = np.bincount(place, minlength=len(names)).tolist()
    return Readout(
        units=dict(zip(names, counts, strict=True)),
        crossed=sum(row[0] > 1 for row in rows),
        sample_ratio=sequential.sample_ratio(counts, [one.share for one in variants]),
        metrics={
            metric: _compared(values[:, column], values[:, column + 3], place, names)
            for column, metric in enumerate(METRICS)
        },
    )


def _units(experiment: Experiment) -> list[tuple[Any, ...]]:
    until = experiment.ended_at or timezone.now()
    parameters = {
        "catalog": experiment.catalog_id,
        "since": experiment.started_at,
        "until": until,
        # What was seen on the last day is bought on those after it.
        "end": until + timedelta(days=SPAN_DAYS),
        "before": _BEFORE,
        "prefix": experiments.label_of(experiment, ""),
        "exclude_bots": experiment.catalog.exclude_bots,
    }
    return database.fetch(_UNITS, parameters)


def _compared(
    now: Values, before: Values, place: np.ndarray, names: Sequence[str]
) -> dict[str, Comparison | None]:
    """Each variant against the control: without outliers, less what the past foretells."""
    adjusted = sequential.cuped(sequential.winsorised(now), sequential.winsorised(before))
    control = adjusted[place == 0]
    return {
        name: sequential.compare(control, adjusted[place == number])
        for number, name in enumerate(names)
        if number
    }


def harmed(experiment: Experiment, found: Readout) -> str | None:
    """Why the experiment is to end: a guarded metric of a variant is clearly worse; else None."""
    for metric in experiment.guards:
        for variant, compared in found.metrics.get(metric, {}).items():
            if compared is not None and compared.is_worse:
                return f"{variant} has clearly fewer {metric} a user than the control."
    return None


def watch() -> list[Experiment]:
    """End the experiments that run and harm what they guard; those that were ended."""
    ended = []
    rows = Experiment.objects.filter(status=Experiment.Status.RUNNING).exclude(guards=[])
    for experiment in rows.select_related("catalog"):
        reason = harmed(experiment, read(experiment))
        if reason is not None and experiments.stop(experiment, reason):
            ended.append(experiment)
    return ended
