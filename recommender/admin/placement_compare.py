"""Two lists of a placement beside one another: what moved, came and went, and by which parts."""

from collections.abc import Mapping
from typing import Any

from django.utils.safestring import SafeString

from recommender.admin import fragments
from recommender.admin.fragments import Table
from recommender.models import Catalog, Product

_Item = Mapping[str, Any]


def table(catalog: Catalog, one: Mapping[str, Any], other: Mapping[str, Any]) -> Table:
    """Each product of either list: its place in both, and what changed of its score.

    Args:
        one, other: answers with explanations, the first of which is the one that is inspected.
    """
    here = {item["id"]: item for item in one["items"]}
    there = {item["id"]: item for item in other["items"]}
    ids = list({**here, **there})
    found = Product.objects.filter(catalog=catalog, external_id__in=ids)
    products = {row.external_id: row for row in found.defer("description", "attributes")}
    rows = [
        [
            fragments.product_link(products[name]) if name in products else name,
            *_places(here.get(name), there.get(name)),
            fragments.prose(_why(here.get(name), there.get(name))),
        ]
        for name in ids
    ]
    moved = sum(name not in here or name not in there for name in ids)
    note = f"{moved} of {len(ids)} products are in one of the two lists alone."
    headers = ["Product", "This list", "The other", "", "What is different"]
    return Table(headers, rows, note, title="Beside the other list")


def _places(here: _Item | None, there: _Item | None) -> tuple[str, str, SafeString | str]:
    if here is None or there is None:
        badge = ("new", "success") if there is None else ("gone", "danger")
        return _place(here), _place(there), fragments.badge(*badge)
    by = there["rank"] - here["rank"]
    sign = "\N{UPWARDS ARROW}" if by > 0 else "\N{DOWNWARDS ARROW}"
    return _place(here), _place(there), f"{sign} {abs(by)}" if by else "="


def _place(item: _Item | None) -> str:
    return "-" if item is None else f"{item['rank']}"


def _why(here: _Item | None, there: _Item | None) -> str:
    """The parts of its score that differ, largest first; the parts where it is in one alone."""
    ours, theirs = _parts(here), _parts(there)
    if here is None or there is None:
        told = [f"{name} {part:.4f}" for name, part in (ours or theirs).items() if part]
        return " + ".join(told) or "-"
    changes = {name: ours.get(name, 0.0) - theirs.get(name, 0.0) for name in {**ours, **theirs}}
    largest = sorted(changes.items(), key=lambda change: -abs(change[1]))
    told = [f"{name} {by:+.4f}" for name, by in largest if abs(by) >= 0.00005]
    rules = _rules(here) ^ _rules(there)
    return ", ".join([*told, *(f"rule {name}" for name in sorted(rules))]) or "nothing"


def _parts(item: _Item | None) -> Mapping[str, float]:
    return {} if item is None else item["why"]["contributions"]


def _rules(item: _Item) -> set[str]:
    return {rule["name"] for rule in item["why"].get("rules", ())}
