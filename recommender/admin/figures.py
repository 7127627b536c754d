"""Figures that were stored as JSON, as a person reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_INTERVAL = {"mean", "low", "high"}


def table(figures: Mapping[str, Any]) -> SafeString:
    """Names and values, one a line; of what is nested, the names one after another."""
    rows = list(_flat(figures))
    if not rows:
        return SafeString("-")
    lines = format_html_join(
        "",
        '<tr><td class="pr-4 text-subtle whitespace-nowrap">{}</td>'
        '<td class="whitespace-nowrap">{}</td></tr>',
        rows,
    )
    return format_html('<table class="text-xs">{}</table>', lines)


def interval(found: Mapping[str, float] | None, form: str = ".4f") -> str:
    """A mean, and in brackets where it lies with 95 % confidence."""
    if found is None:
        return "-"
    mean, low, high = (format(found[each], form) for each in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def stacked(found: Mapping[str, float] | None, form: str = ".4f") -> SafeString:
    """A mean, and below it where it lies with 95 % confidence."""
    if found is None:
        return SafeString("-")
    mean, low, high = (format(found[each], form) for each in ("mean", "low", "high"))
    return format_html(
        '{}<div class="text-subtle text-xs whitespace-nowrap">{} to {}</div>', mean, low, high
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
