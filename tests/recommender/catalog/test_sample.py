from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from recommender.catalog import catalogs, sample
from recommender.history import popularity
from recommender.models import Catalog, Event, Product, ProductPopularity, Space, User
from tests.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Catalog]:
    """Loaded once: simulating the shoppers takes a second."""
    with django_db_blocker.unblock():
        catalog = sample.load()
    yield catalog
    with django_db_blocker.unblock():
        catalogs.delete_catalog(catalog)


@pytest.fixture
def store(loaded: Catalog) -> Catalog:
    return Catalog.objects.get(pk=loaded.pk)


def test_the_sample_store_has_what_a_demonstration_needs(store: Catalog) -> None:
    assert Product.objects.filter(catalog=store).count() >= 300
    categories = Product.objects.filter(catalog=store).values_list("category", flat=True)
    assert len({category.split("/")[0] for category in categories}) >= 10
    assert User.objects.filter(catalog=store).count() >= 190
    assert Event.objects.filter(catalog=store).count() >= 4000
    assert ProductPopularity.objects.filter(catalog=store, recent__gt=0).count() > 50
    assert Space.objects.filter(catalog=store, status=Space.Status.ACTIVE).count() == 1


def test_everybody_in_it_is_labelled_as_simulated(store: Catalog) -> None:
    shoppers = User.objects.filter(catalog=store)

    assert all(shopper.external_id.startswith("sim-") for shopper in shoppers)
    assert all(shopper.attributes["simulated"] is True for shopper in shoppers)
    assert not Event.objects.filter(catalog=store).exclude(user__in=shoppers).exists()


def test_its_history_ends_on_the_day_it_is_first_started(store: Catalog) -> None:
    latest = popularity.clock(Catalog(pk=store.pk, clock=Catalog.Clock.LAST_EVENT))

    assert timedelta(0) < timezone.now() - latest < timedelta(days=2)


def test_its_attributes_can_be_filtered_by(store: Catalog) -> None:
    used = {name for p in Product.objects.filter(catalog=store) for name in p.attributes}

    assert used
    assert set(store.attributes) == used


def test_loading_again_keeps_what_is_there(store: Catalog) -> None:
    shop = Shop(store)
    product = Product.objects.filter(catalog=store).first()
    assert product is not None
    shop.visit("a real shopper", product.external_id)
    Product.objects.filter(pk=product.pk).update(title="Changed by hand")
    before = (Product.objects.count(), User.objects.count(), Event.objects.count())

    again = sample.load()

    assert again == store
    assert (Product.objects.count(), User.objects.count(), Event.objects.count()) == before
    product.refresh_from_db()
    assert product.title == "Changed by hand"


def test_a_removed_store_is_gone_and_can_be_loaded_anew(store: Catalog) -> None:
    other = Shop.open("other")
    other.stock(mug="Mug")

    assert sample.remove()
    assert not sample.remove()
    assert list(Catalog.objects.all()) == [other.catalog]
    assert Product.objects.count() == 1

    assert sample.load().pk != store.pk
