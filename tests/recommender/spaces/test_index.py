import numpy as np
import pytest
from django.db import transaction
from numpy.typing import NDArray
from psycopg import sql
from pytest_django.fixtures import Settings

from recommender import database
from recommender.models import Space
from recommender.profiles import builder
from recommender.retrieval import vector_search
from recommender.retrieval.vector_search import QueryVectors
from recommender.spaces import index, lifecycle, partitions
from recommender.spaces.switching import serving
from tests.recommender.retrieval.plans import vector_plans
from tests.recommender.spaces.conftest import Fill, random_units, wide_space
from tests.recommender.spaces.training import factors, keys_of, train
from tests.shop import Shop, numbered
from tests.threads import overtaken

K = 20


def nearest(space: Space, product: int) -> list[int]:
    """The K nearest products by the space's index at its ef_search."""
    database.use_ef_search(space.ef_search)
    query = sql.SQL("""
        SELECT product_id FROM {vectors}
        ORDER BY embedding::halfvec({dimension}) <=>
            (SELECT embedding::halfvec({dimension}) FROM {vectors} WHERE product_id = %s)
        LIMIT {k}
    """).format(
        vectors=partitions.product_vectors(space.pk),
        dimension=sql.Literal(space.dimension),
        k=sql.Literal(K),
    )
    plan = database.fetch(sql.SQL("EXPLAIN {}").format(query), (product,))
    assert any("_hnsw" in line for (line,) in plan), plan
    return [row[0] for row in database.fetch(query, (product,))]


def recall(space: Space, keys: list[int], vectors: NDArray[np.float32]) -> float:
    """What the index finds of the nearest by brute force, over a hundred products."""
    halves = vectors.astype(np.float16).astype(np.float32)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    hits = 0
    for row in range(0, len(keys), max(1, len(keys) // 100)):
        exact = np.argsort(-(halves @ halves[row]), kind="stable")[:K]
        hits += len({keys[place] for place in exact} & set(nearest(space, keys[row])))
    return hits / (K * len(range(0, len(keys), max(1, len(keys) // 100))))


def test_the_recall_it_reports_is_the_one_that_brute_force_finds(shop: Shop, fill: Fill) -> None:
    vectors = random_units(2000, shop.space.dimension)
    keys = fill(space := shop.space, vectors)

    index.build(space)

    assert space.recall is not None
    assert space.recall >= 0.95
    assert recall(space, keys, vectors) == pytest.approx(space.recall, abs=0.03)
    assert space.indexed_rows == 2000


def test_ef_search_is_raised_until_the_target_is_met(
    shop: Shop, fill: Fill, settings: Settings
) -> None:
    fill(space := wide_space(shop, 400), random_units(2000, 400))
    chosen = {}
    for target in (0.5, 0.99):
        settings.RECALL_TARGET = target
        index.build(space)
        chosen[target] = space.ef_search
        assert space.recall is not None
        assert space.recall >= target

    assert chosen[0.5] == index.EF_SEARCH_STEPS[0] < chosen[0.99]


def test_products_that_tie_are_all_right_answers(shop: Shop, fill: Fill) -> None:
    """A shop whose products share few titles: ids would call most answers wrong."""
    fill(space := shop.space, np.repeat(random_units(3, space.dimension), 100, axis=0))

    index.build(space)

    assert (space.ef_search, space.recall) == (index.EF_SEARCH_STEPS[0], 1.0)


@pytest.mark.parametrize("dimension", [64, 128, 256, 512, 768, 1024, 1536, 2048])
def test_every_dimension_has_an_index_that_is_used(shop: Shop, fill: Fill, dimension: int) -> None:
    space = wide_space(shop, dimension)
    keys = fill(space, vectors := random_units(120, dimension))

    assert lifecycle.finish(space.pk)
    space.refresh_from_db()

    assert space.recall is not None
    database.execute("SET LOCAL enable_seqscan = off")
    assert recall(space, keys, vectors) >= 0.95


def test_an_index_of_inner_products_is_walked_by_inner_product(shop: Shop) -> None:
    shop.stock(**numbered(600))
    space = train(shop)
    database.execute("SET LOCAL enable_seqscan = off")
    source = QueryVectors(
        "seeds",
        sql.SQL(
            "SELECT 0, 1::float8, NULL::bigint, embedding FROM {} WHERE product_id = %(seed)s"
        ).format(partitions.product_vectors(space.pk)),
        {"seed": int(keys_of(shop)[7])},
    )

    with vector_plans() as plans:
        neighbours = vector_search.nearest(serving(space), source, limit=K)

    assert f"recommender_productvector_{space.pk}_hnsw" in plans[0]
    (order,) = [line for line in plans[0].splitlines() if "Order By:" in line]
    assert "<#>" in order
    rows = factors(600).astype(np.float16).astype(np.float32)
    best = np.argsort(-(rows @ rows[7]))[:K]
    shared = {neighbour.product_id for neighbour in neighbours} & set(keys_of(shop)[best].tolist())
    assert len(shared) >= 0.9 * K


def test_an_index_of_inner_products_is_measured_with_long_term_factors_where_there_are_some(
    shop: Shop,
) -> None:
    """The queries are told from those of products by how well they are found: not at all."""
    shop.stock(**numbered(600))
    space = train(shop)
    assert space.recall is not None
    assert space.recall >= 0.95
    shop.visit("ann", "p1", "p2")
    builder.refresh(space, [shop.user("ann").pk])
    database.execute("SET LOCAL enable_seqscan = off")

    with vector_plans() as plans:
        lifecycle.build_index(space)

    measured = [plan for plan in plans if "_hnsw" in plan]
    assert measured
    assert all(f"recommender_profilevector_{space.pk}" in plan for plan in measured)


def test_an_index_is_due_when_there_is_something_to_index(shop: Shop, fill: Fill) -> None:
    assert not index.is_due(shop.space)
    fill(shop.space, random_units(1, shop.space.dimension))
    assert index.is_due(shop.space)


def test_products_that_have_no_vector_make_no_index_due(shop: Shop) -> None:
    shop.stock(blank="")
    shop.embed()
    assert not index.is_due(shop.space)


def test_a_few_products_beside_one_without_a_vector_are_indexed(shop: Shop, fill: Fill) -> None:
    space = shop.space
    keys = fill(space, random_units(3, space.dimension))
    vectors = partitions.product_vectors(space.pk)
    without = sql.SQL("UPDATE {} SET embedding = NULL WHERE product_id = %s").format(vectors)
    database.execute(without, (keys[0],))

    index.build(space)

    assert (space.indexed_rows, space.recall) == (2, 1.0)


def test_an_index_is_due_again_when_the_space_has_doubled(shop: Shop, fill: Fill) -> None:
    fill(space := shop.space, random_units(5, space.dimension))
    index.build(space)

    assert not index.is_due(space)
    fill(space, random_units(4, space.dimension))
    assert not index.is_due(space)
    fill(space, random_units(1, space.dimension))
    assert index.is_due(space)


def test_an_index_that_was_lost_is_due(shop: Shop, fill: Fill) -> None:
    fill(space := shop.space, random_units(5, space.dimension))
    index.build(space)

    database.execute(
        sql.SQL("DROP INDEX {}").format(
            sql.Identifier(f"recommender_productvector_{space.pk}_hnsw")
        )
    )

    assert index.is_due(space)


def test_a_larger_space_gets_a_denser_graph() -> None:
    small, medium, large = map(index.parameters, (10_000, 500_000, 5_000_000))

    assert small.m == medium.m < large.m
    assert small.ef_construction < medium.ef_construction == large.ef_construction


def test_searches_go_on_while_a_new_index_is_built_beside_the_old(committed_shop: Shop) -> None:
    """A search that goes on stops the builder only when the new index is there."""
    committed_shop.stock(**numbered(50))
    committed_shop.embed()
    space = committed_shop.space
    index.build(space)
    held: list[str] = []

    overtaken(
        transaction.atomic(lambda: index.build(space)),
        holding=lambda: index.vector_count(space),
        meanwhile=lambda: held.extend(locks_of_others(space)),
    )

    assert "ShareLock" in held, "the builder waited before it had built anything"


def locks_of_others(space: Space) -> list[str]:
    query = (
        "SELECT mode FROM pg_locks WHERE granted AND pid <> pg_backend_pid() "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND relation = to_regclass(%s)"
    )
    rows = database.fetch(query, (f"recommender_productvector_{space.pk}",))
    return [row[0] for row in rows]
