"""The page `docs/leaderboard.md`, made of all that was measured."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.quality.methods import METHODS
from benchmarks.quality.published import PUBLIC_SETS, Figure, published
from benchmarks.quality.results import PRODUCT, Results, Row, SetResult

_METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20")
_CHOICE = "ndcg@20"
_WEEK = "popular, 7 days"
_HERE = Path(__file__)
_TEXTS = ("page_head.md", "page_left_out.md")


def render(results: Results) -> str:
    """The whole page, as Markdown; it does not depend on when it is made."""
    head, left_out = (_HERE.with_name(name).read_text("utf-8") for name in _TEXTS)
    parts = [head, _summary(results)]
    parts += [_section(name, one) for name, one in sorted(results.sets.items())]
    return "\n".join([*parts, left_out, _methods()])


def lead(one: SetResult) -> tuple[str, float] | None:
    """The best baseline by NDCG@20, and how far Kinship is past it; None without both."""
    baselines = {
        name: row.figures[_CHOICE][0]
        for name, row in one.rows.items()
        if name != PRODUCT and row.figures
    }
    product = one.rows.get(PRODUCT)
    if not baselines or product is None or not product.figures:
        return None
    best = max(baselines, key=lambda name: baselines[name])
    return best, product.figures[_CHOICE][0] / baselines[best] - 1


def _summary(results: Results) -> str:
    header = ("set", "users × products", "best baseline, NDCG@20", PRODUCT, "", "popular, 7 days")
    rows = [_summary_row(name, results.sets[name]) for name in sorted(results.sets)]
    missing = [name for name in PUBLIC_SETS if name not in results.sets]
    rows += [(name, "", f"not measured: needs {PUBLIC_SETS[name]}", "", "", "") for name in missing]
    return _table(header, rows)


def _summary_row(name: str, one: SetResult) -> Sequence[str]:
    size = f"{one.users:,} × {one.products:,}"
    product, week = one.rows.get(PRODUCT, Row()), one.rows.get(_WEEK, Row())
    own = _mean(product) if product.figures else "not measured"
    if (found := lead(one)) is None:
        return name, size, "", own, "", _mean(week)
    best, ahead = found
    return name, size, f"{best} {_mean(one.rows[best])}", own, f"{ahead:+.1%}", _mean(week)


def _mean(row: Row) -> str:
    return _short(row.figures[_CHOICE][0]) if row.figures else ""


def _section(name: str, one: SetResult) -> str:
    size = (
        f"{one.users:,} users, {one.tested:,} of them measured; {one.products:,} products; "
        f"{one.events:,} events known, {one.wanted:,} products to be found."
    )
    parts = [f"## {name}", f"{one.protocol} {size} Source: {one.source}.", _rows(one)]
    parts += list(_sentences(one))
    return "\n\n".join(parts) + "\n"


def _rows(one: SetResult) -> str:
    header = ("method", "settings", "R@10", "NDCG@10", "R@20", "NDCG@20", "coverage", "seconds")
    measured = {name: row for name, row in one.rows.items() if row.figures}
    names = sorted(measured, key=lambda name: -measured[name].figures[_CHOICE][0])
    rows = [_row(name, measured[name]) for name in names]
    rows += [_published_row(figure) for figure in published(one.users, one.products)]
    return _table(header, rows).rstrip()


def _row(name: str, row: Row) -> Sequence[str]:
    figures = [_with_interval(row.figures[metric]) for metric in _METRICS]
    seconds = f"{row.processor_seconds:,.0f}"
    if row.tuning_seconds:
        seconds += f" ({row.tuning_seconds:,.0f})"
    shown = f"**{name}**" if name == PRODUCT else name
    return shown, row.settings, *figures, f"{row.coverage:.2f}", seconds


def _published_row(figure: Figure) -> Sequence[str]:
    cells = [_short(figure.metrics[m]) if m in figure.metrics else "" for m in _METRICS]
    return f"*{figure.method}*", f"published: {figure.source}; {figure.protocol}", *cells, "", ""


def _sentences(one: SetResult) -> Iterator[str]:
    if (found := lead(one)) is not None:
        best, ahead = found
        yield f"Kinship is {_how_far(ahead, one.rows[PRODUCT], one.rows[best])} {best} in NDCG@20."
        if (week := one.rows.get(_WEEK)) is not None:
            is_behind = week.figures[_CHOICE][0] <= one.rows[PRODUCT].figures[_CHOICE][0]
            yield f"The list of the last seven days is {'behind' if is_behind else 'AHEAD of'} it."
    if one.training is not None:
        yield (
            f"`train` took {one.training.processor_seconds:,.0f} s of the processor in "
            f"{one.training.seconds:,.0f} s by the clock, and {one.training.peak_bytes / 1e9:.1f} "
            f"GB at its peak, PostgreSQL aside; all commands {one.training.all_seconds:,.0f} s."
        )
    yield from (f"{name} is left out: {row.note}" for name, row in one.rows.items() if row.note)
    yield from one.checks


def _how_far(ahead: float, product: Row, best: Row) -> str:
    (_, low, high), (_, best_low, best_high) = product.figures[_CHOICE], best.figures[_CHOICE]
    sure = "" if low > best_high or high < best_low else ", within the intervals,"
    return f"{abs(ahead):.1%}{sure} {'past' if ahead >= 0 else 'behind'}"


def _with_interval(figure: tuple[float, float, float]) -> str:
    mean, low, high = figure
    return f"{_short(mean)} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _methods() -> str:
    lines = ["## Methods", ""]
    for method in METHODS:
        grid = "; ".join(
            f"{name} {', '.join(f'{value:g}' for value in values)}"
            for name, values in method.grid.items()
        )
        source = f" ({method.source})" if method.source else ""
        lines.append(f"- **{method.name}**{source}{': ' + grid if grid else ''}.")
    return "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
