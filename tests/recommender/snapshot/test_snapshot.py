import numpy as np
import pytest

from recommender.models import ProductNeighbor
from recommender.profiles import builder
from recommender.snapshot import reading, snapshot
from recommender.snapshot.snapshot import Snapshot
from tests.recommender.spaces import training
from tests.recommender.training import planted
from tests.recommender.training.planted import DAY_SECONDS
from tests.shop import DAY, NOON, Shop, event


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot()


def test_popularity_counts_the_users_of_each_window(now: Snapshot) -> None:
    interactions = now.interactions
    for window, days in {"week": 7, "month": 30, "quarter": 90, "all": 10_000}.items():
        recent = (interactions.times >= now.clock - days * DAY_SECONDS) & (interactions.weights > 0)
        users = {
            (user, row)
            for user, row in zip(
                interactions.users[recent], interactions.products[recent], strict=True
            )
        }
        counts = np.bincount([row for _, row in users], minlength=40)
        assert now.popularity[window].tolist() == counts.tolist()


def test_first_is_a_products_first_good_event(now: Snapshot) -> None:
    good = now.interactions.positive()
    for row in range(40):
        assert now.first[row] == good.times[good.products == row].min()
    nothing = planted.snapshot(now.interactions.where(now.interactions.products > 0))
    assert np.isnan(nothing.first[0])


def test_a_users_events_are_the_latest_newest_first(now: Snapshot) -> None:
    mine = np.flatnonzero(now.interactions.users == 7)

    assert now.events_of(7, 500).tolist() == mine[::-1].tolist()
    assert now.events_of(7, 3).tolist() == mine[::-1][:3].tolist()


def test_rows_of_users_who_have_no_history_are_minus_one(now: Snapshot) -> None:
    assert now.rows_of([1003, 5, 1000, 99_999]).tolist() == [3, -1, 0, -1]
    nobody = Snapshot(
        clock=0.0,
        half_life_days=1.0,
        products=now.products,
        users=np.zeros(0, dtype=np.int64),
        interactions=now.interactions.where(np.zeros(len(now.interactions), dtype=bool)),
    )
    assert nobody.rows_of([1, 2]).tolist() == [-1, -1]
    assert nobody.popularity["all"].tolist() == [0] * 40


def test_a_moment_holds_only_what_had_happened_before_it(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")
    shop.post(event("ann", "mug", at=NOON), event("ann", "tent", at=NOON + DAY))
    read = reading.read(shop.catalog, NOON + 9 * DAY)

    then = snapshot.as_of(read, clock=snapshot.seconds(NOON + DAY), half_life_days=60)

    assert then.interactions.products.tolist() == [0]
    assert then.popularity["all"].tolist() == [1, 0]


def test_stored_vectors_are_those_of_the_space_with_what_folds_users_in(stocked: Shop) -> None:
    space = training.train(stocked, training.factors(5))
    products = reading.read_products(stocked.catalog)

    text, als = snapshot.stored(products, [stocked.space, space])

    assert (text.kind, text.metric, text.fold_in) == ("text", "cosine", None)
    assert text.has.all()
    assert (als.kind, als.name, als.metric) == ("behaviour", "als", "inner_product")
    assert als.has.tolist() == [True] * 5 + [False] * (len(products) - 5)
    np.testing.assert_allclose(als.vectors[:5], training.factors(5), rtol=2e-3)
    assert als.fold_in is not None
    assert als.fold_in.least_squares is not None


def test_a_space_whose_fold_in_is_a_mean_has_it_in_memory_as_live(stocked: Shop) -> None:
    space = training.train(stocked, fold_in=b"", metric="cosine")

    (in_memory,) = snapshot.stored(reading.read_products(stocked.catalog), [space])

    assert in_memory.fold_in is not None
    assert in_memory.fold_in == builder.fold_in_of(space)


def test_stored_neighbours_are_a_matrix_without_those_that_are_gone(stocked: Shop) -> None:
    keys = training.keys_of(stocked)
    ProductNeighbor.objects.create(
        catalog=stocked.catalog,
        product_id=int(keys[2]),
        kind=ProductNeighbor.Kind.TOGETHER,
        products=[int(keys[5]), 10**12, int(keys[0])],
        scores=[0.5, 0.4, 0.25],
    )
    products = reading.read_products(stocked.catalog)

    neighbours = snapshot.stored_neighbours(products, stocked.catalog.pk)

    assert set(neighbours) == {"together", "ease", "next"}
    dense = neighbours["together"].toarray()
    assert (dense[2, 5], dense[2, 0]) == (0.5, 0.25)
    assert np.count_nonzero(dense) == 2
    assert neighbours["ease"].nnz == 0


def test_what_is_stored_is_read_in_pages(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    products = reading.read_products(stocked.catalog)
    (whole,) = snapshot.stored(products, [stocked.space])

    monkeypatch.setattr(snapshot, "_PAGE", 5)

    (paged,) = snapshot.stored(products, [stocked.space])
    assert np.array_equal(whole.vectors, paged.vectors)
