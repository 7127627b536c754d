"""After somebody is erased and the catalog trained, it is as if they had never been."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from recommender import database
from recommender.effect import counting
from recommender.history.erasure import erase_user
from recommender.models import Forgotten, ProductNeighbor, Ranker, Space, TrainingRun
from recommender.training import run, runs
from recommender.training.fitting import silent
from tests.recommender.effect.shown import did, show
from tests.recommender.rights import held
from tests.recommender.training import planted
from tests.shop import DAY, Shop, event

pytestmark = pytest.mark.slow

BEGIN = held.YESTERDAY - 60 * DAY

# What is made of what users did, by the shop's ids of products, users and spaces.
_PRODUCT = "(SELECT p.external_id FROM recommender_product p WHERE p.id = {})"
_STATE: Mapping[str, str] = {
    "popularity": f"""SELECT {_PRODUCT.format("t.product_id")}, to_jsonb(t) - 'product_id'
        - 'catalog_id' FROM recommender_productpopularity t WHERE t.catalog_id = %(c)s""",
    "neighbours": f"""SELECT {_PRODUCT.format("t.product_id")}, t.kind, ARRAY(
        SELECT {_PRODUCT.format("n.id")} FROM unnest(t.products) WITH ORDINALITY n(id, place)
        ORDER BY place), t.scores FROM recommender_productneighbor t WHERE t.catalog_id = %(c)s""",
    "search outcomes": f"""SELECT t.query, {_PRODUCT.format("t.product_id")}, t.share
        FROM recommender_searchoutcome t WHERE t.catalog_id = %(c)s""",
    "spaces": """SELECT name, status, md5(fold_in) FROM recommender_space
        WHERE catalog_id = %(c)s AND kind = 'behaviour'""",
    "vectors": f"""SELECT s.name, {_PRODUCT.format("v.product_id")}, v.embedding::text
        FROM recommender_productvector v JOIN recommender_space s ON s.id = v.space_id
        WHERE s.catalog_id = %(c)s""",
    "profiles": f"""SELECT s.name, u.external_id, v.kind, v.position, v.weight,
            {_PRODUCT.format("v.product_id")}, v.embedding::text
        FROM recommender_profilevector v JOIN recommender_space s ON s.id = v.space_id
        JOIN recommender_user u ON u.id = v.user_id WHERE s.catalog_id = %(c)s""",
    "rankers": """SELECT mode, kind, md5(model), figures::text FROM recommender_ranker
        WHERE catalog_id = %(c)s""",
    "settings": """SELECT similar_blend::text, learner_settings::text, has_made_up_times
        FROM recommender_catalog WHERE id = %(c)s""",
    "effect": f"""SELECT day, operation, placement, source, {_PRODUCT.format("t.product_id")},
            hours, impressions, clicks, carts, purchases, revenue, orders, unknown
        FROM recommender_effectfigure t WHERE catalog_id = %(c)s""",
    "users": """SELECT external_id, attributes::text, exclusion, is_anonymous
        FROM recommender_user WHERE catalog_id = %(c)s""",
    "events": f"""SELECT u.external_id, {_PRODUCT.format("e.product_id")}, e.type, e.at, e.query
        FROM recommender_event e JOIN recommender_user u ON u.id = e.user_id
        WHERE e.catalog_id = %(c)s""",
    "keys of events": "SELECT count(*) FROM recommender_eventkey WHERE catalog_id = %(c)s",
    "lists": """SELECT "user", at, items::text FROM recommender_recommendation
        WHERE catalog_id = %(c)s""",
}


def state(shop: Shop) -> dict[str, list[str]]:
    """All that stands in the tables, as text and in an order of its own."""
    return {
        name: sorted(map(repr, database.fetch(query.encode(), {"c": shop.catalog.pk})))
        for name, query in _STATE.items()
    }


def train(shop: Shop) -> None:
    shop.catalog.refresh_from_db()
    made = TrainingRun.objects.create(catalog=shop.catalog, status=TrainingRun.Status.RUNNING)
    run.train(shop.catalog, made, silent)
    counting.recount(shop.catalog)


def of_everybody(shop: Shop) -> None:
    """What users did who stay, among them a search and a list that was bought from."""
    planted.visits(shop, users=48, products=56, events=8, begin=BEGIN)
    shop.post(event("u1", None, type="search", at=held.YESTERDAY - DAY))
    rec_id = show(shop, held.YESTERDAY, "p1", "p2", user="u1")
    shop.post(did("purchase", "u1", "p1", held.YESTERDAY, rec_id, value=3.0))


def of_gone(shop: Shop) -> None:
    """The same of one who is to go: enough to change every table."""
    for day in range(12):
        products = (f"p{day}", f"p{2 * day + 20}", f"p{day + 30}")
        shop.visit("gone", *products, at=BEGIN + 5 * day * DAY)
    rec_id = show(shop, held.YESTERDAY, "p1", "p3", user="gone")
    shop.post(did("purchase", "gone", "p3", held.YESTERDAY + timedelta(hours=1), rec_id, value=9.0))


def opened(name: str, *did: Callable[[Shop], None]) -> Shop:
    shop = planted.open_shop(products=60, name=name)
    for act in did:
        act(shop)
    return shop


@pytest.fixture
def quick(settings: Any) -> None:
    """No search for settings: it ends by the clock."""
    settings.TUNING_SHARE = 0.0


@pytest.mark.usefixtures("db", "quick")
def test_all_tables_and_models_equal_those_of_a_history_that_never_had_the_user() -> None:
    never = opened("never", of_everybody)
    train(never)
    shop = opened("had", of_gone, of_everybody)
    train(shop)
    before = state(shop)
    for name in ("popularity", "neighbours", "vectors", "rankers", "effect", "lists", "profiles"):
        assert before[name] != state(never)[name], name

    erase_user(shop.user("gone"))
    assert runs.due() == [shop.catalog]
    train(shop)

    after, expected = state(shop), state(never)
    for name in _STATE:
        assert after[name] == expected[name], name
    assert runs.due() == []


@pytest.mark.usefixtures("db", "quick")
def test_where_too_little_is_left_to_learn_from_nothing_learnt_before_stays() -> None:
    shop = opened("few", of_gone)
    planted.visits(shop, users=14, products=56, events=6)
    train(shop)
    assert Ranker.objects.filter(catalog=shop.catalog).exists()

    for user in ("gone", *(f"u{n}" for n in range(10))):
        erase_user(shop.user(user))
    train(shop)

    left: list[Any] = [
        model.objects.filter(catalog=shop.catalog).count()
        for model in (Ranker, ProductNeighbor, Forgotten)
    ]
    assert left == [0, 0, 0]
    assert not Space.objects.filter(catalog=shop.catalog, kind="behaviour").exists()
