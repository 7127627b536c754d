"""Two spaces side by side, as a table with small bars."""

from collections.abc import Callable

from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from recommender.admin import fragments
from recommender.admin.fragments import Table
from recommender.insight.comparison import Comparison, Side
from recommender.insight.replay import Quality
from recommender.ranking.metrics import Interval

_Cell = str | SafeString
_METRICS = (("NDCG@20", "ndcg"), ("Recall@20", "recall"), ("Hit rate@20", "hit_rate"))


def page(comparison: Comparison) -> list[Table]:
    """What the spaces are and cost, how alike they see products, and how they recommend."""
    return [_facts(comparison), _alike(comparison), _replay(comparison)]


def _facts(comparison: Comparison) -> Table:
    sides = (comparison.first, comparison.second)
    largest = max(side.storage for side in sides) or 1
    rows: tuple[tuple[str, Callable[[Side], _Cell]], ...] = (
        ("Status", lambda side: side.status.capitalize()),
        ("Model", lambda side: side.model),
        ("Dimension", lambda side: str(side.dimension)),
        ("Kind and output", lambda side: f"{side.kind}, {side.output}"),
        ("Fresh vectors", _coverage),
        ("Quarantined", lambda side: f"{side.coverage.quarantined:,}"),
        (
            "Size on disk",
            lambda side: fragments.bar(side.storage / largest, filesizeformat(side.storage)),
        ),
        ("Index rows", lambda side: f"{side.indexed_rows:,}"),
        ("Recall@20 of the index", _recall),
        ("Cost so far", lambda side: f"${side.cost.spent:,.4f}"),
        ("Tokens so far", lambda side: f"{side.cost.tokens:,}"),
        ("Cost of a million tokens", lambda side: f"${side.cost.per_million_tokens:,.4f}"),
        ("Cost of a million products", _per_million_products),
    )
    return Table(
        ["", *(f"Space {side.space}" for side in sides)],
        [[name, *map(cell, sides)] for name, cell in rows],
        title="What they are",
    )


def _alike(comparison: Comparison) -> Table:
    shared = comparison.overlap
    if shared is None:
        return Table([], [], "No product has a vector in both spaces.", title="Similar products")
    note = f"Over a sample of {shared.products:,} products."
    row = ["The same among the 20 most similar", fragments.bar(shared.mean, f"{shared.mean:.1%}")]
    return Table(["", "Share"], [row], note, title="Similar products")


def _replay(comparison: Comparison) -> Table:
    sides, title = (comparison.first, comparison.second), "Replay of history"
    if comparison.difference is None or comparison.cut_off is None:
        return Table([], [], comparison.shortage or "", title=title)
    note = (
        f"What each would have recommended to {comparison.users} users at "
        f"{comparison.cut_off:%-d %B %Y, %H:%M} UTC, against the new products they came to "
        "afterwards. In brackets, where the mean lies with 95 % confidence."
    )
    rows = [
        [
            name,
            *(_score(side.quality, metric) for side in sides),
            _change(getattr(comparison.difference, metric)),
        ]
        for name, metric in _METRICS
    ]
    return Table(
        ["", *(f"Space {side.space}" for side in sides), "Difference"], rows, note, title=title
    )


def _coverage(side: Side) -> SafeString:
    covered = side.coverage
    return fragments.bar(covered.share, f"{covered.fresh:,} of {covered.products:,}")


def _recall(side: Side) -> str:
    return "not measured" if side.recall is None else f"{side.recall:.3f}"


def _per_million_products(side: Side) -> str:
    cost = side.cost.per_million_products
    return "-" if cost is None else f"${cost:,.2f}"


def _score(quality: Quality | None, metric: str) -> _Cell:
    if quality is None:
        return "-"
    found: Interval = getattr(quality, metric)
    return fragments.bar(found.mean, f"{found.mean:.4f} ({found.low:.4f} to {found.high:.4f})")


def _change(found: Interval) -> SafeString:
    """Green or red only where the interval leaves no doubt."""
    kind = "success" if found.low > 0 else "danger" if found.high < 0 else "info"
    return fragments.badge(f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})", kind)
