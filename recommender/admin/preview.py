"""What the engine answers now, as tables for the admin's pages."""

from collections.abc import Iterable, Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recommender.admin import fragments
from recommender.admin.fragments import BarPart, Table
from recommender.engine import recommend as recommendation
from recommender.engine import related
from recommender.engine.answer import Answer, Item, Query
from recommender.models import Catalog, Product, User
from recommender.ranking.ranker import BASE

_QUERY = Query(count=10)

# A bar's colour for each part of a score; Unfold's style sheet has no others that differ more.
_COLOURS = {
    "text": "bg-primary-600",
    "image": "bg-primary-300",
    "multimodal": "bg-primary-400",
    "behaviour": "bg-blue-500",
    "together": "bg-green-700",
    "ease": "bg-blue-700",
    "next": "bg-blue-300",
    "popular": "bg-orange-500",
    "repeat": "bg-green-500",
    "product": "bg-red-500",
    "newest": "bg-base-400",
}
_OTHER = "bg-base-600"


def similar(product: Product) -> Table:
    """The products most like this one, with their scores."""
    answer = related.similar(product.catalog, product.external_id, _QUERY)
    products = _products(product.catalog, answer.items)
    # Cosines fill the bar at 1; of a blend the best does.
    best = 1.0 if not product.catalog.similar_blend else _best(answer)
    rows = [
        [
            fragments.thumbnail(neighbour),
            fragments.product_link(neighbour),
            neighbour.external_id,
            neighbour.category or "-",
            fragments.price(neighbour),
            fragments.bar(item.score / best, f"{item.score:.3f}"),
        ]
        for item, neighbour in _known(answer.items, products)
    ]
    return Table(["", "Title", "Id", "Category", "Price", "Score"], rows, _note(answer))


def _best(answer: Answer) -> float:
    return max((item.score for item in answer.items), default=1.0) or 1.0


def recommendations(user: User) -> Table:
    """The user's recommendations, each with what led to it."""
    answer = recommendation.recommend(user.catalog, user.external_id, _QUERY)
    products = _products(user.catalog, answer.items)
    # Scores of a fused list have no natural maximum, so the best fills the bar.
    best = _best(answer)
    rows = [
        [
            fragments.thumbnail(product),
            fragments.product_link(product),
            item.source,
            _parts(item, best),
            fragments.product_links(item.because, products),
        ]
        for item, product in _known(answer.items, products)
    ]
    headers = ["", "Title", "Channel", "Score and its parts", "Because of"]
    return Table(headers, rows, _note(answer), legend=_legend(answer.items))


def _legend(items: Iterable[Item]) -> SafeString:
    """The colours of the parts that the bars have."""
    shown = dict.fromkeys(name for item in items for name, _ in _drawn(item))
    return format_html_join(
        "",
        '<span class="flex items-center gap-2"><span class="h-1.5 w-8 rounded-default {}"></span>'
        "{}</span>",
        ((_COLOURS.get(name, _OTHER), name) for name in shown),
    )


def _drawn(item: Item) -> list[tuple[str, float]]:
    """The parts that a bar can show: what speaks against a product has no length."""
    return [(name, part) for name, part in item.contributions.items() if name != BASE and part > 0]


def _products(catalog: Catalog, items: Iterable[Item]) -> dict[str, Product]:
    """Every product that the items are, or are there because of; one query."""
    wanted = {external_id for item in items for external_id in (item.id, *item.because)}
    products = Product.objects.filter(catalog=catalog, external_id__in=wanted).defer(
        "description", "attributes"
    )
    return {product.external_id: product for product in products}


def _known(
    items: Iterable[Item], products: Mapping[str, Product]
) -> Iterable[tuple[Item, Product]]:
    return ((item, products[item.id]) for item in items if item.id in products)


def _parts(item: Item, best: float) -> SafeString:
    shares = [BarPart(name, part / best, _COLOURS.get(name, _OTHER)) for name, part in _drawn(item)]
    words = " + ".join(f"{name} {part:.4f}" for name, part in item.contributions.items() if part)
    return format_html(
        '<div>{}<div class="text-subtle text-xs">{}</div></div>',
        fragments.stack(shares, f"{item.score:.4f}"),
        words,
    )


def _note(answer: Answer) -> str:
    """Which spaces answered, what was fallen back on, and why the list is short."""
    parts = []
    if answer.spaces:
        parts.append(f"From {', '.join(answer.spaces)}.")
    if answer.fallback is not None:
        parts.append(f"Fallback: {answer.fallback}, as there is no vector to go by.")
    if not answer.complete:
        parts.append(f"Incomplete: {answer.reason}.")
    return " ".join(parts)
