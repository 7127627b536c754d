"""An evaluation as lines of text, for the terminal."""

from collections.abc import Sequence

from recommender.insight.evaluation_result import Evaluation, MethodResult
from recommender.management.table import aligned
from recommender.ranking.metrics import Interval

# Metrics → heading and how a mean is written; those of accuracy with their interval.
_ACCURACY = {"ndcg": "NDCG@{k}", "recall": "recall@{k}"}
_OTHERS = {
    "mrr": ("MRR", ".4f"),
    "hit_rate": ("hit rate", ".4f"),
    "coverage": ("coverage", ".3f"),
    "novelty": ("novelty", ".2f"),
    "diversity": ("diversity", ".3f"),
    "popularity_bias": ("bias", "+.3f"),
}


def of_methods(evaluation: Evaluation) -> str:
    """What was tested, a table of all methods, the best first, and what there is to say of it."""
    cut = "" if evaluation.cut_off is None else f" at {evaluation.cut_off:%Y-%m-%d %H:%M} UTC"
    methods = evaluation.ranked
    lines = [
        f"{evaluation.catalog}, mode {evaluation.mode}: {evaluation.users:,} users, "
        f"{evaluation.products:,} products, split {evaluation.split}{cut}.",
        "",
        aligned([_header(evaluation.k), *map(_row, methods)]),
        "",
        *(f"{each.name}: {each.note}" for each in methods if each.note),
        *evaluation.notes,
        "In brackets, where the mean lies with 95 % confidence.",
    ]
    return "\n".join(lines)


def _header(k: int) -> Sequence[str]:
    accuracy = (heading.format(k=k) for heading in _ACCURACY.values())
    return ("method", "kind", *accuracy, *(heading for heading, _ in _OTHERS.values()), "seconds")


def _row(method: MethodResult) -> Sequence[str]:
    found = method.metrics
    return (
        method.name,
        method.kind,
        *(_interval(found.get(metric)) for metric in _ACCURACY),
        *(_mean(found.get(metric), form) for metric, (_, form) in _OTHERS.items()),
        "-" if method.seconds is None else f"{method.seconds:.1f}",
    )


def _interval(found: Interval | None) -> str:
    return "-" if found is None else f"{found.mean:.4f} ({found.low:.4f} to {found.high:.4f})"


def _mean(found: Interval | None, form: str) -> str:
    return "-" if found is None else format(found.mean, form)
