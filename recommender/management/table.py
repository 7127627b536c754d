"""Spaces, evaluations and other rows as columns of text, for the terminal."""

from collections.abc import Sequence

from django.template.defaultfilters import filesizeformat

from recommender.insight.comparison import Comparison, Side, verdict
from recommender.insight.evaluation_result import FEW, UNTOUCHED, Evaluation, MethodResult
from recommender.models import Space
from recommender.ranking.metrics import Interval
from recommender.spaces import partitions
from recommender.spaces.switching import coverage


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, numbers to the right; the first row is the header.

    A column is of numbers where every cell under its header begins with a digit or `$`.
    """
    columns = list(zip(*rows, strict=True))
    numeric = [
        all(cell[:1].isdigit() or cell[:1] in "$" for cell in column[1:]) for column in columns
    ]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )


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


def method_table(evaluation: Evaluation) -> str:
    """What was tested, a table of all methods, the best first, and what there is to say of it."""
    cut = "" if evaluation.cut_off is None else f" at {evaluation.cut_off:%Y-%m-%d %H:%M} UTC"
    methods = evaluation.ranked
    lines = [
        f"{evaluation.catalog}, mode {evaluation.mode}: {evaluation.users:,} users, "
        f"{evaluation.products:,} products, split {evaluation.split}{cut}.",
        "",
        aligned([_header(evaluation.k), *map(_row, methods)]),
        "",
        *(f"{method.name}: {method.note}" for method in methods if method.note),
        *evaluation.notes,
        *_cold(evaluation),
        "In brackets, where the mean lies with 95 % confidence.",
        "",
        evaluation.verdict,
    ]
    return "\n".join(lines)


def _cold(evaluation: Evaluation) -> Sequence[str]:
    """How the rank and the best simple method do where there is little history, a line each."""
    methods = [method for method in (evaluation.ranker, evaluation.simple) if method is not None]
    told = [
        (f"Only products new in the days tested, recall@{evaluation.k}", "recall", UNTOUCHED),
        (f"Users who had one to three products, NDCG@{evaluation.k}", "ndcg", FEW),
    ]
    lines = []
    for text, metric, label in told:
        found = [
            (method.name, segment.users, segment.metrics.get(metric))
            for method in methods
            for segment in (*method.by_age, *method.by_history)
            if segment.label == label
        ]
        if found:
            values = ", ".join(f"{name} {_metric_interval(value)}" for name, _, value in found)
            lines.append(f"{text}, {found[0][1]:,} users: {values}.")
    return lines


def _header(k: int) -> Sequence[str]:
    accuracy = (heading.format(k=k) for heading in _ACCURACY.values())
    return ("method", "kind", *accuracy, *(heading for heading, _ in _OTHERS.values()), "seconds")


def _row(method: MethodResult) -> Sequence[str]:
    metrics = method.metrics
    return (
        method.name,
        method.kind,
        *(_metric_interval(metrics.get(metric)) for metric in _ACCURACY),
        *(_mean(metrics.get(metric), form) for metric, (_, form) in _OTHERS.items()),
        "-" if method.seconds is None else f"{method.seconds:.1f}",
    )


def _metric_interval(interval: Interval | None) -> str:
    return (
        "-"
        if interval is None
        else f"{interval.mean:.4f} ({interval.low:.4f} to {interval.high:.4f})"
    )


def _mean(interval: Interval | None, form: str) -> str:
    return "-" if interval is None else format(interval.mean, form)


def space_table(spaces: Sequence[Space]) -> str:
    """A table of spaces, one a line."""
    header = ("space", "status", "model", "dimension", "fresh", "size", "")
    return aligned([header, *map(_space_row, spaces)])


def comparison_report(comparison: Comparison) -> str:
    """Two spaces in two columns, and what they tell together."""
    first, second = comparison.first, comparison.second
    rows = zip(_side_rows(first), _side_rows(second), strict=True)
    lines = [aligned([(name, left, right) for (name, left), (_, right) in rows]), ""]
    if comparison.overlap is None:
        lines.append("Similar products: no product has a vector in both.")
    else:
        shared = comparison.overlap
        lines.append(
            f"Similar products: {shared.mean:.1%} of 20 are the same, over {shared.products} "
            "products."
        )
    lines.append(_replay_line(comparison))
    lines += [
        f"{side.space} leaves out what many descriptions share: {side.left_out}"
        for side in (first, second)
        if side.left_out
    ]
    if comparison.difference is not None:
        lines.append(verdict(comparison))
    return "\n".join(lines)


def _space_row(space: Space) -> tuple[str, ...]:
    covered = coverage(space)
    size = filesizeformat(partitions.size(space.pk))
    paused = f"paused: {space.paused_reason}" if space.paused_reason else ""
    fresh = f"{covered.fresh:,} of {covered.products:,}"
    if covered.quarantined:
        fresh += f", {covered.quarantined:,} quarantined"
    return (str(space), space.status, space.model, str(space.dimension), fresh, size, paused)


def _side_rows(side: Side) -> list[tuple[str, str]]:
    cost, covered = side.cost, side.coverage
    products = "-" if cost.per_million_products is None else f"${cost.per_million_products:,.2f}"
    rows = [
        ("", f"{side.space} ({side.status})"),
        ("model", f"{side.model}, {side.dimension} dimensions"),
        ("kind", f"{side.kind}, {side.output}"),
        ("fresh", f"{covered.fresh:,} of {covered.products:,} ({covered.share:.1%})"),
        ("quarantined", f"{covered.quarantined:,}"),
        ("sentences left out", f"{len(side.boilerplate)}"),
        ("size", filesizeformat(side.storage)),
        ("index", f"{side.indexed_rows:,} vectors, ef_search {side.ef_search}"),
        ("recall@20 of the index", "-" if side.recall is None else f"{side.recall:.3f}"),
        ("cost so far", f"${cost.spent:,.4f} for {cost.tokens:,} tokens"),
        ("a million tokens", f"${cost.per_million_tokens:,.4f}"),
        ("a million products", products),
    ]
    quality = side.quality
    for name, metric in (("NDCG@20", "ndcg"), ("Recall@20", "recall"), ("hit rate@20", "hit_rate")):
        rows.append((name, _interval(getattr(quality, metric)) if quality else "-"))
    return rows


def _replay_line(comparison: Comparison) -> str:
    if comparison.difference is None or comparison.cut_off is None:
        return f"Replay: {comparison.shortage}"
    change = comparison.difference.ndcg
    verdict = "no clear difference"
    if change.low > 0 or change.high < 0:
        better = comparison.second if change.low > 0 else comparison.first
        verdict = f"{better.space} is better"
    return (
        f"Replay of {comparison.users} users from {comparison.cut_off:%Y-%m-%d %H:%M} UTC: NDCG@20 "
        f"changes by {change.mean:+.4f} (95 %: {change.low:+.4f} to {change.high:+.4f}), {verdict}."
    )


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.4f} ({interval.low:.4f} to {interval.high:.4f})"
