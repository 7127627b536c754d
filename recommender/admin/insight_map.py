"""The map of a run as the page's script reads it: arrays in one answer, a product by its number.

The answer is the length of a JSON header (four bytes, little-endian), the header, blanks up to a
multiple of four, and the arrays one after the other, each as the header says.
"""

import struct
from typing import Any

import numpy as np
import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from numpy.typing import NDArray

from recommender import arrays
from recommender.admin import fragments
from recommender.analysis import polygons
from recommender.arrays import Array
from recommender.insight.kinds import catalog_map
from recommender.models import InsightRun, Product

# The four-byte ones first, so that each array begins at a multiple of its width.
_COLUMNS = ("price", "sales", "places", "cluster", "category", "warm")

# What a filter takes (docs/recommend.md), and what a line may have.
MOST_IDS = 1_000
_LEAST_CORNERS, _MOST_CORNERS = 3, 200


def is_map(run: InsightRun) -> bool:
    """Whether there is a map to look at."""
    return run.kind == catalog_map.KIND.name and run.status == InsightRun.Status.DONE


def answer(run: InsightRun) -> HttpResponse:
    """All points of a run's map."""
    stored = _stored(run)
    columns = [
        {"name": name, "type": stored[name].dtype.str, "length": int(stored[name].size)}
        for name in _COLUMNS
    ]
    header = orjson.dumps(
        {
            "points": len(stored["keys"]),
            "columns": columns,
            "clusters": stored["cluster_names"].tolist(),
            "categories": stored["category_names"].tolist(),
        }
    )
    header += b" " * (-len(header) % 4)
    parts = [struct.pack("<I", len(header)), header]
    parts += [np.ascontiguousarray(stored[name]).tobytes() for name in _COLUMNS]
    response = HttpResponse(b"".join(parts), content_type="application/octet-stream")
    # A run never changes; another has another address.
    response["Cache-Control"] = "private, max-age=3600, immutable"
    return response


def point(request: HttpRequest, run: InsightRun) -> HttpResponse:
    """The product of a point, by its number; 404 where there is none."""
    number = request.GET.get("point", "")
    keys = _stored(run)["keys"]
    if not number.isdecimal() or len(number) > 9 or int(number) >= len(keys):
        return JsonResponse({}, status=404)
    product = Product.objects.filter(catalog=run.catalog_id, pk=int(keys[int(number)])).first()
    return JsonResponse(_told(product) if product else {}, status=200 if product else 404)


def enclosed(request: HttpRequest, run: InsightRun) -> HttpResponse:
    """The products within a line that was drawn around them, as a filter; 400 for no line.

    `line` is x and y of its corners in turn, in steps of the map. A filter takes MOST_IDS: of more
    products those nearest to the middle of the line are in it.
    """
    corners = _corners(request.GET.get("line", ""))
    if corners is None:
        return JsonResponse({}, status=400)
    stored = _stored(run)
    places = stored["places"].astype(np.float64)
    found = np.flatnonzero(polygons.inside(places, corners))
    distances = np.abs(places[found] - corners.mean(axis=0)).max(axis=1, initial=0)
    keys = stored["keys"][found[np.argsort(distances, kind="stable")[:MOST_IDS]]]
    products = Product.objects.filter(catalog=run.catalog_id, pk__in=keys.tolist())
    ids = sorted(products.filter(deleted_at=None).values_list("external_id", flat=True))
    return JsonResponse({"products": len(found), "filter": {"id": {"in": ids}}})


def _corners(line: str) -> NDArray[np.float64] | None:
    """At least three corners; None where these are none."""
    parts = line.split(",")
    if len(parts) % 2 or not _LEAST_CORNERS <= len(parts) // 2 <= _MOST_CORNERS:
        return None
    try:
        corners = np.array([float(part) for part in parts]).reshape(-1, 2)
    except ValueError:
        return None
    return corners if np.isfinite(corners).all() else None


def _told(product: Product) -> dict[str, Any]:
    page = reverse("admin:recommender_product_change", args=[product.pk])
    return {
        "title": str(product),
        "id": product.external_id,
        "category": product.category,
        "price": fragments.price(product),
        "address": page if product.deleted_at is None else None,
    }


def _stored(run: InsightRun) -> dict[str, Array]:
    return arrays.unpack_arrays(bytes(run.arrays or b""))
