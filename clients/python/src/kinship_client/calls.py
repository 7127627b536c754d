"""Every call of the service as a value: what is sent, and as what the answer is read.

Nothing here sends anything; `client` does, in one way for all of them.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Generic, TypeVar, Unpack
from urllib.parse import quote
from uuid import UUID, uuid4

from kinship_client import answers, insight, options, records

T = TypeVar("T")
PAGE = 1000  # products of a page: of a sync, and of what is read one after the other


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, whose answer is a `T`.

    Attributes:
        path: with its ids encoded.
        query: what stands after the `?`.
        body: JSON; None where there is none.
        may_repeat: whether to send it twice is as to send it once.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    may_repeat: bool = True


def _get(path: str, given: Mapping[str, Any] | None = None) -> Call[Any]:
    query = {name: _parameter(value) for name, value in (given or {}).items() if value is not None}
    return Call("GET", f"/v1{path}", query)


def _send(method: str, path: str, body: object, *, may_repeat: bool = True) -> Call[Any]:
    return Call(method, f"/v1{path}", body=encode(body), may_repeat=may_repeat)


def _id(value: str) -> str:
    if not value:
        raise ValueError("an id is not empty")
    return quote(value, safe="")


def encode(value: object) -> bytes:
    """JSON as the service reads it.

    Raises:
        TypeError: what JSON has no form for; ValueError: a number that is none, such as NaN.
    """
    return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _parameter(value: object) -> str:
    """A value as a query has it: names with commas between, all else that is no text as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return encode(value).decode()


# Products


def put_product(product: str, document: options.ProductInput) -> Call[records.Product]:
    """Add a product, or replace it."""
    return _send("PUT", f"/products/{_id(product)}", document)


def patch_product(product: str, change: options.ProductInput) -> Call[records.Product]:
    """Change what is given of a product."""
    return _send("PATCH", f"/products/{_id(product)}", change)


def get_product(product: str) -> Call[records.Product]:
    """Read a product."""
    return _get(f"/products/{_id(product)}")


def delete_product(product: str) -> Call[None]:
    """Take a product off sale. One that is not there is a KinshipError of status 404."""
    return Call("DELETE", f"/v1/products/{_id(product)}")


def put_products(products: Sequence[options.ProductInput]) -> Call[records.Written]:
    """Add or replace up to 10,000 products; what is rejected is told one by one."""
    return _send("POST", "/products/bulk", products)


def patch_products(changes: Sequence[options.ProductInput]) -> Call[records.Written]:
    """Change up to 10,000 products."""
    return _send("PATCH", "/products/bulk", changes)


def product_page(*, limit: int = PAGE, cursor: str | None = None) -> Call[records.ProductPage]:
    """A page of all products; `next` is the cursor of the one after."""
    return _get("/products", {"limit": limit, "cursor": cursor})


def sync_page(
    token: str,
    products: Sequence[options.ProductInput],
    *,
    done: bool = False,
    force: bool = False,
) -> Call[records.Synced]:
    """A page of the whole catalog. After the last, `done`, what no page had is taken off sale."""
    page = {"token": token, "products": products, "done": done, "force": force}
    return _send("POST", "/products/sync", page)


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
    return _send("PUT", f"/users/{_id(user)}", {"attributes": attributes or {}})


def get_user(user: str) -> Call[records.User]:
    """Read a user."""
    return _get(f"/users/{_id(user)}")


def delete_user(user: str) -> Call[None]:
    """Erase a user with all that they did, for good."""
    return Call("DELETE", f"/v1/users/{_id(user)}")


def merge_user(user: str, visitor: str) -> Call[records.Merged]:
    """Give a user all that a visitor did, who is then gone; for when somebody signs in."""
    return _send("POST", f"/users/{_id(user)}/merge", {"from": visitor})


def send_events(events: Sequence[options.Event]) -> Call[records.Ingested]:
    """Up to 10,000 events; what is rejected is told one by one.

    Each without `id` or `at` gets them now: so it may be sent again, and counts once.
    """
    return _send("POST", "/events", [complete(event) for event in events])


def complete(event: options.Event) -> options.Event:
    """The event with an id, and the time that it is now, where it has none."""
    stamped = datetime.fromtimestamp(time.time(), UTC)
    return {**event, "id": event.get("id") or str(uuid4()), "at": event.get("at") or stamped}


# Lists


def recommendations(
    user: str, **given: Unpack[options.RecommendationOptions]
) -> Call[answers.Recommendations]:
    """The products for a user."""
    return _send("POST", f"/users/{_id(user)}/recommendations", given)


def recommend(**given: Unpack[options.AdHocOptions]) -> Call[answers.Recommendations]:
    """The products for whatever the request tells: products, a session, a cart, a text."""
    return _send("POST", "/recommendations", given)


def similar(product: str, **given: Unpack[options.SimilarOptions]) -> Call[answers.Recommendations]:
    """What is most like a product."""
    return _send("POST", f"/products/{_id(product)}/similar", given)


def bought_together(
    product: str, **given: Unpack[options.ListOptions]
) -> Call[answers.Recommendations]:
    """What is most often in a basket with a product."""
    return _send("POST", f"/products/{_id(product)}/bought-together", given)


def complements(
    product: str, **given: Unpack[options.ListOptions]
) -> Call[answers.Recommendations]:
    """What goes with a product: as bought together, without substitutes."""
    return _send("POST", f"/products/{_id(product)}/complements", given)


def popular(**given: Unpack[options.PopularOptions]) -> Call[answers.Chart]:
    """What users did most with."""
    return _get("/popular", given)


def trending(**given: Unpack[options.ChartOptions]) -> Call[answers.Chart]:
    """What is more popular than usual."""
    return _get("/trending", given)


def new(**given: Unpack[options.ChartOptions]) -> Call[answers.Chart]:
    """The latest products."""
    return _get("/new", given)


def search(
    q: str | None = None, **given: Unpack[options.SearchOptions]
) -> Call[answers.SearchResults]:
    """The products that a text asks for, or a picture, or that are like others."""
    return _send("POST", "/search", given if q is None else {"q": q, **given})


def suggest(q: str, **given: Unpack[options.SuggestOptions]) -> Call[answers.Suggestions]:
    """What a text may become while it is typed."""
    return _get("/suggest", {"q": q, **given})


def rows(user: str, **given: Unpack[options.RowsOptions]) -> Call[answers.Rows]:
    """Titled rows for a user's page."""
    return _send("POST", f"/users/{_id(user)}/rows", given)


def segments(user: str, **given: Unpack[options.SegmentsOptions]) -> Call[answers.Segments]:
    """The brands, categories or values that a user would like."""
    return _send("POST", f"/users/{_id(user)}/segments", given)


def audience(product: str, **given: Unpack[options.AudienceOptions]) -> Call[answers.Audience]:
    """The users whom a product would suit."""
    return _get(f"/products/{_id(product)}/audience", given)


def next_page(rec_id: str, *, count: int | None = None) -> Call[answers.Recommendations]:
    """What comes after an answer, without repeats."""
    body = {} if count is None else {"count": count}
    return _send("POST", f"/recommendations/{_id(rec_id)}/next", body)


def batch(
    requests: Sequence[options.Json], *, distinct: bool = False
) -> Call[answers.BatchAnswers]:
    """Up to 20 lists at once, each with its `operation`; what is wrong with one fails no other."""
    return _send("POST", "/batch", {"requests": requests, "distinct": distinct})


def explain(product: str, **given: Unpack[options.ExplainOptions]) -> Call[answers.Explanation]:
    """Why a product is in the list of a `user`, or like `seed`; or why not."""
    return _get("/explain", {"product": product, **given})


# Insight


def insight_kinds() -> Call[insight.InsightKinds]:
    """What there is to find out of the catalog, and the parameters of each."""
    return _get("/insight/kinds")


def start_insight(kind: str, parameters: options.Json | None = None) -> Call[insight.InsightRun]:
    """Have something found out; the run that workers carry out."""
    return _send("POST", f"/insight/{_id(kind)}", parameters or {}, may_repeat=False)


def insight_runs(*, kind: str | None = None) -> Call[insight.InsightRuns]:
    """The runs that are kept."""
    return _get("/insight/runs", {"kind": kind})


def insight_run(run: str) -> Call[insight.InsightRun]:
    """How far a run is, its figures and its summary."""
    return _get(f"/insight/runs/{_id(run)}")


def cancel_insight(run: str) -> Call[insight.InsightRun]:
    """End a run."""
    return _send("POST", f"/insight/runs/{_id(run)}/cancel", {})


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
    return _get(f"/insight/runs/{_id(run)}/findings", given)


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
    return _send("POST", "/insight/outliers", body)
