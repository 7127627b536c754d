"""A key of one catalog never reads, changes or counts anything of another.

Every operation of the OpenAPI document is asked with whatever another catalog has that can be
named, in every place where a text goes: a new operation is in by itself, once the table below
says who may call it.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import orjson
import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import get_resolver

from recommender.api.app import api as served
from recommender.catalog import attributes, catalogs, keys, placements, sync
from recommender.history import popularity
from recommender.models import ApiKey, Catalog, Experiment, InsightFinding, InsightRun, Webhook
from recommender.webhooks import outbox
from tests.recommender.api.client import Api, problem
from tests.shop import Shop, event

SERVER, BROWSER, EMBED = ApiKey.Scope.SERVER, ApiKey.Scope.BROWSER, ApiKey.Scope.EMBED
ADMIN = ApiKey.Scope.ADMIN
_SERVER, _PUBLIC, _EMBED = {SERVER}, {SERVER, BROWSER}, {SERVER, EMBED}
_ADMIN, _MANAGING = {ADMIN}, {SERVER, ADMIN}
_SEARCH, _INSIGHT = {*_PUBLIC, ApiKey.Scope.SEARCH}, {SERVER, ApiKey.Scope.INSIGHT}

ALLOWED: Mapping[tuple[str, str], set[str]] = {
    ("GET", "/v1/products"): _SERVER,
    ("POST", "/v1/products/bulk"): _SERVER,
    ("PATCH", "/v1/products/bulk"): _SERVER,
    ("POST", "/v1/products/sync"): _SERVER,
    ("PUT", "/v1/products/{product_id}"): _SERVER,
    ("PATCH", "/v1/products/{product_id}"): _SERVER,
    ("GET", "/v1/products/{product_id}"): _SERVER,
    ("DELETE", "/v1/products/{product_id}"): _SERVER,
    ("POST", "/v1/products/{product_id}/merge"): _SERVER,
    ("DELETE", "/v1/products/{product_id}/merge"): _SERVER,
    ("GET", "/v1/products/{product_id}/similar"): _PUBLIC,
    ("POST", "/v1/products/{product_id}/similar"): _PUBLIC,
    **{
        (method, f"/v1/products/{{product_id}}/{name}"): _PUBLIC
        for name in ("bought-together", "complements")
        for method in ("GET", "POST")
    },
    ("GET", "/v1/products/{product_id}/audience"): _SERVER,
    ("GET", "/v1/users/{user_id}/rows"): _PUBLIC,
    ("POST", "/v1/users/{user_id}/rows"): _PUBLIC,
    ("GET", "/v1/users/{user_id}/segments"): _PUBLIC,
    ("POST", "/v1/users/{user_id}/segments"): _PUBLIC,
    ("POST", "/v1/recommendations"): _PUBLIC,
    ("POST", "/v1/batch"): _PUBLIC,
    ("GET", "/v1/explain"): _PUBLIC,
    ("POST", "/v1/recommendations/{rec_id}/next"): _PUBLIC,
    ("POST", "/v1/insight/outliers"): _INSIGHT,
    ("GET", "/v1/insight/kinds"): _INSIGHT,
    ("GET", "/v1/insight/runs"): _INSIGHT,
    ("GET", "/v1/insight/runs/{run_id}"): _INSIGHT,
    ("GET", "/v1/insight/runs/{run_id}/findings"): _INSIGHT,
    ("POST", "/v1/insight/runs/{run_id}/decisions"): _SERVER,
    ("POST", "/v1/insight/runs/{run_id}/cancel"): _INSIGHT,
    ("POST", "/v1/insight/{kind}"): _INSIGHT,
    **{
        (method, f"/v1/placements{path}"): _MANAGING
        for method, path in (
            ("GET", ""),
            ("GET", "/{name}"),
            ("PUT", "/{name}"),
            ("DELETE", "/{name}"),
            ("POST", "/{name}/publish"),
            ("POST", "/{name}/rollback"),
            ("GET", "/{name}/versions"),
        )
    },
    ("GET", "/v1/metrics/effect"): _SERVER,
    ("GET", "/v1/experiments"): _MANAGING,
    ("PUT", "/v1/experiments/{name}"): _MANAGING,
    ("GET", "/v1/experiments/{name}"): _MANAGING,
    ("POST", "/v1/experiments/{name}/start"): _MANAGING,
    ("POST", "/v1/experiments/{name}/stop"): _MANAGING,
    ("GET", "/v1/keys"): _ADMIN,
    ("POST", "/v1/keys"): _ADMIN,
    ("POST", "/v1/keys/{prefix}/rotate"): _ADMIN,
    ("POST", "/v1/keys/{prefix}/revoke"): _ADMIN,
    ("GET", "/v1/config"): _ADMIN,
    ("PUT", "/v1/config"): _ADMIN,
    ("GET", "/v1/webhooks"): _SERVER,
    ("PUT", "/v1/webhooks/{name}"): _SERVER,
    ("DELETE", "/v1/webhooks/{name}"): _SERVER,
    ("POST", "/v1/webhooks/{name}/test"): _SERVER,
    ("GET", "/v1/webhooks/{name}/deliveries"): _SERVER,
    ("GET", "/v1/popular"): _PUBLIC,
    ("GET", "/v1/trending"): _PUBLIC,
    ("GET", "/v1/new"): _PUBLIC,
    ("GET", "/v1/search"): _SEARCH,
    ("POST", "/v1/search"): _SEARCH,
    ("GET", "/v1/suggest"): _SEARCH,
    ("PUT", "/v1/users/{user_id}"): _SERVER,
    ("GET", "/v1/users/{user_id}"): _SERVER,
    ("DELETE", "/v1/users/{user_id}"): _SERVER,
    ("POST", "/v1/users/{user_id}/merge"): _SERVER,
    ("DELETE", "/v1/users/{user_id}/merge"): _SERVER,
    ("GET", "/v1/users/{user_id}/export"): _SERVER,
    ("GET", "/v1/users/{user_id}/recommendations"): _PUBLIC,
    ("POST", "/v1/users/{user_id}/recommendations"): _PUBLIC,
    ("POST", "/v1/events"): _PUBLIC,
    # What the vendor's SDKs ask is the vendor's to document.
    ("POST", "/compatible-mode/v1/embeddings"): _EMBED,
    ("POST", "/api/v1/services/embeddings/text-embedding/text-embedding"): _EMBED,
    ("POST", "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding"): _EMBED,
}
EMBEDDING_BODIES = [
    {"model": "fake", "input": "a mug"},
    {"model": "fake", "input": {"texts": ["a mug"], "contents": [{"text": "a mug"}]}},
]
# Addresses that tell nothing of a catalog, or are a person's with a session.
OTHERS = {
    *("", "healthz", "readyz", "metrics", "kinship.js"),
    *("admin/", "shop/", "admin/login/", "openapi.json", "docs"),
}

# In every text of the other catalog, and in nothing that is sent.
MARKER = "zebrafish"
PRODUCTS, USER = ("foo-001", "foo-004", "foo-002"), "sim-coffee-lover-01"
# A product, a user, an attribute, an event and a sync that only the other catalog has.
PRODUCT_THERE, USER_THERE, ATTRIBUTE_THERE = "only-there", "nobody-else", "their-attribute"
EVENT_THERE, SYNC_THERE, PLACEMENT_THERE = "their-event", "their-sync", "their-placement"
PLACEMENT = {"operation": "for_user", "defaults": {}, "fallback": None, "rules": []}
EXPERIMENT_THERE = "their-experiment"
WEBHOOK_THERE = "their-webhook"
WEBHOOK = {"url": "https://shop.example/", "kinds": ["feed.failed"]}
VARIANTS = [{"name": "control", "share": 0.5}, {"name": "new", "share": 0.5}]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, with the values that its documentation gives as examples."""

    method: str
    path: str
    in_path: Mapping[str, str]
    in_query: Mapping[str, str]
    bodies: list[Any]
    needed: Mapping[str, str] = field(default_factory=dict)  # of the query

    def address(self, **given: str) -> str:
        path = self.path
        for name, value in (self.in_path | given).items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        others = {name: value for name, value in given.items() if name not in self.in_path}
        query = {**self.needed, **others}
        return f"{path}?{urlencode(query)}" if query else path


def operations() -> list[Operation]:
    """Those of the document, and those of the vendor's protocols."""
    found = [
        Operation(method.upper(), path, _given(operation, "path"), _given(operation, "query"),
                  _bodies(operation), _given(operation, "query", needed=True))
        for path, methods in served.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
    ]  # fmt: skip
    vendor = [at for at in ALLOWED if not at[1].startswith("/v1/")]
    return found + [Operation(*at, {}, {}, EMBEDDING_BODIES) for at in vendor]


def _given(operation: Mapping[str, Any], place: str, *, needed: bool = False) -> dict[str, str]:
    return {
        parameter["name"]: str([*parameter["examples"].values()][-1]["value"])
        for parameter in operation.get("parameters", ())
        if parameter["in"] == place and (parameter["required"] or not needed)
    }


def _bodies(operation: Mapping[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {"content": {}})["content"]
    examples = content.get("application/json", {"examples": {}})["examples"]
    return [example["value"] for example in examples.values()]


OPERATIONS = operations()


def test_the_table_has_every_operation():
    assert {(one.method, one.path) for one in OPERATIONS} == ALLOWED.keys()
    # What is served beside the document is in the table, too, or has no catalog; the shop, which
    # asks for no key, has tests of its own.
    beside = {
        str(pattern.pattern).strip("^").removesuffix("/?$")
        for pattern in get_resolver().url_patterns
        if str(pattern.pattern)
    }
    assert beside - OTHERS == {path[1:] for _, path in ALLOWED if not path.startswith("/v1/")}


def test_the_scope_of_a_key_decides_what_it_may_ask(shop):
    made = {scope: catalogs.create_key(shop.catalog, scope) for scope in ApiKey.Scope.values}
    signing = made.pop(ApiKey.Scope.TOKEN)  # which is no key
    for operation in OPERATIONS:
        allowed = ALLOWED[operation.method, operation.path]
        assert allowed <= made.keys()
        for scope, key in made.items():
            with transaction.atomic():
                response = _ask(Api(key), operation)
                transaction.set_rollback(True)
            at = (operation, scope, response.content)
            assert (response.status_code in (401, 403)) == (scope not in allowed), at
            if scope not in allowed and operation.path.startswith("/v1/"):
                problem(response, 403, "wrong-scope")
        for unknown in (None, signing, f"kin_ser_{uuid4()}"):
            assert _ask(Api(unknown), operation).status_code == 401, operation


@pytest.mark.slow  # thousands of requests
def test_a_key_neither_reads_nor_changes_nor_counts_another_catalog(db):
    ours, theirs = _open("ours", "espresso"), _open("theirs", MARKER)
    _add_what_only_they_have(theirs)
    foreign = _names(theirs)
    beside_them = dict(_answers(ours, foreign))
    assert not [asked for asked, answer in beside_them.items() if MARKER in answer]
    # Nothing was counted, neither in a rank nor in an error, that is not there without them.
    catalogs.delete_catalog(theirs.catalog)
    alone = dict(_answers(ours, foreign))
    assert alone.keys() == beside_them.keys()
    assert {at: (alone[at], beside_them[at]) for at in alone if alone[at] != beside_them[at]} == {}
    # Each operation was answered by something else than errors, else nothing was tried.
    answered = {asked[:3] for asked, answer in alone.items() if answer[0] == "2"}
    assert answered == {(*at, scope) for at, scopes in ALLOWED.items() for scope in scopes}


def _open(name: str, word: str) -> Shop:
    """A shop with the ids of the documentation's examples, and a word of its own in all texts."""
    # Of historical data: what is answered does not change while the test runs.
    shop = Shop.open(name, clock=Catalog.Clock.LAST_EVENT)
    attributed = {"brand": word, "attributes": {"note": word}}
    shop.put(*({"id": key, "title": f"{word} {key}", **attributed} for key in PRODUCTS))
    shop.embed()
    shop.visit(USER, *PRODUCTS[:2])
    user = shop.user(USER)
    user.attributes = {"note": word}
    user.save()
    popularity.refresh(shop.catalog)
    return shop


def _add_what_only_they_have(theirs: Shop) -> None:
    theirs.put({"id": PRODUCT_THERE, "title": MARKER, "attributes": {ATTRIBUTE_THERE: MARKER}})
    attributes.declare(theirs.catalog, {ATTRIBUTE_THERE: "string"})
    theirs.embed()
    theirs.post(event(USER_THERE, PRODUCT_THERE, id=EVENT_THERE), event(USER, PRODUCT_THERE))
    sync.see(sync.begin_page(theirs.catalog, SYNC_THERE, [PRODUCT_THERE]), [PRODUCT_THERE],
             has_products=True)  # fmt: skip
    popularity.refresh(theirs.catalog)
    rules = [{"id": MARKER, "action": "hide", "products": [MARKER]}]
    placement, _ = placements.put(theirs.catalog, PLACEMENT_THERE, {**PLACEMENT, "rules": rules})
    placements.publish(placement, MARKER)
    run = InsightRun.objects.create(catalog=theirs.catalog, kind="clusters", summary=MARKER)
    Experiment.objects.create(catalog=theirs.catalog, name=EXPERIMENT_THERE, variants=VARIANTS)
    webhook = Webhook.objects.create(catalog=theirs.catalog, name=WEBHOOK_THERE, **WEBHOOK)
    outbox.tell_test(webhook)
    InsightFinding.objects.create(run=run, score=1, group=MARKER, data={"title": MARKER})


def _names(theirs: Shop) -> list[str]:
    """All by which a stranger could name something of a catalog."""
    rows = [theirs.catalog.pk, theirs.space.pk, theirs.product(PRODUCT_THERE).pk]
    numbers = [str(row) for row in rows]
    cursors = [base64.urlsafe_b64encode(n.encode()).decode().rstrip("=") for n in numbers]
    key = catalogs.create_key(theirs.catalog, SERVER)
    answered = Api(key).post("/v1/recommendations", {}).json()["rec_id"]
    there = [PRODUCT_THERE, USER_THERE, ATTRIBUTE_THERE, EVENT_THERE, SYNC_THERE, PLACEMENT_THERE]
    there = [PRODUCT_THERE, USER_THERE, ATTRIBUTE_THERE, EVENT_THERE, SYNC_THERE,
             EXPERIMENT_THERE, WEBHOOK_THERE]  # fmt: skip
    names = [theirs.catalog.name, str(theirs.space), PRODUCTS[2]]
    run = str(InsightRun.objects.get(catalog=theirs.catalog).uuid)
    return [*there, *names, key, answered, run, *cursors, *numbers]


def _answers(
    ours: Shop, foreign: list[str]
) -> Iterator[tuple[tuple[str, str, str, str, bytes], str]]:
    """What each scope asks of each operation, and the answer, without what differs each time.

    No operation leaves a row of another catalog changed, added or removed.
    """
    others = _all_but(ours.catalog)
    for operation in OPERATIONS:
        for scope in sorted(ALLOWED[operation.method, operation.path]):
            with transaction.atomic():
                caller = Api(catalogs.create_key(ours.catalog, scope))
                for address, body in _requests(_with_an_answer(operation, ours, caller), foreign):
                    response = caller.send(operation.method, address, body)
                    assert response.status_code < 500, (operation, address, body)
                    # Of what they have, the id lasts: it tells this from what is asked of ours.
                    lasting = _PASSING.sub(lambda at: at[0] if at[0] in foreign else "", address)
                    asked = (operation.method, operation.path, scope, lasting, body)
                    yield asked, f"{response.status_code} {_lasting(response)}"
                assert _all_but(ours.catalog) == others, (scope, operation)
                transaction.set_rollback(True)


def _with_an_answer(operation: Operation, ours: Shop, caller: Api) -> Operation:
    """The same on an answer, a run or an experiment that there is, where it is one on such."""
    if "run_id" in operation.in_path:
        # The kind is another than that which is asked for: one of each waits at a time.
        run = InsightRun.objects.create(catalog=ours.catalog, kind="other")
        return replace(operation, in_path={"run_id": str(run.uuid)})
    if operation.in_path.keys() == {"name"} and operation.method != "PUT":
        made, _ = placements.put(ours.catalog, operation.in_path["name"], PLACEMENT)
        placements.publish(made, "")
    if "name" in operation.in_path and operation.method != "PUT":
        status = Experiment.Status.RUNNING if operation.path.endswith("/stop") else "draft"
        names = {"catalog": ours.catalog, "name": operation.in_path["name"]}
        Experiment.objects.create(**names, variants=VARIANTS, status=status)
        Webhook.objects.create(**names, **WEBHOOK)
    if "prefix" in operation.in_path:
        prefix = operation.in_path["prefix"]
        digest = keys.key_digest(prefix)
        ApiKey.objects.create(catalog=ours.catalog, scope=BROWSER, prefix=prefix, digest=digest)
    if "rec_id" not in operation.in_path:
        return operation
    rec_id = caller.post("/v1/recommendations", {"count": 1}).json()["rec_id"]
    return replace(operation, in_path={"rec_id": rec_id})


def _requests(operation: Operation, foreign: list[str]) -> Iterator[tuple[str, bytes]]:
    bodies = operation.bodies or [None]
    yield from ((operation.address(), _written(body)) for body in bodies)
    for name in [*operation.in_path, *operation.in_query]:
        for value in foreign:
            for written in _in_a_parameter(name, value):
                yield operation.address(**{name: written}), _written(bodies[0])
    for body in operation.bodies:
        for changed in _replaced(body, foreign):
            yield operation.address(), _written(changed)


def _in_a_parameter(name: str, value: str) -> list[str]:
    if name == "timeout_ms":
        return []  # names nothing, and makes an answer depend on how busy the machine is
    if name != "filter":
        return [value]
    return [orjson.dumps(one).decode() for one in ({"id": value}, {value: {"exists": True}})]


def _replaced(value: Any, foreign: list[str]) -> Iterator[Any]:
    """The value with each of its texts, in turn, replaced by each of these."""
    if isinstance(value, str):
        yield from foreign
    elif isinstance(value, dict | list):
        # Of a list the first: the others are like it.
        places = value.keys() if isinstance(value, dict) else range(len(value[:1]))
        for place in places:
            for other in _replaced(value[place], foreign):
                changed = value.copy()
                changed[place] = other
                yield changed


def _written(body: Any) -> bytes:
    return b"" if body is None else orjson.dumps(body)


def _ask(caller: Api, operation: Operation) -> HttpResponse:
    body = operation.bodies[0] if operation.bodies else None
    return caller.send(operation.method, operation.address(), _written(body))


_PASSING = re.compile(
    r"kin_[a-z]{3}_[\w-]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d+)?"
)


def _lasting(response: HttpResponse) -> str:
    """The answer without the ids and the times that were made for it."""
    headers = [f"{name}: {value}\n" for name, value in response.items() if name != "Content-Length"]
    return _PASSING.sub("", "".join(headers) + response.content.decode())


# Whose row it is, by the first of these columns that its table has.
_OWNERS = {
    "catalog_id": "%s",
    "space_id": "SELECT id FROM recommender_space WHERE catalog_id = %s",
    "product_id": "SELECT id FROM recommender_product WHERE catalog_id = %s",
    "sync_id": "SELECT id FROM recommender_sync WHERE catalog_id = %s",
    "run_id": "SELECT id FROM recommender_insightrun WHERE catalog_id = %s",
    "webhook_id": "SELECT id FROM recommender_webhook WHERE catalog_id = %s",
    "placement_id": "SELECT id FROM recommender_placement WHERE catalog_id = %s",
}
_TABLES = """
SELECT relname, array_agg(attname::text) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relname LIKE 'recommender%' AND relkind IN ('r', 'p') AND NOT relispartition GROUP BY 1
"""


def _all_but(catalog: Catalog) -> dict[str, list[str]]:
    """Every row that is not this catalog's, by table."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return {
            table: _rows(cursor, table, columns, catalog) for table, columns in cursor.fetchall()
        }


def _rows(cursor: Any, table: str, columns: list[str], catalog: Catalog) -> list[str]:
    if table == "recommender_catalog":
        condition = "id = %s"
    else:
        owner = next((name for name in _OWNERS if name in columns), None)
        condition = f"{owner} IN ({_OWNERS[owner]})" if owner else "%s IS NULL"
    query = f"SELECT t::text FROM {table} t WHERE ({condition}) IS NOT TRUE ORDER BY 1"
    cursor.execute(query, [catalog.pk])
    return [row for (row,) in cursor.fetchall()]
