from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from embeddings.errors import Misconfigured
from recommender import database
from recommender.catalog import catalogs, keys
from recommender.catalog.catalogs import announce_changes, products_changed
from recommender.catalog.keys import key_digest
from recommender.history import popularity
from recommender.models import (
    ApiKey,
    Catalog,
    EmbeddingClaim,
    EvaluationRun,
    Event,
    EventKey,
    InsightFinding,
    InsightRun,
    Product,
    ProductNeighbor,
    ProductPopularity,
    ProductVector,
    ProfileVector,
    Ranker,
    SearchOutcome,
    Space,
    TrainingRun,
    User,
)
from recommender.profiles import builder
from recommender.profiles.builder import stale_users
from recommender.retrieval import tallies
from recommender.spaces import staleness
from recommender.spaces.lifecycle import create_space
from tests.recommender.spaces.training import train
from tests.shop import DAY, NOON, Shop, event

EVERYTHING = (
    Catalog,
    ApiKey,
    Product,
    User,
    Event,
    EventKey,
    ProductPopularity,
    Space,
    ProductVector,
    ProfileVector,
    EmbeddingClaim,
    ProductNeighbor,
    Ranker,
    TrainingRun,
    EvaluationRun,
    InsightRun,
    InsightFinding,
)


def fill(shop: Shop) -> None:
    """At least a row in every table."""
    shop.stock(mug="Mug", tent="Tent")
    shop.embed()
    shop.visit("ann", "mug")
    builder.refresh(shop.space, [shop.user("ann").pk])
    popularity.refresh(shop.catalog)
    catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER)
    shop.stock(soap="Soap")
    staleness.claim(shop.space, owner="w", after=0, limit=1)
    learn(shop)


def learn(shop: Shop) -> None:
    """What training and evaluating leave."""
    train(shop)
    of: dict[str, Catalog] = {"catalog": shop.catalog}
    ProductNeighbor.objects.create(
        **of, product=shop.product("mug"), kind="together", products=[], scores=[]
    )
    Ranker.objects.create(**of, mode="new", kind="fusion", model=b"", trained_until=NOON)
    TrainingRun.objects.create(**of)
    EvaluationRun.objects.create(**of, mode="new", document={})
    found = InsightRun.objects.create(**of, kind="clusters")
    InsightFinding.objects.create(run=found, product=shop.product("mug"), score=1)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in EVERYTHING}


def test_a_new_catalog_has_a_text_space_that_serves(db: None) -> None:
    catalog = catalogs.create_catalog("shop", model="wordllama-256")

    (space,) = Space.objects.filter(catalog=catalog)
    assert (space.name, space.status) == ("text", Space.Status.ACTIVE)
    assert (space.model, space.dimension) == ("wordllama-256", 256)


def test_without_a_model_the_default_one_is_used(db: None, settings: object) -> None:
    settings.DEFAULT_MODEL = "fake"

    catalogs.create_catalog("shop")

    assert Space.objects.get().model == "fake"


@pytest.mark.parametrize("name", ["", "Shop", "my shop", "-shop", "x" * 64, "shöp"])
def test_a_name_that_is_none_is_refused(db: None, name: str) -> None:
    with pytest.raises(ValidationError):
        catalogs.create_catalog(name, model="fake")

    assert not Catalog.objects.exists()


def test_a_name_that_is_taken_is_refused(shop: Shop) -> None:
    with pytest.raises(ValidationError, match="already exists"):
        catalogs.create_catalog(shop.catalog.name, model="fake")


def test_a_model_that_is_none_is_refused_and_leaves_nothing(db: None) -> None:
    with pytest.raises(Misconfigured, match="There is no embedding model"):
        catalogs.create_catalog("shop", model="gpt-7")

    assert not Catalog.objects.exists()


def test_a_deleted_catalog_leaves_nothing_and_another_keeps_everything(shop: Shop) -> None:
    fill(shop)
    alone = counts()
    assert all(alone.values()), alone
    other = Shop.open("other")
    fill(other)
    space = other.space.pk

    catalogs.delete_catalog(other.catalog)

    assert counts() == alone
    tables = "SELECT count(*) FROM pg_class WHERE relname LIKE %s"
    assert database.fetch(tables, (f"recommender_%vector_{space}%",)) == [(0,)]


def test_a_catalog_is_found_by_its_name(shop: Shop) -> None:
    assert catalogs.find_catalog("shop") == shop.catalog


def test_an_unknown_catalog_is_told_with_those_there_are_and_how_to_make_it(shop: Shop) -> None:
    with pytest.raises(ValidationError) as caught:
        catalogs.find_catalog("shpo")

    assert caught.value.messages == [
        "There is no catalog 'shpo' (there are: shop). Make it: ./kinship create_catalog shpo"
    ]


def test_profiles_and_popularity_follow_a_changed_catalog(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")
    shop.embed()
    now = timezone.now()
    shop.visit("ann", "mug", at=now - 45 * DAY)
    shop.visit("ann", "tent", at=now - 20 * DAY)
    builder.refresh(shop.space, [shop.user("ann").pk])
    popularity.refresh(shop.catalog)
    mug = ProductPopularity.objects.filter(product__external_id="mug")
    assert mug.get().recent == 0

    catalogs.change_catalog(shop.catalog, clock=Catalog.Clock.LAST_EVENT, half_life_days=7)

    assert mug.get().recent == 1
    assert stale_users(shop.space, after=0, limit=10) == [shop.user("ann").pk]


def test_what_searches_lead_to_follows_a_changed_clock(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")
    now = timezone.now()
    for product, days in (("mug", 100), ("tent", 20)):
        shop.post(replace(event("ann", product, at=now - days * DAY), query="gift"))
    tallies.refresh(shop.catalog)
    outcomes = SearchOutcome.objects.filter(catalog=shop.catalog)
    assert outcomes.count() == 1, "of the last 90 days"

    catalogs.change_catalog(shop.catalog, clock=Catalog.Clock.LAST_EVENT)

    assert outcomes.count() == 2


News = list[list[int]]


@pytest.fixture
def heard() -> Iterator[News]:
    """What a listener was told: the spaces, call by call."""
    news: News = []

    def listen(space_ids: list[int], **_: object) -> None:
        news.append(space_ids)

    products_changed.connect(listen)
    yield news
    products_changed.disconnect(listen)


def test_a_change_is_announced_for_every_living_space_of_the_catalog(
    shop: Shop, heard: News
) -> None:
    Shop.open("other")
    retired = create_space(shop.catalog, model="fake", dimension=8)
    building = create_space(shop.catalog, model="fake", dimension=8)
    Space.objects.filter(pk=retired.pk).update(status=Space.Status.RETIRED)

    announce_changes(shop.catalog)

    (spaces,) = heard
    assert sorted(spaces) == sorted([shop.space.pk, building.pk])


def test_a_trained_space_follows_the_text_space_and_is_told_nothing(
    shop: Shop, heard: News
) -> None:
    shop.stock(mug="Blue mug")
    train(shop)

    announce_changes(shop.catalog)

    assert heard == [[shop.space.pk]]


SCOPES = [ApiKey.Scope.SERVER, ApiKey.Scope.BROWSER, ApiKey.Scope.EMBED]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_is_recognised_by_what_was_shown_once(shop: Shop, scope: str) -> None:
    plain = catalogs.create_key(shop.catalog, scope, "till 3")

    key = keys.find_key(plain)

    assert key is not None
    assert (key.catalog, key.scope, key.label) == (shop.catalog, scope, "till 3")
    assert plain.startswith(key.prefix)


def test_what_is_stored_does_not_give_the_key_away(shop: Shop) -> None:
    plain = catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER)

    row = ApiKey.objects.values().get()

    assert plain not in str(row)
    assert bytes(row["digest"]) == key_digest(plain)
    assert len(plain) - len(row["prefix"]) >= 24


def test_a_token_secret_is_known_again_but_is_no_key_and_is_not_in_the_database(
    shop: Shop,
) -> None:
    old, new = (catalogs.create_key(shop.catalog, ApiKey.Scope.TOKEN) for _ in range(2))
    catalogs.create_key(Shop.open("elsewhere").catalog, ApiKey.Scope.TOKEN)

    assert keys.find_key(new) is None
    assert new not in str(ApiKey.objects.values())
    assert keys.token_secrets(shop.catalog) == (new, old)
    assert new.startswith(ApiKey.objects.filter(catalog=shop.catalog).latest("pk").prefix)

    keys.revoke(ApiKey.objects.filter(catalog=shop.catalog).earliest("pk"))
    assert keys.token_secrets(shop.catalog) == (new,)


def test_keys_are_never_alike(shop: Shop) -> None:
    made = {catalogs.create_key(shop.catalog, ApiKey.Scope.BROWSER) for _ in range(20)}

    assert len(made) == 20


@pytest.mark.parametrize("plain", ["", "kin_ser_", "kin_ser_0000", "ключ"])
def test_what_is_no_key_is_not_recognised(shop: Shop, plain: str) -> None:
    catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER)

    assert keys.find_key(plain) is None


def test_a_revoked_key_is_unknown_and_the_others_stay(shop: Shop) -> None:
    first, second = (catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER) for _ in range(2))
    row = keys.find_key(first)
    assert row is not None

    keys.revoke(row)

    assert keys.find_key(first) is None
    assert keys.find_key(second) is not None
