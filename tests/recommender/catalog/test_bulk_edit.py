import pytest
from django.db.models import QuerySet

from recommender.catalog import bulk_edit, upsert
from recommender.catalog.bulk_edit import HIDE, BulkEditError
from recommender.models import Product
from tests.shop import Shop, numbered


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.stock(**numbered(7))
    return shop


def all_of(shop: Shop) -> "QuerySet[Product]":
    return Product.objects.filter(catalog=shop.catalog, deleted_at=None)


def test_all_are_changed_though_a_change_takes_them_out_of_the_filter(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_edit, "_BATCH", 2)
    in_stock = all_of(stocked).filter(in_stock=True)
    assert bulk_edit.apply(in_stock, bulk_edit.to_stock(False)) == {stocked.catalog.pk: 7}
    assert not in_stock.exists()
    assert bulk_edit.apply(all_of(stocked), bulk_edit.to_category("Home/Mugs")) == {
        stocked.catalog.pk: 7
    }
    assert set(all_of(stocked).values_list("category", "in_stock")) == {("Home/Mugs", False)}


def test_what_is_hidden_is_off_sale_and_what_is_off_sale_stays_so(stocked: Shop) -> None:
    chosen = all_of(stocked).order_by("pk")[:3]
    keys = list(chosen.values_list("pk", flat=True))
    assert bulk_edit.apply(Product.objects.filter(pk__in=keys), HIDE) == {stocked.catalog.pk: 3}
    assert all_of(stocked).count() == 4
    everything = Product.objects.filter(catalog=stocked.catalog)
    assert bulk_edit.apply(everything, bulk_edit.to_stock(False)) == {stocked.catalog.pk: 4}
    assert all_of(stocked).count() == 4


def test_products_of_several_catalogs_are_changed_in_their_own(stocked: Shop) -> None:
    other = Shop.open("other")
    upsert.upsert(other.catalog, [{"id": "p0", "title": "Lamp"}])
    done = bulk_edit.apply(Product.objects.all(), bulk_edit.to_stock(False))
    assert done == {stocked.catalog.pk: 7, other.catalog.pk: 1}
    assert Product.objects.count() == 8


def test_no_more_than_so_many_are_changed(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_edit, "MOST", 5)
    bulk_edit.apply(all_of(stocked), HIDE)
    assert all_of(stocked).count() == 2


def test_a_category_that_is_none_is_refused() -> None:
    with pytest.raises(BulkEditError, match="The category"):
        bulk_edit.to_category("x" * 1000)
