"""Loading the generated store the way an import does: staged by COPY, stored by one statement."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import uuid4

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from pgvector import HalfVector
from psycopg import sql

from benchmarks import generated
from benchmarks.generated import Store
from benchmarks.options import Options
from recommender import database
from recommender.catalog import attributes, catalogs, upsert
from recommender.history import ingest
from recommender.history.partitions import ensure_months
from recommender.models import Catalog, Space, TrainingRun
from recommender.profiles import builder
from recommender.retrieval import vocabulary
from recommender.spaces import lifecycle, partitions
from recommender.training import run
from recommender.training.fitting import silent

# The name a catalog has until all of it is there: what is left of a broken run.
_UNFINISHED = "unfinished"
_PROFILE_BATCH = 500

_STAGED_PRODUCTS = """
CREATE TEMPORARY TABLE staged (id text, title text, brand text, category text, price numeric,
    in_stock boolean, attributes jsonb)
"""
_PRODUCT_COLUMNS = ("title", "brand", "category", "price", "in_stock", "attributes")
_STAGED_VECTORS = "CREATE TEMPORARY TABLE staged (id text, embedding halfvec)"
# With the product's own content hash a vector is fresh, as if it had been embedded.
_STORE_VECTORS = sql.SQL("""
INSERT INTO {vectors} (space_id, product_id, embedding, content_hash, embedded_at)
SELECT {space}, p.id, s.embedding, p.content_hash, now()
FROM staged s JOIN recommender_product p ON p.catalog_id = {catalog} AND p.external_id = s.id
ORDER BY p.id
""")
_STAGED_EVENTS = """
CREATE TEMPORARY TABLE staged (row int, key uuid, "user" text, product text, type text,
    at timestamptz, quantity float8, value float8, rec_id uuid, query text)
"""

Progress = Callable[[str], None]


def load(options: Options, progress: Progress) -> tuple[Catalog, dict[str, float]]:
    """The catalog of these sizes, found or made; and the seconds of each step of making it."""
    name = f"bench-worded-{options.products}-{options.users}-{options.dimension}"
    existing = Catalog.objects.filter(name=name).first()
    if existing is not None:
        return existing, {}
    _remove_unfinished()
    catalog = Catalog.objects.create(name=_UNFINISHED)
    seconds = _fill(catalog, options, progress)
    catalog.name = name
    catalog.save(update_fields=["name"])
    return catalog, seconds


def _remove_unfinished() -> None:
    try:
        catalogs.delete_catalog(catalogs.find_catalog(_UNFINISHED))
    except ValidationError:
        return  # no run was broken off


def _fill(catalog: Catalog, options: Options, progress: Progress) -> dict[str, float]:
    store = generated.store(options.products, options.dimension)
    space = lifecycle.create_space(catalog, model="fake", dimension=options.dimension)
    steps: dict[str, Callable[[], object]] = {
        "products": lambda: _load_products(catalog, store),
        "vectors": lambda: _load_vectors(space, store),
        "index": lambda: lifecycle.finish(space.pk),
        "events": lambda: _load_events(catalog, store, options.users),
        # Behaviour spaces, popularity, co-occurrence and the ranker.
        "training": lambda: run.train(catalog, TrainingRun.objects.create(catalog=catalog), silent),
        "profiles": lambda: _build_profiles(catalog),
        "words": lambda: vocabulary.count(catalog),
        # What autovacuum does within minutes; index-only scans need its visibility map.
        "vacuum": lambda: database.execute("VACUUM ANALYZE"),
    }
    seconds = {}
    for name, step in steps.items():
        progress(name)
        started = time.monotonic()
        step()
        seconds[name] = time.monotonic() - started
    return seconds


def _load_products(catalog: Catalog, store: Store) -> None:
    rows = (
        (p.id, p.title, p.brand, p.category, p.price, p.in_stock, _json({"bucket": p.bucket}))
        for p in store.products()
    )
    with transaction.atomic():
        _stage(_STAGED_PRODUCTS, rows)
        attributes.declare(catalog, {"bucket": attributes.NUMBER})
        source = sql.SQL("SELECT * FROM staged")
        upsert.upsert_from(catalog, source, _PRODUCT_COLUMNS)
        database.execute("DROP TABLE staged")


def _load_vectors(space: Space, store: Store) -> None:
    rows = (
        (product.id, HalfVector(vector).to_text())
        for product, vector in zip(store.products(), store.vectors(), strict=True)
    )
    with transaction.atomic():
        _stage(_STAGED_VECTORS, rows)
        vectors = partitions.product_vectors(space.pk)
        parts = {"space": sql.Literal(space.pk), "catalog": sql.Literal(space.catalog_id)}
        database.execute(_STORE_VECTORS.format(vectors=vectors, **parts))
        database.execute("DROP TABLE staged")
        Space.objects.filter(pk=space.pk).update(embedded_at=Now())


def _load_events(catalog: Catalog, store: Store, users: int) -> None:
    events = list(store.events(users, datetime.now(UTC)))
    ensure_months(event.at for event in events)
    rows = (
        (row, uuid4(), event.user, event.product, event.type, event.at, None, None, None, None)
        for row, event in enumerate(events)
    )
    with transaction.atomic():
        _stage(_STAGED_EVENTS, rows)
        ingest.ingest_from(catalog, sql.SQL("SELECT * FROM staged"))
        database.execute("DROP TABLE staged")


def _build_profiles(catalog: Catalog) -> None:
    for space in Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE):
        after = 0
        while users := builder.stale_users(space, after=after, limit=_PROFILE_BATCH):
            builder.refresh(space, users)
            after = users[-1]


def _stage(table: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
    database.execute(table)
    with database.copy("COPY staged FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)
    database.execute("ANALYZE staged")


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
