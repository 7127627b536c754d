import threading
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone

from recommender.models import EmbeddingClaim, Product
from recommender.spaces import staleness
from recommender.spaces.staleness import ClaimedProduct, StaleProduct
from tests.shop import Shop, numbered
from tests.threads import at_once, wait_until


def claim(
    shop: Shop, owner: str = "a", *, after: int = 0, limit: int = 100
) -> list[ClaimedProduct]:
    return staleness.claim(shop.space, owner=owner, after=after, limit=limit)


def titles(products: Sequence[StaleProduct]) -> list[str]:
    return [product.title for product in products]


def test_a_new_product_is_stale_until_it_is_embedded(shop: Shop) -> None:
    shop.stock(mug="Blue mug", lamp="Desk lamp")
    assert staleness.count(shop.space) == 2

    shop.embed()

    assert staleness.count(shop.space) == 0
    assert claim(shop) == []


def test_what_is_claimed_is_what_is_embedded(shop: Shop) -> None:
    shop.put(
        {
            "id": "mug",
            "title": "Mug",
            "description": "Blue",
            "category": "Home",
            "brand": "Hearth",
            "attributes": {"ml": 350},
            "image_urls": ["https://img.example/mug.jpg"],
            "video_urls": ["https://img.example/mug.mp4"],
        }
    )
    mug = shop.product("mug")

    assert claim(shop) == [
        ClaimedProduct(
            *(mug.pk, mug.content_hash, "Mug", "Blue", "Home", "Hearth"),
            attributes={"ml": 350},
            image_urls=["https://img.example/mug.jpg"],
            video_urls=["https://img.example/mug.mp4"],
        )
    ]


def test_what_a_product_does_not_have_is_empty(shop: Shop) -> None:
    shop.stock(mug="Mug")

    (mug,) = claim(shop)

    assert (mug.attributes, mug.image_urls, mug.video_urls) == ({}, [], [])


@pytest.mark.parametrize(
    "change",
    [
        {"price": Decimal("9.50")},
        {"currency": "EUR"},
        {"in_stock": False},
        {"released_at": timezone.now()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_not_embedded_may_change_without_making_anything_stale(
    shop: Shop, change: dict[str, object]
) -> None:
    shop.stock(mug="Blue mug")
    shop.embed()

    Product.objects.update(**change)

    assert staleness.count(shop.space) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Red mug"},
        {"description": "Holds 350 ml"},
        {"brand": "Hearth"},
        {"category": "Home"},
        {"attributes": {"colour": "red"}},
        {"image_urls": ["https://img.example/mug.jpg"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_of_what_is_embedded_makes_only_that_product_stale(
    shop: Shop, change: dict[str, object]
) -> None:
    shop.stock(mug="Blue mug", lamp="Desk lamp")
    shop.embed()

    Product.objects.filter(external_id="mug").update(**change)

    assert [product.id for product in claim(shop)] == [shop.product("mug").pk]


def test_a_deleted_product_is_not_stale(shop: Shop) -> None:
    shop.stock(mug="Blue mug")

    Product.objects.update(deleted_at=timezone.now())

    assert staleness.count(shop.space) == 0
    assert claim(shop) == []


def test_another_catalog_s_products_are_its_own(shop: Shop) -> None:
    other = Shop.open("other")
    other.stock(tent="Tent")

    assert staleness.count(shop.space) == 0
    assert claim(shop) == []


def test_claims_go_on_from_an_id_up_to_a_limit(shop: Shop) -> None:
    shop.stock(**numbered(5))

    first = claim(shop, limit=2)
    rest = claim(shop, after=first[-1].id)

    assert len(first) == 2
    assert len(rest) == 3
    assert [p.id for p in first + rest] == sorted(p.id for p in first + rest)


def test_what_is_claimed_is_not_claimed_again_until_the_lease_lapses(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    claim(shop, "a")
    assert claim(shop, "b") == []

    EmbeddingClaim.objects.update(until=F("until") - staleness.LEASE)

    assert titles(claim(shop, "b")) == ["Blue mug"]
    held = EmbeddingClaim.objects.get()
    assert held.owner == "b"
    assert held.until > timezone.now() + staleness.LEASE - timedelta(seconds=30)


def test_a_claim_that_is_renewed_lasts_from_then_on(shop: Shop) -> None:
    shop.stock(mug="Blue mug", lamp="Desk lamp")
    mug, lamp = claim(shop, "a")
    EmbeddingClaim.objects.update(until=timezone.now() + timedelta(seconds=5))
    EmbeddingClaim.objects.filter(product=lamp.id).update(owner="b")

    staleness.renew(shop.space.pk, [mug.id, lamp.id], "a")

    left = {c.product_id: c.until - timezone.now() for c in EmbeddingClaim.objects.all()}
    assert left[mug.id] > timedelta(seconds=100)
    assert left[lamp.id] < timedelta(seconds=10), "another worker's"


def test_a_space_is_at_work_while_its_claims_are_made_or_renewed(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    assert staleness.at_work() == []

    claim(shop, "worker:1")
    assert staleness.at_work() == [(shop.space.pk, "worker:1")]

    EmbeddingClaim.objects.update(until=F("until") - 2 * staleness.RENEWAL)
    assert staleness.at_work() == []


def test_what_is_released_can_be_claimed_at_once(shop: Shop) -> None:
    shop.stock(mug="Blue mug", lamp="Desk lamp")
    mug, lamp = claim(shop, "a")

    staleness.release(shop.space.pk, [lamp.id])

    assert claim(shop, "b") == [lamp]
    assert mug != lamp


def test_the_claims_of_a_dead_worker_are_given_back_and_no_others(shop: Shop) -> None:
    shop.stock(**numbered(4))
    for owner in ("kinship@host:10", "kinship@host:11", "kinship@host2:10", "temporary@host:10"):
        claim(shop, owner, limit=1)

    assert staleness.release_owner("kinship@host:1") == 0, "another process's"
    assert staleness.release_owner("kinship@host:10") == 1
    assert staleness.release_owner("kinship@host") == 1

    held = EmbeddingClaim.objects.filter(until__gt=timezone.now())
    assert set(held.values_list("owner", flat=True)) == {"kinship@host2:10", "temporary@host:10"}
    assert len(claim(shop)) == 2


def test_a_product_that_its_worker_died_of_twice_is_claimed_alone(shop: Shop) -> None:
    shop.stock(**numbered(5))
    first, second, *others = claim(shop, "worker:1", limit=4)
    staleness.release_owner("worker")
    assert [product.deaths for product in claim(shop, "worker:2")] == [1, 1, 1, 1, 0]
    staleness.release(shop.space.pk, [others[0].id])
    staleness.release_owner("worker")

    for suspect in (first, second):
        (alone,) = claim(shop, "worker:3")
        assert (alone.id, alone.deaths) == (suspect.id, 2)
    together = claim(shop, "worker:4")
    assert [(product.id, product.deaths) for product in together] == [(others[0].id, 0)]

    EmbeddingClaim.objects.update(until=timezone.now() - timedelta(days=1))
    assert staleness.forget_deaths() == 5
    assert {product.deaths for product in claim(shop)} == {0}


def test_workers_that_claim_at_once_never_get_the_same_product(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(400))

    def drain(worker: int) -> list[int]:
        taken: list[int] = []
        while batch := claim(committed_shop, f"w{worker}", limit=30):
            taken += [product.id for product in batch]
        return taken

    taken = at_once(4, drain)

    everything = [product for part in taken for product in part]
    assert len(everything) == len(set(everything)) == 400
    assert sum(bool(part) for part in taken) > 1


def until(shop: Shop) -> float:
    """Seconds that the one claim of the shop lasts."""
    return (EmbeddingClaim.objects.get().until - timezone.now()).total_seconds()


def test_claims_are_renewed_until_the_work_is_done(committed_shop: Shop) -> None:
    often = timedelta(seconds=0.05)
    committed_shop.stock(mug="Blue mug")
    space = committed_shop.space
    (mug,) = staleness.claim(space, owner="me", after=0, limit=1)
    before = threading.active_count()

    with staleness.claims_kept(space.pk, [mug.id], "me", often):
        for _ in range(2):
            EmbeddingClaim.objects.update(until=F("until") - timedelta(seconds=60))
            wait_until(lambda: until(committed_shop) > 100)

    assert threading.active_count() == before


def test_the_work_s_own_error_is_what_its_caller_sees(committed_shop: Shop) -> None:
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError), staleness.claims_kept(committed_shop.space.pk, [], "me"):
        raise ZeroDivisionError

    assert threading.active_count() == before
