"""`/kinship.js`: the snippet that a shop's pages load, with the hash that pins it."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

_FILE = Path(__file__).resolve().parents[1] / "static/recommender/kinship.js"
_YEAR, _HOUR = 365 * 24 * 3600, 3600  # seconds


@lru_cache(maxsize=1)
def source() -> bytes:
    """The snippet."""
    return _FILE.read_bytes()


@lru_cache(maxsize=1)
def integrity() -> str:
    """Its hash as `integrity` of a `<script>` has it (W3C, Subresource Integrity)."""
    return f"sha384-{base64.b64encode(hashlib.sha384(source()).digest()).decode()}"


@lru_cache(maxsize=1)
def version() -> str:
    """Its version, by which an address is for one content alone: `/kinship.js?v=…`."""
    return hashlib.sha256(source()).hexdigest()[:12]


def tag(request: HttpRequest, key: str) -> str:
    """The tag that a page of the shop has, with the address by which the service is asked now."""
    address = request.build_absolute_uri(f"/kinship.js?v={version()}")
    return (
        f'<script src="{address}" integrity="{integrity()}" crossorigin defer '
        f'data-key="{key}"></script>'
    )


def _etag(_: HttpRequest) -> str:
    return f'"{version()}"'


@require_safe
@condition(etag_func=_etag)
def kinship_js(request: HttpRequest) -> HttpResponse:
    """The snippet, for pages of any origin; at its version's address browsers keep it a year."""
    response = HttpResponse(source(), content_type="text/javascript; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "X-Kinship-Integrity"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Kinship-Integrity"] = integrity()
    if request.GET.get("v") == version():
        patch_cache_control(response, public=True, max_age=_YEAR, immutable=True)
    else:
        patch_cache_control(response, public=True, max_age=_HOUR)
    return response
