from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from embeddings.errors import MediaUnavailable, Rejected
from recommender.models import ProductVector, QuarantinedProduct, Space
from recommender.spaces import embedding, lifecycle, quarantine, staleness
from recommender.spaces.embedding import Embedded
from tests.shop import Shop

EARLIER = timezone.now() - timedelta(hours=2)


@pytest.fixture
def refused(shop: Shop) -> Shop:
    """A shop with a lamp that is embedded, a blank, and two mugs that the model refused."""
    shop.stock(mug="Blue mug", cup="Red mug", lamp="Desk lamp", blank="")
    refuse(shop.space, shop, "mug", "cup")
    shop.embed()
    return shop


def refuse(space: Space, shop: Shop, *keys: str, reason: str = "We take no mugs.") -> None:
    error = Rejected(reason, code="NoMugs")
    products = [shop.product(key) for key in keys]
    embedding.write(space, [Embedded(p.pk, p.content_hash, None, refusal=error) for p in products])


def keys() -> set[str]:
    return {row.product.external_id for row in QuarantinedProduct.objects.select_related("product")}


def test_a_refused_product_is_kept_with_the_reason_and_is_not_stale(refused: Shop) -> None:
    assert keys() == {"mug", "cup"}
    row = QuarantinedProduct.objects.get(product=refused.product("mug"))
    assert (row.code, row.reason) == ("NoMugs", "We take no mugs.")
    assert row.content_hash == refused.product("mug").content_hash
    assert timezone.now() >= row.at
    assert quarantine.count(refused.space) == 2
    assert staleness.count(refused.space) == 0


def test_retrying_makes_them_stale_again_and_nothing_else(refused: Shop) -> None:
    assert quarantine.retry(refused.space) == 2

    assert keys() == set()
    assert staleness.count(refused.space) == 2
    assert quarantine.retry(refused.space) == 0

    refused.embed()
    assert staleness.count(refused.space) == 0
    assert ProductVector.objects.filter(embedding=None).count() == 1, "the blank"


def test_retrying_some_leaves_the_others(refused: Shop) -> None:
    wanted = [refused.product(key).pk for key in ("mug", "lamp")]

    assert quarantine.retry(refused.space, wanted) == 1

    assert keys() == {"cup"}
    assert staleness.count(refused.space) == 1


def test_a_vector_that_a_product_has_is_not_lost_by_retrying(refused: Shop) -> None:
    refused.stock(mug="Blue kettle")
    refused.embed()
    mug = refused.product("mug")
    QuarantinedProduct.objects.create(
        space=refused.space,
        product=mug,
        content_hash=mug.content_hash,
        reason="?",
        at=mug.created_at,
    )

    quarantine.retry(refused.space, [mug.pk])

    assert ProductVector.objects.get(product=mug).embedding is not None


def test_a_product_that_is_refused_again_has_the_latest_reason(refused: Shop) -> None:
    refused.stock(mug="Green mug")

    refuse(refused.space, refused, "mug", reason="Not even green ones.")

    row = QuarantinedProduct.objects.get(product=refused.product("mug"))
    assert row.reason == "Not even green ones."
    assert row.content_hash == refused.product("mug").content_hash


@pytest.mark.parametrize("title", ["Blue kettle", ""])
def test_a_product_that_changes_leaves_when_it_is_done_with(refused: Shop, title: str) -> None:
    refused.stock(mug=title)
    assert keys() == {"mug", "cup"}

    refused.embed()

    assert keys() == {"cup"}


def test_a_deleted_product_does_not_count(refused: Shop) -> None:
    mug = refused.product("mug")
    mug.deleted_at = timezone.now()
    mug.save()

    assert quarantine.count(refused.space) == 1


def test_each_space_has_its_own_quarantine(refused: Shop) -> None:
    other = lifecycle.create_space(refused.catalog, model="fake", dimension=8)
    refuse(other, refused, "mug")

    assert quarantine.retry(other) == 1
    assert quarantine.count(refused.space) == 2


def test_a_retired_space_has_nothing_to_retry(refused: Shop) -> None:
    other = lifecycle.create_space(refused.catalog, model="fake", dimension=8)
    lifecycle.retire(other)
    other.refresh_from_db()

    assert quarantine.retry(other) == 0


def test_a_picture_that_could_not_be_had_is_asked_for_again_after_an_hour(refused: Shop) -> None:
    error = MediaUnavailable("Its host answered 503.", code=MediaUnavailable.__name__)
    lamp = refused.product("lamp")
    quarantine.retry(refused.space)
    embedding.write(
        refused.space,
        [Embedded(lamp.pk, uuid4(), None, refusal=error)],
    )
    refuse(refused.space, refused, "mug")
    QuarantinedProduct.objects.filter(product=refused.product("mug")).update(at=EARLIER)
    assert keys() == {"lamp", "mug"}

    assert quarantine.retry_media() == 0
    QuarantinedProduct.objects.filter(product=lamp).update(at=EARLIER)
    assert quarantine.retry_media() == 1

    assert keys() == {"mug"}, "what the model refused waits for a person"
