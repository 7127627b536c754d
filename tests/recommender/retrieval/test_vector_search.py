from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.catalog import attributes, catalogs, upsert
from recommender.models import Catalog, Product, Space
from recommender.retrieval import filters, vector_search
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import Filter
from recommender.retrieval.vector_search import Neighbour, QueryVectors
from recommender.spaces import embedding, lifecycle, partitions
from recommender.spaces.embedding import Embedded
from recommender.spaces.partitions import load_vectors
from recommender.spaces.switching import ServingSpace, serving
from tests.recommender.retrieval.plans import vector_plans

COUNT = 20
PRODUCTS = 4_000
DIMENSION = 32
SEEDS = range(0, PRODUCTS, PRODUCTS // 25)
# Percentages of the products that pass, and whether so few are compared one by one.
RARE = range(0, PRODUCTS, PRODUCTS // 7 + 1)  # seven, all available
SHARES = {1: True, 5: True, 10: False, 50: False, 100: False}
EXACT_LIMIT = 200


@dataclass(frozen=True)
class Store:
    """Products with random vectors, every fifth of them gone: half sold out, half deleted."""

    space: ServingSpace
    keys: NDArray[np.int64]  # shape (products,)

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """The unit vectors as they are stored; shape (products, DIMENSION)."""
        keys, matrix = load_vectors(self.space.pk, self.keys.tolist())
        return matrix[np.argsort(keys)]

    def passing(self, percent: int) -> Filter:
        return filters.parse({"bucket": {"lt": percent}}, {"bucket": "number"})

    def nearest(self, seed: int, percent: int | None, **more: Any) -> list[Neighbour]:
        filter_ = None if percent is None else self.passing(percent)
        source = seeds_of(self.space, [int(self.keys[seed])])
        return vector_search.nearest(self.space, source, limit=COUNT, filter=filter_, **more)

    def truth(self, seed: int, percent: int) -> set[int]:
        """The keys of what is nearest, by numpy."""
        numbers = np.arange(len(self.keys))
        allowed = available(numbers) & (bucket(numbers) < percent)
        similarity = np.where(allowed, self.matrix @ self.matrix[seed], -2.0)
        return set(self.keys[np.argsort(-similarity)[:COUNT]].tolist())


def bucket(number: Any) -> Any:
    return number // 10 % 100


def available(number: Any) -> Any:
    return (number % 10 != 3) & (number % 10 != 7)


def seeds_of(space: ServingSpace, keys: Sequence[int]) -> QueryVectors:
    """The vectors of products, numbered in the order of their keys."""
    select = sql.SQL(
        "SELECT (row_number() OVER (ORDER BY product_id))::int, 1::float8, product_id, embedding "
        "FROM {} WHERE product_id = ANY(%(keys)s) ORDER BY product_id"
    )
    parameters = {"keys": list(keys)}
    return QueryVectors("seeds", select.format(partitions.product_vectors(space.pk)), parameters)


@pytest.fixture(scope="module")
def store(django_db_setup: None, django_db_blocker: Any) -> Iterator[Store]:
    """Committed, as it takes a second to make."""
    with django_db_blocker.unblock():
        catalog = Catalog.objects.create(name="large")
        space = lifecycle.create_space(catalog, model="fake", dimension=DIMENSION)
        made = Store(serving(fill(catalog, space)), product_keys(catalog))
    yield made
    with django_db_blocker.unblock():
        catalogs.delete_catalog(catalog)


def fill(catalog: Catalog, space: Space) -> Space:
    attributes.declare(catalog, {"bucket": "number", "at": "geo"})
    upsert.upsert(
        catalog,
        [
            {"id": f"p{n:04}", "in_stock": n % 10 != 3, "title": "rare" if n in RARE else "common",
             "attributes": {"bucket": bucket(n), "at": {"lat": 1 if n in RARE else 50, "lon": 1}}}
            for n in range(PRODUCTS)
        ],
    )  # fmt: skip
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((PRODUCTS, DIMENSION), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    hashes = Product.objects.filter(catalog=catalog).order_by("external_id")
    contents = hashes.values_list("pk", "content_hash")
    embedding.write(
        space,
        [Embedded(key, text, row) for (key, text), row in zip(contents, rows, strict=True)],
    )
    assert lifecycle.finish(space.pk)
    gone = [f"p{n:04}" for n in range(PRODUCTS) if n % 10 == 7]
    Product.objects.filter(catalog=catalog, external_id__in=gone).update(
        deleted_at="2025-01-01T00:00Z"
    )
    database.execute("ANALYZE recommender_product")  # as an import does, and autovacuum
    space.refresh_from_db()
    return space


def product_keys(catalog: Catalog) -> NDArray[np.int64]:
    keys = Product.objects.filter(catalog=catalog).order_by("external_id")
    return np.array(keys.values_list("pk", flat=True), dtype=np.int64)


@pytest.fixture(autouse=True)
def _limit(db, settings):
    settings.EXACT_LIMIT = EXACT_LIMIT


# ------------------------------------------------------------------------ right and complete


@pytest.mark.parametrize("percent", SHARES)
def test_filtered_neighbours_are_full_and_right(store, percent):
    recalls = []
    for seed in SEEDS:
        neighbours = store.nearest(seed, percent)
        assert len(neighbours) == COUNT
        truth = store.truth(seed, percent)
        recalls.append(len(truth & {neighbour.product_id for neighbour in neighbours}) / COUNT)
    assert np.mean(recalls) >= (1.0 if SHARES[percent] else 0.95)


def test_neighbours_come_nearest_first_with_their_cosine(store):
    for percent in (None, 1, 50):
        neighbours = store.nearest(5, percent)
        similarities = [neighbour.similarity for neighbour in neighbours]
        assert similarities == sorted(similarities, reverse=True)
        places = np.searchsorted(store.keys, [neighbour.product_id for neighbour in neighbours])
        expected = store.matrix[places] @ store.matrix[5]
        assert similarities == pytest.approx(expected.tolist(), abs=2e-3)


def test_nothing_sold_out_or_deleted_is_a_neighbour(store):
    for percent in (None, *SHARES):
        for seed in (3, 7, 500):  # 3 and 7 themselves are gone
            for neighbour in store.nearest(seed, percent):
                number = int(neighbour.external_id[1:])
                assert available(number)
                assert percent is None or bucket(number) < percent


@pytest.mark.parametrize("percent", [None, 1, 50])
def test_what_is_excluded_is_left_out_and_made_up_for(store, percent):
    excluded = [neighbour.product_id for neighbour in store.nearest(5, percent)[:5]]
    neighbours = store.nearest(5, percent, excluded=excluded)
    assert len(neighbours) == COUNT
    assert not {neighbour.product_id for neighbour in neighbours} & set(excluded)


@pytest.mark.parametrize("percent", [None, 1, 50])
def test_every_query_vector_has_its_own_neighbours(store, percent):
    filter_ = None if percent is None else store.passing(percent)
    keys = store.keys[[0, 11, 22]].tolist()
    neighbours = vector_search.nearest(
        store.space, seeds_of(store.space, keys), limit=COUNT, filter=filter_
    )
    for number, seed in enumerate([0, 11, 22], start=1):
        own = [neighbour for neighbour in neighbours if neighbour.key == number]
        assert {neighbour.anchor for neighbour in own} == {f"p{seed:04}"}
        alone = store.nearest(seed, percent)
        assert [neighbour.product_id for neighbour in own] == [
            neighbour.product_id for neighbour in alone
        ]


@pytest.mark.parametrize("percent", [None, 1, 50])
def test_no_query_vector_finds_nothing(store, percent):
    filter_ = None if percent is None else store.passing(percent)
    nothing = seeds_of(store.space, [])
    assert vector_search.nearest(store.space, nothing, limit=COUNT, filter=filter_) == []


@pytest.mark.parametrize(
    ("document", "opposite"),
    [
        ({"title": {"text": "rare"}}, {"title": {"text": "common"}}),
        ({"at": {"near": {"lat": 1, "lon": 1, "within": "9km"}}},
         {"at": {"near": {"lat": 50, "lon": 1, "within": "9km"}}}),
    ],
)  # fmt: skip
def test_the_few_that_have_the_words_or_are_near_are_found_in_order_and_so_are_the_many(
    store, document, opposite
):
    context = FilterContext(Catalog.objects.get(name="large"))
    rare = [number for number in RARE if available(number)]
    for asked, numbers in (
        (document, rare),
        (opposite, [n for n in range(PRODUCTS) if available(n) and n not in RARE]),
    ):
        given = filters.parse(asked, {"at": "geo"}, context)
        source = seeds_of(store.space, [int(store.keys[5])])
        found = vector_search.nearest(store.space, source, limit=COUNT, filter=given)
        similarity = store.matrix[numbers] @ store.matrix[5]
        best = np.array(numbers)[np.argsort(-similarity)[:COUNT]]
        assert [neighbour.external_id for neighbour in found] == [f"p{n:04}" for n in best]


def test_fewer_than_asked_for_are_all_there_are(store):
    few = filters.parse({"id": [f"p{n:04}" for n in range(10)]}, {})
    source = seeds_of(store.space, [int(store.keys[0])])
    neighbours = vector_search.nearest(store.space, source, limit=COUNT, filter=few)
    assert {neighbour.external_id for neighbour in neighbours} == {
        f"p{n:04}" for n in range(10) if available(n)
    }


@pytest.mark.parametrize("walk_index", ["on", "off"])
def test_a_product_without_a_vector_is_nobodys_neighbour(shop, walk_index):
    # Of a small table the planner may read and sort all rows, and NULL would come last.
    database.fetch("SELECT set_config('enable_indexscan', %s, true)", (walk_index,))
    shop.stock(**{f"p{n:02}": f"mug number {n}" if n < 30 else "" for n in range(35)})
    shop.embed()
    assert lifecycle.finish(shop.space.pk)
    gone = [f"p{n:02}" for n in range(10, 20)]
    Product.objects.filter(external_id__in=gone).update(in_stock=False)
    source = seeds_of(serving(shop.space), [shop.product("p00").pk])
    neighbours = vector_search.nearest(serving(shop.space), source, limit=25)
    assert len(neighbours) == 20
    assert all(neighbour.similarity > 0 for neighbour in neighbours)


# ------------------------------------------------------------------------ the plans


def index_of(space: ServingSpace) -> str:
    return f"recommender_productvector_{space.pk}_hnsw"


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
@pytest.mark.parametrize(
    ("percent", "through_index"), [(None, True), (100, True), (50, True), (5, False), (1, False)]
)
def test_the_index_is_used_unless_few_products_pass(store, percent, through_index, mode):
    database.fetch("SELECT set_config('plan_cache_mode', %s, true)", (mode,))
    if percent is not None:
        store.nearest(0, percent)  # which products pass is remembered from here on
    with vector_plans() as plans:
        for seed in range(14):  # from the sixth on prepared, from the eleventh maybe generic
            assert len(store.nearest(seed, percent)) == COUNT
    assert len(plans) == 14
    assert [index_of(store.space) in plan for plan in plans] == [through_index] * 14
    if mode == "force_generic_plan":
        assert "Index Cond: (product_id = ANY ($" in plans[-1]


def test_the_distance_is_the_one_the_index_is_ordered_by(store):
    rows = database.fetch(
        "SELECT o.opcname, a.amopopr::regoperator::text FROM pg_index i "
        "JOIN pg_opclass o ON o.oid = i.indclass[0] JOIN pg_amop a ON a.amopfamily = o.opcfamily "
        "WHERE i.indexrelid = %s::regclass",
        (index_of(store.space),),
    )
    assert rows == [("halfvec_cosine_ops", "<=>(halfvec,halfvec)")]
    with vector_plans() as plans:
        store.nearest(0, None)
    (order,) = (line for line in plans[0].splitlines() if "Order By:" in line)
    assert "<=>" in order


def test_where_the_index_runs_dry_all_products_are_compared(store, settings):
    settings.EXACT_LIMIT = 0
    database.fetch("SELECT set_config('hnsw.max_scan_tuples', '1', true)")
    rare = filters.parse({"bucket": {"gte": 40, "lt": 41}}, {"bucket": "number"})
    for seed in SEEDS:
        source = seeds_of(store.space, [int(store.keys[seed])])
        with vector_plans() as plans:
            neighbours = vector_search.nearest(store.space, source, limit=COUNT, filter=rare)
        assert len(neighbours) == COUNT
        assert {bucket(int(neighbour.external_id[1:])) for neighbour in neighbours} == {40}
        walked = [index_of(store.space) in plan for plan in plans]
        assert walked[-2:] == [True, False]


def test_a_space_without_an_index_is_searched_exactly(shop):
    shop.stock(**{f"p{n}": f"mug number {n}" for n in range(30)})
    shop.embed()
    source = seeds_of(serving(shop.space), [shop.product("p0").pk])
    neighbours = vector_search.nearest(serving(shop.space), source, limit=COUNT)
    assert len(neighbours) == COUNT
    assert neighbours[0].external_id == "p0"
