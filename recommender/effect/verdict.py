"""What an experiment shows, as JSON and in words."""

from dataclasses import asdict
from typing import Any

from recommender.effect.readout import Readout
from recommender.effect.sequential import FEWEST, Comparison
from recommender.models import Experiment


def document(experiment: Experiment, found: Readout) -> dict[str, Any]:
    """The result as the API answers it."""
    return {
        "units": found.units,
        "crossed": found.crossed,
        "sample_ratio_p": found.sample_ratio,
        "metrics": {
            metric: {name: _compared(one) for name, one in variants.items()}
            for metric, variants in found.metrics.items()
        },
        "text": sentences(experiment, found),
    }


def _compared(found: Comparison | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "control": found.control,
        "variant": found.variant,
        "difference": asdict(found.difference),
        "lift": None if found.lift is None else asdict(found.lift),
        "p_value": found.p_value,
    }


def sentences(experiment: Experiment, found: Readout) -> list[str]:
    """What a person should know, the most important first."""
    if experiment.started_at is None:
        return ["It has not begun."]
    told = []
    if experiment.end_reason:
        told.append(f"It was ended: {experiment.end_reason}")
    if found.is_ratio_off:
        counts = ", ".join(f"{name} {count:,}" for name, count in found.units.items())
        told.append(
            f"Users did not come in the shares that were planned ({counts}), so something sends "
            "them to a variant by other than chance. Trust no figure before that is found."
        )
    told += [
        _sentence(experiment.metric, name, one)
        for name, one in found.metrics[experiment.metric].items()
    ]
    told += [
        _sentence(metric, name, one)
        for metric, variants in found.metrics.items()
        for name, one in variants.items()
        if metric != experiment.metric and one is not None and one.p_value <= 0.05
    ]
    if found.crossed:
        told.append(f"{found.crossed:,} users saw two variants and do not count.")
    return told


def _sentence(metric: str, variant: str, found: Comparison | None) -> str:
    noun = Experiment.Metric(metric).label.lower()
    if found is None:
        return f"{variant}: too little is known of {noun}; {FEWEST} users of each are the least."
    if found.lift is None:
        return f"{variant}: the control has no {noun} to compare with."
    lift = found.lift
    lies = f"{noun} {lift.mean:+.1%} against the control ({lift.low:+.1%} to {lift.high:+.1%})"
    if found.is_better:
        return f"{variant} is clearly better: {lies}."
    if found.is_worse:
        return f"{variant} is clearly worse: {lies}."
    return f"{variant} is not clearly other yet: {lies}. Looking again does no harm."
