"""What shoppers did with a product, and why it is not shown: of a few shoppers, in words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recommender import database
from recommender.admin import fragments, placement_preview
from recommender.admin.fragments import Table
from recommender.api import explain
from recommender.api.list_requests import ExplainRequest
from recommender.api.problems import Problem
from recommender.effect import figures
from recommender.engine.explanation import Stage
from recommender.models import (
    Placement,
    Product,
    ProductNeighbor,
    ProductPopularity,
    ProductVector,
    QuarantinedProduct,
    Space,
)

# Of one product so many events are counted, so many shoppers asked, in so many placements.
_EVENTS, _SHOPPERS, _PLACEMENTS, _SOLD_WITH = 10_000, 5, 5, 10

_BY_TYPE = """
SELECT type, count(*) FROM (
    SELECT type FROM recommender_event WHERE product_id = %s LIMIT %s
) counted GROUP BY 1 ORDER BY 2 DESC, 1
"""
_IN_LISTS = """
SELECT COALESCE(sum(impressions), 0), COALESCE(sum(clicks), 0), COALESCE(sum(carts), 0),
       COALESCE(sum(purchases), 0), COALESCE(sum(revenue), 0)
FROM recommender_effectfigure
WHERE product_id = %s AND catalog_id = %s AND day >= %s AND operation <> '' AND hours <= %s
"""
# The latest events alone are looked at: a shopper who did a hundred things counts once.
_LATEST = """
SELECT u.external_id FROM (
    SELECT user_id, max(at) AS at FROM (
        SELECT user_id, at FROM recommender_event
        WHERE catalog_id = %s ORDER BY at DESC LIMIT 500
    ) latest GROUP BY 1 ORDER BY 2 DESC LIMIT %s
) s JOIN recommender_user u ON u.id = s.user_id ORDER BY s.at DESC
"""

_MEND = "Look under Vectors, below the product's form, and at its space."
# What somebody may do about each end of a product's way.
_ADVICE: Mapping[Stage, str] = {
    Stage.LISTED: "Nothing: they see it.",
    Stage.OUT_OF_STOCK: "Put it in stock: nothing out of stock is recommended.",
    Stage.EXCLUDED: "Nothing: they had it already. Others may see it; a request's "
    "exclude_purchased and exclude_seen say so.",
    Stage.FILTER: "Change the placement's rule or filter that is named, or the product's field.",
    Stage.FALLBACK: "Wait until they have done something; until then pin or boost it in a "
    "placement.",
    Stage.NOT_PROPOSED: "Give it a better text, category and pictures, so that it is near to what "
    "they like; it is found by what others do once it has events. Or boost it in a placement.",
    Stage.FUSION: "It is near, but others are nearer in more ways: boost it in a placement, or "
    "ask for exploration.",
    Stage.RANK: "Compare it in the placement's inspector; boost or pin it to have it shown.",
    Stage.RULES: "Look at caps, diversity and pins of the placement: one of them gave its place "
    "to another.",
}


def figures_of(product: Product) -> Table:
    """What shoppers did with it, and in how far lists led to that."""
    counted = database.fetch(_BY_TYPE, (product.pk, _EVENTS + 1))
    is_cut = sum(number for _, number in counted) > _EVENTS
    rows = [[f"Events: {kind}", f"{number:,}"] for kind, number in counted]
    popularity = ProductPopularity.objects.filter(product=product).first()
    if popularity is not None:
        told = (
            (popularity.week_users, "7 days"),
            (popularity.month_users, "30 days"),
            (popularity.all_users, "all time"),
        )
        # Whom only lists led to it count in part.
        rows += [[f"Users, {name}", f"{round(number, 1):,g}"] for number, name in told]
    rows += _in_lists(product)
    cut = f"Of {_EVENTS:,} of its events; it has more." if is_cut else ""
    return Table(["", ""], rows, cut)


def _in_lists(product: Product) -> Iterator[list[str]]:
    since = figures.last_days().since
    hours = product.catalog.touch_hours
    asked = (product.pk, product.catalog_id, since, hours)
    ((seen, clicks, carts, orders, revenue),) = database.fetch(_IN_LISTS, asked)
    days = f"in lists, {figures.DAYS} days"
    counted = {"Seen": seen, "Clicks": clicks, "Carts": carts, "Orders": orders}
    for name, number in counted.items():
        yield [f"{name} {days}", f"{number:,}"]
    yield [f"Revenue {days}", f"{revenue:,.2f}"]


def sold_with(product: Product) -> Table:
    """The products that are in the same baskets, as the last training found them."""
    row = ProductNeighbor.objects.filter(
        product=product, kind=ProductNeighbor.Kind.BOUGHT, catalog=product.catalog_id
    ).first()
    found = [] if row is None else list(zip(row.products, row.scores, strict=True))[:_SOLD_WITH]
    others = Product.objects.filter(catalog=product.catalog_id)
    products = others.defer("description", "attributes").in_bulk([key for key, _ in found])
    rows = [
        [
            fragments.thumbnail(products[key]),
            fragments.product_link(products[key]),
            products[key].external_id,
            fragments.price(products[key]),
            f"{score:.3f}",
        ]
        for key, score in found
        if key in products
    ]
    note = "" if rows else "Nothing yet: a training finds it where baskets have it with others."
    return Table(["", "Title", "Id", "Price", "Score"], rows, note)


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the product's way to a list ended, of one shopper or more."""

    stage: Stage
    reason: str
    conditions: tuple[str, ...]


def why(product: Product) -> list[Table]:
    """Why it is not shown: of itself, then to the shoppers who did something last."""
    own = list(_of_itself(product))
    note = "" if own else "Nothing about the product itself keeps it from being shown."
    tables = [Table(["What is wrong", "What to do"], own, note, title="The product itself")]
    shoppers = [name for (name,) in database.fetch(_LATEST, (product.catalog_id, _SHOPPERS))]
    if not shoppers:
        nobody = "Nobody has done anything in this catalog yet, so there is nobody to ask about."
        return [*tables, Table([], [], nobody, title="To shoppers")]
    rows = [
        row
        for placement in _placements(product)
        for row in _to_shoppers(product, placement, shoppers)
    ]
    said = f"Asked for the {len(shoppers)} shoppers who did something last; nothing of this counts."
    headers = ["Placement", "Shoppers", "Where its way ended", "Why", "What to do"]
    return [*tables, Table(headers, rows, said, title="To shoppers")]


def _of_itself(product: Product) -> Iterator[list[object]]:
    if not product.in_stock:
        yield ["It is out of stock.", _ADVICE[Stage.OUT_OF_STOCK]]
    serving = Space.objects.filter(catalog=product.catalog_id, status=Space.Status.ACTIVE).order_by(
        "name"
    )
    refused = {
        row.space_id: row
        for row in QuarantinedProduct.objects.filter(product=product, space__in=serving)
    }
    stored = ProductVector.objects.filter(product=product, space__in=serving)
    have = set(stored.values_list("space_id", flat=True))
    for space in serving:
        if space.pk in refused:
            said = f"The model of {space} refused it: {refused[space.pk].reason}"
            yield [fragments.prose(said), "Change what is refused; it is then tried again."]
        elif space.pk not in have:
            paused = f" Embedding is paused: {space.paused_reason}" if space.paused_reason else ""
            yield [fragments.prose(f"It has no vector in {space} yet.{paused}"), _MEND]


def _placements(product: Product) -> Sequence[Placement | None]:
    """No placement, then those that are published and are lists of a shopper."""
    published = Placement.objects.filter(
        catalog=product.catalog_id, draft__operation="for_user", versions__isnull=False
    )
    return [None, *published.distinct().order_by("name")[:_PLACEMENTS]]


def _to_shoppers(
    product: Product, placement: Placement | None, shoppers: Sequence[str]
) -> Iterator[list[object]]:
    ways = Counter(_way(product, placement, shopper) for shopper in shoppers)
    name = "none" if placement is None else placement.name
    rules = _rules(placement)
    for way, number in ways.most_common():
        named = "".join(f" {rules.get(one, one)}." for one in way.conditions)
        yield [
            name,
            f"{number} of {len(shoppers)}",
            way.stage.replace("_", " "),
            fragments.prose(f"{way.reason}{named}"),
            fragments.prose(_ADVICE.get(way.stage, "")),
        ]


def _rules(placement: Placement | None) -> Mapping[str, str]:
    """What the rules that serve are called, by what they are in a request."""
    version = None if placement is None else placement.versions.order_by("-number").first()
    rules = [] if version is None else version.document["rules"]
    return {f"rules.{rule['id']}": f"The rule “{rule['name']}”" for rule in rules}


def _way(product: Product, placement: Placement | None, shopper: str) -> _Way:
    named = {} if placement is None else {"scenario": placement.name}
    ask = ExplainRequest.model_validate({"product": product.external_id, "user": shopper, **named})
    try:
        told = explain.told(placement_preview.asking(product.catalog), ask)
    except Problem as exc:
        return _Way(Stage.FALLBACK, exc.detail, ())
    return _Way(Stage(told["stage"]), told["reason"], tuple(told["conditions"]))
