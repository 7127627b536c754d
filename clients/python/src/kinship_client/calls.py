"""Every call of the service.

Nothing here sends anything; `client` does, in one way for all of them.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Unpack
from uuid import uuid4

from kinship_client import answers, insight, options, records
from kinship_client.call import Call, get, in_path, send

PAGE = 1000  # products of a page: of a sync, and of what is read one after the other


# Products


def put_product(product: str, document: options.ProductInput) -> Call[records.Product]:
    """Add a product, or replace it."""
    return send("PUT", f"/products/{in_path(product)}", document)


def patch_product(product: str, change: options.ProductInput) -> Call[records.Product]:
    """Change what is given of a product."""
    return send("PATCH", f"/products/{in_path(product)}", change)


def get_product(product: str) -> Call[records.Product]:
    """Read a product."""
    return get(f"/products/{in_path(product)}")


def delete_product(product: str) -> Call[None]:
    """Take a product off sale. One that is not there is a KinshipError of status 404."""
    return Call("DELETE", f"/v1/products/{in_path(product)}")


def put_products(products: Sequence[options.ProductInput]) -> Call[records.Written]:
    """Add or replace up to 10,000 products; what is rejected is told one by one."""
    return send("POST", "/products/bulk", products)


def patch_products(changes: Sequence[options.ProductInput]) -> Call[records.Written]:
    """Change up to 10,000 products."""
    return send("PATCH", "/products/bulk", changes)


def product_page(*, limit: int = PAGE, cursor: str | None = None) -> Call[records.ProductPage]:
    """A page of all products; `next` is the cursor of the one after."""
    return get("/products", {"limit": limit, "cursor": cursor})


def sync_page(
    token: str,
    products: Sequence[options.ProductInput],
    *,
    done: bool = False,
    force: bool = False,
) -> Call[records.Synced]:
    """A page of the whole catalog. After the last, `done`, what no page had is taken off sale."""
    page = {"token": token, "products": products, "done": done, "force": force}
    return send("POST", "/products/sync", page)


def sync_pages(
    products: Iterable[options.ProductInput], *, force: bool = False
) -> Iterator[Call[records.Synced]]:
    """The whole catalog in pages, the last of which says so."""
    token = f"kinship-client {uuid4()}"
    rows = iter(products)
    page = list(islice(rows, PAGE))
    while following := list(islice(rows, PAGE)):
        yield sync_page(token, page)
        page = following
    yield sync_page(token, page, done=True, force=force)


# Users and what they do


def put_user(user: str, attributes: options.Json | None = None) -> Call[records.User]:
    """Add a user, or replace their attributes."""
    return send("PUT", f"/users/{in_path(user)}", {"attributes": attributes or {}})


def get_user(user: str) -> Call[records.User]:
    """Read a user."""
    return get(f"/users/{in_path(user)}")


def delete_user(user: str) -> Call[None]:
    """Erase a user with all that they did, for good."""
    return Call("DELETE", f"/v1/users/{in_path(user)}")


def export_user(user: str, *, limit: int = PAGE, cursor: str | None = None) -> Call[records.Held]:
    """A page of all that is held about a user; `next` is the cursor of the one after."""
    return get(f"/users/{in_path(user)}/export", {"limit": limit, "cursor": cursor})


def merge_product(product: str, duplicate: str) -> Call[records.Merged]:
    """Give a product all that happened with its duplicate, whose id stands for it from then on."""
    return send("POST", f"/products/{in_path(product)}/merge", {"from": duplicate})


def unmerge_product(product: str, duplicate: str) -> Call[records.Merged]:
    """Undo the merge of a duplicate."""
    return Call("DELETE", f"/v1/products/{in_path(product)}/merge", {"from": duplicate})


def merge_user(user: str, visitor: str) -> Call[records.Merged]:
    """Give a user all that a visitor did, who is then gone; for when somebody signs in."""
    return send("POST", f"/users/{in_path(user)}/merge", {"from": visitor})


def unmerge_user(user: str, visitor: str) -> Call[records.Merged]:
    """Give a visitor back what a user got of them by merges of the last day."""
    return Call("DELETE", f"/v1/users/{in_path(user)}/merge", {"from": visitor})


def send_events(events: Sequence[options.Event]) -> Call[records.Ingested]:
    """Up to 10,000 events; what is rejected is told one by one.

    Each without `id` or `at` gets them now: so it may be sent again, and counts once.
    """
    return send("POST", "/events", [complete(event) for event in events])


def complete(event: options.Event) -> options.Event:
    """The event with an id, and the time that it is now, where it has none."""
    stamped = datetime.fromtimestamp(time.time(), UTC)
    return {**event, "id": event.get("id") or str(uuid4()), "at": event.get("at") or stamped}


# Lists


def recommendations(
    user: str, **given: Unpack[options.RecommendationOptions]
) -> Call[answers.Recommendations]:
    """The products for a user."""
    return send("POST", f"/users/{in_path(user)}/recommendations", given)


def recommend(**given: Unpack[options.AdHocOptions]) -> Call[answers.Recommendations]:
    """The products for whatever the request tells: products, a session, a cart, a text."""
    return send("POST", "/recommendations", given)


def similar(product: str, **given: Unpack[options.SimilarOptions]) -> Call[answers.Recommendations]:
    """What is most like a product."""
    return send("POST", f"/products/{in_path(product)}/similar", given)


def bought_together(
    product: str, **given: Unpack[options.ListOptions]
) -> Call[answers.Recommendations]:
    """What is most often in a basket with a product."""
    return send("POST", f"/products/{in_path(product)}/bought-together", given)


def complements(
    product: str, **given: Unpack[options.ListOptions]
) -> Call[answers.Recommendations]:
    """What goes with a product: as bought together, without substitutes."""
    return send("POST", f"/products/{in_path(product)}/complements", given)


def popular(**given: Unpack[options.PopularOptions]) -> Call[answers.Chart]:
    """What users did most with."""
    return get("/popular", given)


def trending(**given: Unpack[options.ChartOptions]) -> Call[answers.Chart]:
    """What is more popular than usual."""
    return get("/trending", given)


def new(**given: Unpack[options.ChartOptions]) -> Call[answers.Chart]:
    """The latest products."""
    return get("/new", given)


def search(
    q: str | None = None, **given: Unpack[options.SearchOptions]
) -> Call[answers.SearchResults]:
    """The products that a text asks for, or a picture, or that are like others."""
    return send("POST", "/search", given if q is None else {"q": q, **given})


def suggest(q: str, **given: Unpack[options.SuggestOptions]) -> Call[answers.Suggestions]:
    """What a text may become while it is typed."""
    return get("/suggest", {"q": q, **given})


def rows(user: str, **given: Unpack[options.RowsOptions]) -> Call[answers.Rows]:
    """Titled rows for a user's page."""
    return send("POST", f"/users/{in_path(user)}/rows", given)


def segments(user: str, **given: Unpack[options.SegmentsOptions]) -> Call[answers.Segments]:
    """The brands, categories or values that a user would like."""
    return send("POST", f"/users/{in_path(user)}/segments", given)


def audience(product: str, **given: Unpack[options.AudienceOptions]) -> Call[answers.Audience]:
    """The users whom a product would suit."""
    return get(f"/products/{in_path(product)}/audience", given)


def next_page(rec_id: str, *, count: int | None = None) -> Call[answers.Recommendations]:
    """What comes after an answer, without repeats."""
    body = {} if count is None else {"count": count}
    return send("POST", f"/recommendations/{in_path(rec_id)}/next", body)


def batch(
    requests: Sequence[options.Json], *, distinct: bool = False
) -> Call[answers.BatchAnswers]:
    """Up to 20 lists at once, each with its `operation`; what is wrong with one fails no other."""
    return send("POST", "/batch", {"requests": requests, "distinct": distinct})


def explain(product: str, **given: Unpack[options.ExplainOptions]) -> Call[answers.Explanation]:
    """Why a product is in the list of a `user`, or like `seed`; or why not."""
    return get("/explain", {"product": product, **given})


# Insight


def insight_kinds() -> Call[insight.InsightKinds]:
    """What there is to find out of the catalog, and the parameters of each."""
    return get("/insight/kinds")


def start_insight(kind: str, parameters: options.Json | None = None) -> Call[insight.InsightRun]:
    """Have something found out; the run that workers carry out."""
    return send("POST", f"/insight/{in_path(kind)}", parameters or {}, may_repeat=False)


def insight_runs(*, kind: str | None = None) -> Call[insight.InsightRuns]:
    """The runs that are kept."""
    return get("/insight/runs", {"kind": kind})


def insight_run(run: str) -> Call[insight.InsightRun]:
    """How far a run is, its figures and its summary."""
    return get(f"/insight/runs/{in_path(run)}")


def cancel_insight(run: str) -> Call[insight.InsightRun]:
    """End a run."""
    return send("POST", f"/insight/runs/{in_path(run)}/cancel", {})


def decide(
    run: str,
    *,
    accept: Sequence[str] = (),
    refuse: Sequence[str] = (),
    accept_from: float | None = None,
) -> Call[insight.Decisions]:
    """Accept or refuse categories that a run proposes, by products, or all that are sure enough."""
    sure = {} if accept_from is None else {"accept_from": accept_from}
    body = {"accept": list(accept), "refuse": list(refuse), **sure}
    return send("POST", f"/insight/runs/{in_path(run)}/decisions", body)


def findings(
    run: str,
    *,
    limit: int = 100,
    cursor: str | None = None,
    group: str | None = None,
    product: str | None = None,
) -> Call[insight.Findings]:
    """A page of what a run found, the highest score first."""
    given = {"limit": limit, "cursor": cursor, "group": group, "product": product}
    return get(f"/insight/runs/{in_path(run)}/findings", given)


def outliers(
    rows: Sequence[Sequence[float]],
    columns: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
    false_alarms: float = 0.01,
) -> Call[insight.Outliers]:
    """Which rows of numbers are unlike the others."""
    named = {} if ids is None else {"ids": ids}
    body = {"rows": rows, "columns": columns, "false_alarms": false_alarms, **named}
    return send("POST", "/insight/outliers", body)
