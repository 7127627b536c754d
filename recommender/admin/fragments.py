"""Fragments of HTML that several pages show, and figures stored as JSON as a person reads them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recommender.models import Product, QuarantinedProduct

_THUMBNAIL = "h-8 w-8 object-cover rounded-default"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as Unfold's component takes it, and what there is to say above it."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    title: str = field(default="", kw_only=True)
    legend: str = field(default="", kw_only=True)


def badge(text: str, kind: str) -> SafeString:
    """A coloured label; the kinds are info, success, warning, danger and primary."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar: what it is, its share from 0 to 1 of the bar, and its CSS class."""

    name: str
    share: float
    css: str

    @property
    def percent(self) -> str:
        """The width in CSS."""
        return f"{100 * min(1.0, max(0.0, self.share)):.1f}"


def bar(share: float, text: str) -> SafeString:
    """A number and a bar that shows it as a share, 0 to 1, of the whole."""
    return stack([BarPart("", share, "bg-primary-600")], text)


def stack(parts: Sequence[BarPart], text: str) -> SafeString:
    """A number and a bar of several parts."""
    return render_to_string("recommender/admin/bar.html", {"parts": parts, "text": text})


def catalog_link(catalog_id: int, name: str) -> SafeString:
    """A catalog's name and the way to its page."""
    address = reverse("admin:recommender_catalog_change", args=[catalog_id])
    return format_html('<a href="{}" class="text-link">{}</a>', address, name)


def refusal(refused: QuarantinedProduct) -> SafeString:
    """What the model said of a product that it refused, with its code where there is one."""
    code = format_html('<code class="text-subtle">{}</code> ', refused.code) if refused.code else ""
    return format_html(
        '<div class="max-w-xl text-xs whitespace-normal break-words">{}{}</div>',
        code,
        refused.reason,
    )


def time(at: datetime) -> str:
    """A time in the form that all pages have, which is that of locale/en_GB/formats.py."""
    return f"{at:%-d %B %Y, %H:%M} UTC"


def moment(at: datetime | None) -> SafeString:
    """A time in one line; a dash for none."""
    if at is None:
        return SafeString("-")
    return format_html('<span class="whitespace-nowrap">{}</span>', time(at))


def prose(text: str, note: str = "") -> SafeString:
    """Sentences in a cell, broken where they are long, and a note below them."""
    below = format_html('<div class="text-subtle text-xs">{}</div>', note) if note else ""
    return format_html(
        '<div class="max-w-xl whitespace-normal break-words">{}{}</div>', text, below
    )


def product_link(product: Product) -> SafeString:
    """A product's title and the way to its page; a deleted one has no page."""
    if product.deleted_at is not None:
        return format_html('{} <span class="text-subtle">(deleted)</span>', product)
    address = reverse("admin:recommender_product_change", args=[product.pk])
    return format_html('<a href="{}" class="text-link">{}</a>', address, product)


def product_links(ids: Sequence[str], products: Mapping[str, Product]) -> SafeString:
    """Links to those of these products that are known, one a line."""
    known = [product_link(products[product_id]) for product_id in ids if product_id in products]
    if not known:
        return SafeString("-")
    return format_html("<div>{}</div>", format_html_join(SafeString("<br>"), "{}", zip(known)))


def thumbnail(product: Product) -> SafeString:
    """The product's first picture, or a placeholder; the shop's host learns no admin address."""
    address = next(iter(product.image_urls or []), "")
    if not str(address).startswith(("http://", "https://")):
        return SafeString('<span class="material-symbols-outlined text-base-300">image</span>')
    return format_html(
        '<img src="{}" alt="" loading="lazy" referrerpolicy="no-referrer" class="{}">',
        address,
        _THUMBNAIL,
    )


def price(product: Product) -> str:
    """The price with its currency, without needless zeros."""
    if product.price is None:
        return "-"
    return f"{product.price:,.2f} {product.currency}".strip()


_INTERVAL = {"mean", "low", "high"}


def stored_table(figures: Mapping[str, Any]) -> SafeString:
    """Names and values, one a line; of what is nested, the names one after another."""
    return named_values(list(_flat(figures)))


def named_values(rows: Sequence[tuple[str, str]]) -> SafeString:
    """Names and values, one a line; a dash for none."""
    if not rows:
        return SafeString("-")
    lines = format_html_join(
        "",
        '<tr><td class="pr-4 text-subtle whitespace-nowrap">{}</td>'
        '<td class="whitespace-nowrap">{}</td></tr>',
        rows,
    )
    return format_html('<table class="text-xs">{}</table>', lines)


def interval(figures: Mapping[str, float] | None, form: str = ".4f") -> str:
    """A mean, and in brackets where it lies with 95 % confidence."""
    if figures is None:
        return "-"
    mean, low, high = (format(figures[key], form) for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def stacked(figures: Mapping[str, float] | None, form: str = ".4f") -> SafeString:
    """A mean, and below it where it lies with 95 % confidence."""
    if figures is None:
        return SafeString("-")
    mean, low, high = (format(figures[key], form) for key in ("mean", "low", "high"))
    return format_html(
        '<div>{}<div class="text-subtle text-xs whitespace-nowrap">{} to {}</div></div>',
        *(mean, low, high),
    )


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        label = f"{prefix} {name}".strip().replace("_", " ")
        if not isinstance(value, Mapping):
            yield label, _words(value)
        elif value.keys() == _INTERVAL:
            yield label, interval(value)
        else:
            yield from _flat(value, label)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# Of each dataset, as Chart.js and the component's script name it. The component's own columns are
# too thin to point at, and more than six dates are turned aslant.
_STYLE = {"displayYAxis": True, "maxTicksXLimit": 6, "maxBarThickness": 16, "borderRadius": 2}


@dataclass(frozen=True, slots=True)
class Series:
    """What has one colour of Tailwind: a value for each label, or points {x: label, y: value}.

    `style` says what differs from a plain column, in the terms of a Chart.js dataset.
    """

    name: str
    colour: str
    values: Sequence[Any]
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over the same labels; `note` tells their span or their highest value in words."""

    name: str
    note: str
    labels: Sequence[str]
    series: Sequence[Series]

    @property
    def data(self) -> str:
        """The JSON for Chart.js; the component resolves the variables of CSS."""
        return json.dumps(
            {"labels": self.labels, "datasets": [_dataset(series) for series in self.series]}
        )


def _dataset(series: Series) -> dict[str, Any]:
    colour = f"var(--color-{series.colour})"
    return {
        "label": series.name,
        "data": series.values,
        "backgroundColor": colour,
        "borderColor": colour,
        **_STYLE,
        **series.style,
    }
