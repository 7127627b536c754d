"""The placements that the sample store's shop names, as they are first published."""

from collections.abc import Mapping
from typing import Any

_FIELDS = ["title", "price", "currency", "brand", "category", "image_urls"]


def _placement(operation: str, fallback: str | None = None, **defaults: Any) -> dict[str, Any]:
    return {
        "operation": operation,
        "defaults": {"fields": _FIELDS, **defaults},
        "fallback": fallback,
        "rules": [],
    }


PLACEMENTS: Mapping[str, dict[str, Any]] = {
    "home": _placement("for_user", count=12, diversity=0.2, max_per={"brand": 4}),
    "product": _placement("similar", "popular", count=8),
    "cart": _placement("recommendations", "popular", count=4),
    "search": _placement("search", count=24),
}
