import numpy as np
import pytest
from psycopg import sql

from embeddings.errors import Misconfigured
from recommender.behaviour.prediction import Prediction
from recommender.models import Product, ProductVector, Space
from recommender.profiles.builder import note_new_vectors
from recommender.retrieval import vector_search
from recommender.retrieval.vector_search import QueryVectors
from recommender.spaces import lifecycle, partitions, staleness, switching, trained
from recommender.spaces.partitions import SpaceError, load_vectors
from recommender.spaces.switching import coverage, serving
from tests.recommender.spaces.training import DIMENSION, factors, keys_of, predicting, train
from tests.shop import NOON, Shop, numbered


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """Sixty products with their text vectors."""
    shop.stock(**numbered(60))
    shop.embed()
    return shop


def last_of(shop: Shop) -> Product:
    """The product of the last row."""
    return Product.objects.get(pk=keys_of(shop)[-1])


def vector_of(space: Space, product: Product) -> ProductVector | None:
    return ProductVector.objects.filter(space=space, product=product).first()


def test_what_was_trained_is_stored_to_half_precision(stocked: Shop) -> None:
    rows = factors(60)

    space = train(stocked, rows)

    _, stored = load_vectors(space.pk, keys_of(stocked).tolist())
    np.testing.assert_array_equal(stored, rows.astype(np.float16).astype(np.float32))
    assert (space.kind, space.metric, space.dimension) == ("behaviour", "inner_product", DIMENSION)
    assert (space.trained_until, space.indexed_rows) == (NOON, 60)
    assert space.recall == 1.0


def test_the_first_version_serves_at_once_and_a_later_one_waits_for_the_gate(
    stocked: Shop,
) -> None:
    first = train(stocked, factors(60))
    second = train(stocked, factors(60, seed=2))

    assert (first.status, second.status) == ("active", "building")
    active = Space.objects.filter(status="active").order_by("name")
    assert [serving(space).label for space in active] == ["als@1", "text@1"]

    switching.activate(second)
    assert switching.rollback(stocked.catalog, "als") == first


def test_a_trained_vector_is_not_stale_when_the_text_changes(stocked: Shop) -> None:
    space = train(stocked, factors(60))

    stocked.stock(p0="Something else")

    assert staleness.count(space) == 0
    assert coverage(space).share == 1.0


def test_a_product_that_was_not_trained_on_gets_the_vector_that_its_text_predicts(
    stocked: Shop,
) -> None:
    rows = factors(60)
    rows[59] = 0.0
    space = train(stocked, rows, prediction=predicting(stocked, rows[:59]))

    vector = vector_of(space, last_of(stocked))

    assert vector is not None
    assert vector.treatment == "predicted"
    map_ = Prediction.from_bytes(predicting(stocked, rows[:59]))
    _, content = load_vectors(stocked.space.pk, [last_of(stocked).pk])
    np.testing.assert_allclose(vector.embedding, map_.predict(content)[0], rtol=2e-3, atol=1e-4)
    assert staleness.count(space) == 0


def test_a_predicted_vector_of_a_cosine_space_is_of_unit_length(stocked: Shop) -> None:
    rows = factors(60)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[59] = 0.0
    map_ = predicting(stocked, rows[:59], "cosine")

    space = train(stocked, rows, metric=Space.Metric.COSINE, prediction=map_)

    _, stored = load_vectors(space.pk, keys_of(stocked).tolist())
    np.testing.assert_allclose(np.linalg.norm(stored, axis=1), np.ones(60), atol=1e-3)


def test_a_product_newer_than_the_training_waits_for_its_text_and_follows_it(
    stocked: Shop,
) -> None:
    rows = factors(60)
    space = train(stocked, rows, prediction=predicting(stocked, rows))
    stocked.stock(new="blue mug", blank="")
    assert (staleness.count(space), trained.predict_missing(space)) == (2, 0)

    stocked.embed()
    assert trained.predict_missing(space) == 2
    first = vector_of(space, stocked.product("new"))
    blank = vector_of(space, stocked.product("blank"))
    assert first is not None
    assert first.treatment == "predicted"
    assert blank is not None
    assert blank.embedding is None
    assert staleness.count(space) == 0

    stocked.stock(new="red lamp", blank="")
    assert staleness.count(space) == 1
    stocked.embed()
    assert trained.predict_missing(space) == 1
    second = vector_of(space, stocked.product("new"))
    assert second is not None
    assert second.embedding != first.embedding
    assert trained.predict_missing(space) == 0


def test_without_a_prediction_a_product_has_no_vector_and_does_not_wait_for_one(
    stocked: Shop,
) -> None:
    rows = factors(60)
    rows[59] = 0.0

    space = train(stocked, rows)

    vector = vector_of(space, last_of(stocked))
    assert vector is not None
    assert vector.embedding is None
    assert staleness.count(space) == 0
    switching.activate(train(stocked, rows))


def test_a_prediction_is_not_made_from_another_text_space(stocked: Shop) -> None:
    rows = factors(60)
    space = train(stocked, rows, prediction=predicting(stocked, rows))
    other = lifecycle.create_space(stocked.catalog, model="fake")
    stocked.embed(other)
    switching.activate(other, force=True)
    stocked.stock(new="blue mug")
    stocked.embed()

    assert trained.predict_missing(space) == 1

    vector = vector_of(space, stocked.product("new"))
    assert vector is not None
    assert vector.embedding is None


def test_a_vector_that_can_no_longer_be_predicted_anew_is_kept(stocked: Shop) -> None:
    rows = factors(60)
    rows[59] = 0.0
    space = train(stocked, rows, prediction=predicting(stocked, rows[:59]))
    before = vector_of(space, last_of(stocked))
    switching.activate(lifecycle.create_space(stocked.catalog, model="fake"), force=True)
    stocked.stock(**{last_of(stocked).external_id: "Another title"})

    assert (staleness.count(space), trained.predict_missing(space)) == (1, 1)

    after = vector_of(space, last_of(stocked))
    assert before is not None
    assert after is not None
    assert after.embedding == before.embedding
    assert staleness.count(space) == 0


def test_a_search_by_inner_product_finds_the_largest(stocked: Shop) -> None:
    rows = factors(60)
    space = train(stocked, rows)
    keys = keys_of(stocked)
    query = rows[3] / np.linalg.norm(rows[3])
    source = QueryVectors(
        "given",
        sql.SQL("SELECT 0, 1::float8, NULL::bigint, %(query)s::text::halfvec"),
        {"query": str(query.tolist())},
    )

    neighbours = vector_search.nearest(serving(space), source, limit=10)

    products = rows.astype(np.float16).astype(np.float32) @ query
    best = np.argsort(-products)[:10]
    assert [neighbour.product_id for neighbour in neighbours] == keys[best].tolist()
    assert [neighbour.similarity for neighbour in neighbours] == pytest.approx(
        products[best].tolist(), abs=1e-2
    )


def test_no_profile_is_made_stale_by_a_new_space(stocked: Shop) -> None:
    stocked.visit("ann", "p1")
    before = stocked.user("ann").history_version

    note_new_vectors(train(stocked, factors(60)).pk)

    assert stocked.user("ann").history_version == before


def test_what_was_learnt_goes_with_the_vectors(stocked: Shop) -> None:
    rows = factors(60)
    first = train(stocked, rows, prediction=predicting(stocked, rows))
    switching.activate(train(stocked, rows))

    lifecycle.retire(first)

    first.refresh_from_db()
    assert (first.alignment, first.fold_in) == (None, None)


def test_old_versions_are_retired_but_what_serves_and_what_one_goes_back_to(
    stocked: Shop,
) -> None:
    versions = [train(stocked, factors(60, seed=seed)) for seed in range(5)]
    for space in versions[1:4]:
        switching.activate(space)
    lost = train(stocked, factors(60, seed=9))

    retired = trained.retire_old(stocked.catalog, "als")

    assert retired == [versions[0], versions[1], versions[4]]
    kept = Space.objects.filter(name="als").exclude(status=Space.Status.RETIRED)
    assert {(space, space.status) for space in kept} == {
        (versions[2], "standby"),
        (versions[3], "active"),
        (lost, "building"),
    }
    assert trained.retire_old(stocked.catalog, "als") == []
    assert partitions.size(versions[0].pk) == 0


def test_what_cannot_be_stored_says_so_and_leaves_nothing(stocked: Shop) -> None:
    with pytest.raises(SpaceError, match="no product a vector"):
        train(stocked, np.zeros((60, DIMENSION), dtype=np.float32))
    with pytest.raises(SpaceError, match="half precision"):
        train(stocked, factors(60) * 1e6)
    with pytest.raises(SpaceError, match="half precision"):
        train(stocked, np.full((60, DIMENSION), np.nan, dtype=np.float32))
    assert not Space.objects.filter(name="als").exists()


def test_a_name_is_of_trained_spaces_or_of_embedded_ones(stocked: Shop) -> None:
    train(stocked, factors(60))

    with pytest.raises(Misconfigured, match="Choose another name"):
        lifecycle.create_space(stocked.catalog, name="als", model="fake")


def test_a_space_of_behaviour_cannot_be_made_without_training(shop: Shop) -> None:
    with pytest.raises(Misconfigured, match=r"\./kinship train"):
        lifecycle.create_space(shop.catalog, name="als", model="fake", kind="behaviour")
