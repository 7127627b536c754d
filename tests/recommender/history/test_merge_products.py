from datetime import timedelta

import pytest

from recommender.catalog import upsert
from recommender.history import erasure, ingest, merge_products
from recommender.history.merge_products import MergeError, part_products
from recommender.history.merge_products import merge_products as merge
from recommender.models import Event, LateDay, MergedEvent, ProductMerge
from tests.shop import NOON, Shop, event


@pytest.fixture
def store(shop: Shop) -> Shop:
    shop.stock(mug="red mug", cup="red mug, again", lamp="lamp")
    shop.visit("ann", "mug", "cup")
    shop.visit("bob", "cup", "lamp")
    return shop


def events(shop: Shop, key: str) -> list[str]:
    """The users who did something with a product."""
    found = Event.objects.filter(product_id=shop.product(key).pk).select_related("user")
    return sorted(one.user.external_id for one in found)


def test_the_product_that_stays_has_the_events_of_both(store: Shop) -> None:
    before = store.user("bob").history_version

    assert merge(store.catalog, "mug", "cup", "ann") == 2

    assert events(store, "mug") == ["ann", "ann", "bob"]
    assert events(store, "cup") == []
    assert store.product("cup").deleted_at is not None
    assert store.user("bob").history_version == before + 1
    assert ProductMerge.objects.get().merged_by == "ann"
    assert NOON.date() in LateDay.objects.values_list("day", flat=True)


def test_to_merge_again_moves_only_what_was_left(
    store: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(store.catalog, "mug", "cup")
    left = Event.objects.filter(product_id=store.product("mug").pk).first()
    Event.objects.filter(id=left.id).update(product_id=store.product("cup").pk)
    MergedEvent.objects.filter(event_id=left.id).delete()

    assert merge(store.catalog, "mug", "cup") == 1
    assert merge(store.catalog, "mug", "cup") == 0


def test_many_events_change_hands_in_batches(store: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge_products, "_BATCH", 3)
    store.post(*(event(f"u{n}", "cup", at=NOON + timedelta(days=40 * n)) for n in range(3)))
    store.post(*(event(f"w{n}", "cup") for n in range(4)))

    assert merge(store.catalog, "mug", "cup") == 9
    assert part_products(store.catalog, "mug", "cup") == 9
    assert len(events(store, "cup")) == 9


def test_parting_gives_back_what_was_moved_and_nothing_that_came_since(store: Shop) -> None:
    merge(store.catalog, "mug", "cup")
    assert store.post(event("eve", "cup")) == [ingest.ACCEPTED]
    assert events(store, "mug") == ["ann", "ann", "bob", "eve"]

    assert part_products(store.catalog, "mug", "cup") == 2

    assert (events(store, "mug"), events(store, "cup")) == (["ann", "eve"], ["ann", "bob"])
    assert store.product("cup").deleted_at is None
    assert not ProductMerge.objects.exists()
    assert not MergedEvent.objects.exists()
    assert part_products(store.catalog, "mug", "cup") is None


def test_events_of_somebody_who_was_erased_do_not_come_back(store: Shop) -> None:
    merge(store.catalog, "mug", "cup")
    erasure.erase_user(store.user("bob"))

    assert part_products(store.catalog, "mug", "cup") == 1

    assert events(store, "cup") == ["ann"]


def test_what_is_written_of_a_merged_product_waits_until_they_are_parted(store: Shop) -> None:
    merge(store.catalog, "mug", "cup")

    written = upsert.upsert(store.catalog, [{"id": "cup", "title": "cup, blue"}])
    assert (written.changed, store.product("cup").deleted_at is None) == (1, False)
    again = upsert.upsert(store.catalog, [{"id": "cup", "title": "cup, blue"}])
    assert again.unchanged == 1
    assert store.product("mug").title == "red mug"

    part_products(store.catalog, "mug", "cup")
    assert store.product("cup").title == "cup, blue"


def test_what_cannot_be_merged_is_refused_by_name(store: Shop) -> None:
    for into, gone, why in (
        ("mug", "mug", "with itself"),
        ("mug", "jug", "no product 'jug'"),
        ("jug", "mug", "no product 'jug'"),
    ):
        with pytest.raises(MergeError, match=why):
            merge(store.catalog, into, gone)
    merge(store.catalog, "mug", "cup")
    with pytest.raises(MergeError, match="'cup' is merged into 'mug'"):
        merge(store.catalog, "lamp", "cup")
    with pytest.raises(MergeError, match="'cup' is merged into 'mug'"):
        merge(store.catalog, "cup", "lamp")
    with pytest.raises(MergeError, match="Others are merged into 'mug'"):
        merge(store.catalog, "lamp", "mug")


def test_another_catalogs_products_are_not_there(store: Shop) -> None:
    other = Shop.open("other")
    other.stock(jug="a jug")
    with pytest.raises(MergeError, match="no product 'jug'"):
        merge(store.catalog, "mug", "jug")
    merge(store.catalog, "mug", "cup")
    assert other.post(event("ann", "cup")) == [ingest.UNKNOWN_PRODUCT]
