"""A shop's whole catalog over REST, page by page."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from ninja import Router

from recommender.api import codec, product_rows, products
from recommender.api.auth import ApiRequest, server_key
from recommender.api.documentation import documented_page
from recommender.api.problems import Problem
from recommender.api.schemas import RowError, id_of, read_page
from recommender.catalog import sync
from recommender.catalog.sync import Removal, TokenUsedError
from recommender.models import Sync

router = Router(tags=["products"], auth=server_key)


@router.post("/products/sync", summary="Send the whole catalog", openapi_extra=documented_page())
def sync_products(request: ApiRequest) -> HttpResponse:
    """Pages of the whole catalog under one token; `done` takes off sale what none of them had.

    Products are added or replaced as by `POST /v1/products/bulk`, and a rejected one stays on sale
    where its id can be read. Any page may be sent again. Where more than 20 % of the products on
    sale would go, `done` is a 409 and none goes, unless `force` comes with it. A token is forgotten
    eight days after its last page.
    """
    codec.check_known(request, ())
    page = read_page(request)
    catalog = request.auth.catalog
    checked = product_rows.check(catalog, page.products)
    ids = _ids(page.products, checked)
    try:
        under_way = sync.begin_page(catalog, page.token, ids)
    except TokenUsedError as exc:
        raise Problem(409, "token-used", str(exc)) from exc
    taken = product_rows.taken(checked)
    written = product_rows.write(catalog, taken)
    sync.see(under_way, ids, has_products=bool(taken))
    answer = {"accepted": len(taken), **product_rows.counts(written, checked)}
    removal = _end(under_way, answer, force=page.force) if page.done else Removal(0, 0)
    answer |= {
        "seen": sync.count_seen(under_way),
        "done": page.done,
        "removed": removal.removed,
    }
    return codec.respond(answer)


products.answer_as_product(router, "sync", patches=True)


def _ids(rows: Sequence[Any], checked: Sequence[dict[str, Any] | RowError]) -> list[str]:
    """The ids of the rows, as far as they can be read."""
    known = [
        (result.id or id_of(row)) if isinstance(result, RowError) else result["id"]
        for row, result in zip(rows, checked, strict=True)
    ]
    return [key for key in known if key]


def _end(under_way: Sync, answer: dict[str, Any], *, force: bool) -> Removal:
    """Take off sale what no page had.

    Raises:
        Problem: 409 where that cannot be meant; it has the counts of the page, too.
    """
    if not under_way.has_products:
        detail = (
            f"No page of the sync {under_way.token!r} had a product that could be taken, so "
            "nothing was taken off sale. Send the products, and then `done`."
        )
        raise _conflict("nothing-sent", detail, answer)
    removal = sync.finish(under_way, sync.seen(under_way), force=force)
    if removal.is_refused:
        detail = (
            f"{removal.why_refused('in any page')}. Nothing was taken off sale. Send the pages "
            "that are missing, and `done` again; if these products are to go, with `force`."
        )
        would = {"would_remove": removal.removed, "on_sale": removal.on_sale}
        raise _conflict("too-many-removed", detail, answer | would)
    return removal


def _conflict(kind: str, detail: str, answer: Mapping[str, Any]) -> Problem:
    """The page was taken, but `done` was not; with the counts of the page."""
    places = [
        {"where": f"body.products.{error['row']}", "message": error["reason"]}
        for error in answer["errors"]
    ]
    counts = {name: count for name, count in answer.items() if name != "errors"}
    return Problem(409, kind, detail, errors=places, removed=0, **counts)
