import numpy as np
from scipy.sparse import csr_array

from recommender.models import Mode, ProductNeighbor, Ranker
from recommender.ranking.metrics import Interval
from recommender.ranking.ranker import FusionRanker
from recommender.snapshot import reading, snapshot
from recommender.training import storage
from recommender.training.model_selection import Selection
from recommender.training.storage import activate_ranker
from tests.shop import NOON, Shop

VERDICT = Selection(
    ranker=FusionRanker(),
    figures={"fusion": Interval(0.5, 0.25, 0.75)},
    users=20,
    reason="Nothing learnt is better.",
)


def matrix(*links: tuple[int, int, float], size: int = 4) -> csr_array:
    """Products × products from source, neighbour and score."""
    dense = np.zeros((size, size), dtype=np.float32)
    for source, neighbour, score in links:
        dense[source, neighbour] = score
    return csr_array(dense)


def four(shop: Shop) -> Shop:
    shop.stock(a="Mug", b="Tent", c="Soap", d="Chair")
    return shop


def test_neighbours_are_stored_best_first_and_replace_those_there_were(shop: Shop) -> None:
    four(shop)
    products = reading.read_products(shop.catalog)
    storage.store_neighbours(shop.catalog, products, {"ease": matrix((3, 0, 1.0))})
    links = matrix((0, 1, 0.25), (0, 2, 0.5), (0, 3, -0.75), (2, 0, 0.1))

    rows = storage.store_neighbours(shop.catalog, products, {"together": links})

    assert rows == 2
    assert ProductNeighbor.objects.filter(catalog=shop.catalog).count() == 2
    first = ProductNeighbor.objects.get(product_id=int(products.keys[0]))
    assert first.kind == "together"
    assert first.products == products.keys[[2, 1, 3]].tolist()
    assert first.scores == [0.5, 0.25, -0.75]
    again = snapshot.stored_neighbours(products, shop.catalog.pk)
    np.testing.assert_allclose(again["together"].toarray(), links.toarray())


def test_another_catalogs_neighbours_stay(shop: Shop) -> None:
    other = four(Shop.open("other"))
    theirs = reading.read_products(other.catalog)
    storage.store_neighbours(other.catalog, theirs, {"ease": matrix((0, 1, 1.0))})
    four(shop)

    storage.store_neighbours(shop.catalog, reading.read_products(shop.catalog), {})

    assert ProductNeighbor.objects.filter(catalog=other.catalog).count() == 1


def test_a_ranker_serves_in_its_mode_with_its_figures(shop: Shop) -> None:
    before = storage.store_ranker(shop.catalog, Mode.NEW, VERDICT, NOON)
    other = storage.store_ranker(shop.catalog, Mode.ALL, VERDICT, NOON)

    now = storage.store_ranker(shop.catalog, Mode.NEW, VERDICT, NOON)

    active = Ranker.objects.filter(catalog=shop.catalog, is_active=True)
    assert set(active) == {now, other}
    assert Ranker.objects.filter(pk=before.pk, is_active=False).exists()
    assert now.figures == {"fusion": {"mean": 0.5, "low": 0.25, "high": 0.75}}
    assert (now.kind, now.trained_until) == ("fusion", NOON)


def test_five_rankers_are_kept_to_go_back_to(shop: Shop) -> None:
    made = [storage.store_ranker(shop.catalog, Mode.NEW, VERDICT, NOON) for _ in range(8)]

    left = Ranker.objects.filter(catalog=shop.catalog)
    assert set(left) == set(made[-6:])


def ranker(shop: Shop, mode: str, *, is_active: bool = False) -> Ranker:
    return Ranker.objects.create(
        catalog=shop.catalog,
        mode=mode,
        kind="blend",
        model=b"",
        is_active=is_active,
        trained_until=NOON,
    )


def active(shop: Shop) -> set[Ranker]:
    return set(Ranker.objects.filter(catalog=shop.catalog, is_active=True))


def test_the_one_that_served_makes_room_in_its_mode_only(shop: Shop) -> None:
    before, older = ranker(shop, Mode.NEW, is_active=True), ranker(shop, Mode.NEW)
    other_mode = ranker(shop, Mode.ALL, is_active=True)

    activate_ranker(older)
    activate_ranker(older)

    assert active(shop) == {older, other_mode}
    assert older.is_active
    assert Ranker.objects.filter(pk=before.pk).exists()
