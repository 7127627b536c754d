from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.engine.answer import Answer, Query
from recommender.engine.candidates import Cause
from recommender.engine.recommend import recommend
from recommender.history import popularity
from recommender.models import Catalog, User
from recommender.profiles import builder
from recommender.retrieval import filters
from recommender.spaces import lifecycle
from tests.recommender import goods
from tests.shop import DAY, NOON, Shop, event
from tests.threads import overtaken

MUGS = {f"mug-{colour}" for colour in goods.COLOURS}
LAMPS = {f"lamp-{colour}" for colour in goods.COLOURS}
EVERYTHING = {product["id"] for product in goods.goods()}


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


def kinds(answer: Answer) -> set[str]:
    return {key.split("-")[0] for key in ids(answer)}


def ask(shop: Shop, user: str = "u1", count: int = 5, **more) -> Answer:
    answer = recommend(shop.catalog, user, Query(count=count, **more))
    assert len(set(ids(answer))) == len(answer.items) <= count
    assert answer.complete == (len(answer.items) == count)
    assert (answer.reason is None) == answer.complete
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)
    for item in answer.items:
        assert sum(item.contributions.values()) == pytest.approx(item.score)
    return answer


def make_popular(shop: Shop) -> None:
    """Puzzles are, and the red one most of all."""
    for user, product in [("x", "puzzle-red"), ("y", "puzzle-red"), ("x", "puzzle-blue")]:
        shop.visit(user, product, at=NOON)
    popularity.refresh(shop.catalog)


# ------------------------------------------------------------------------ nothing to go by


def test_a_user_nobody_knows_gets_what_is_popular_and_is_reported(stocked):
    make_popular(stocked)
    answer = ask(stocked, "nobody")
    assert ids(answer)[:2] == ["puzzle-red", "puzzle-blue"]
    assert (answer.fallback, answer.missing_ids, answer.spaces) == ("popular", ("nobody",), ())
    assert not User.objects.filter(external_id="nobody").exists()


def test_a_user_without_history_gets_what_is_popular_and_is_not_missing(stocked):
    make_popular(stocked)
    User.objects.create(catalog=stocked.catalog, external_id="new")
    answer = ask(stocked, "new")
    assert ids(answer)[:2] == ["puzzle-red", "puzzle-blue"]
    assert (answer.fallback, answer.missing_ids) == ("popular", ())


def test_without_any_history_the_newest_are_given(stocked):
    answer = ask(stocked, "nobody")
    assert (answer.fallback, len(answer.items)) == ("newest", 5)


def test_a_fallback_keeps_to_the_category_that_is_asked_for(stocked):
    make_popular(stocked)
    stocked.visit("z", "lamp-red")
    popularity.refresh(stocked.catalog)
    lamps = filters.parse({"category": {"under": "Home/Light"}}, {})
    answer = ask(stocked, "nobody", filter=lamps)
    assert ids(answer)[0] == "lamp-red"
    assert set(ids(answer)) < LAMPS
    assert answer.fallback == "popular"


def test_a_history_of_nothing_with_a_vector_falls_back_without_what_was_seen(stocked):
    make_popular(stocked)
    stocked.put({"id": "unread", "title": "A thing just added"})
    stocked.visit("u1", "unread")
    answer = ask(stocked, count=24)
    assert answer.fallback == "popular"
    assert "unread" not in ids(answer)
    assert len(answer.items) == 24


def test_a_search_or_an_impression_is_no_taste(stocked):
    stocked.post(event("u1", None, type="search"), event("u1", "mug-red", type="impression"))
    answer = ask(stocked, count=24)
    assert answer.fallback == "newest"
    assert "mug-red" in ids(answer)


def test_what_a_user_dislikes_is_neither_taste_nor_recommended(stocked):
    stocked.post(event("u1", "mug-red", type="dislike"))
    answer = ask(stocked, count=23)
    assert answer.fallback == "newest"
    assert "mug-red" not in ids(answer)


def test_a_catalog_without_a_space_falls_back(stocked):
    stocked.visit("u1", "mug-red")
    lifecycle.delete_space(stocked.space)
    assert ask(stocked).fallback == "newest"


def test_an_empty_catalog_has_an_empty_answer(shop):
    answer = ask(shop)
    assert (answer.items, answer.reason) == ((), "0 products in stock")


def test_nothing_sold_out_is_recommended(stocked):
    make_popular(stocked)
    stocked.visit("u1", "mug-red")
    stocked.catalog.products.filter(external_id__in=MUGS | {"puzzle-red"}).update(in_stock=False)
    answer = ask(stocked, count=24)
    assert set(ids(answer)) == EVERYTHING - MUGS - {"puzzle-red"}
    stocked.catalog.products.update(in_stock=False)
    answer = ask(stocked)
    assert (answer.items, answer.reason) == ((), "0 products in stock")


# ------------------------------------------------------------------------ a history


def test_one_event_is_enough(stocked):
    stocked.visit("u1", "mug-red")
    answer = ask(stocked)
    assert set(ids(answer)) == MUGS - {"mug-red"}
    assert (answer.fallback, answer.spaces, answer.missing_ids) == (None, ("text@1",), ())
    assert {item.because for item in answer.items} == {("mug-red",)}
    assert {item.source for item in answer.items} == {"text"}


def test_ten_events_of_two_tastes_give_both(stocked):
    stocked.visit("u1", *(f"mug-{c}" for c in goods.COLOURS[:5]))
    stocked.visit("u1", *(f"lamp-{c}" for c in goods.COLOURS[:5]), at=NOON + DAY)
    answer = ask(stocked, count=2)
    assert set(ids(answer)) == {"mug-yellow", "lamp-yellow"}


def test_what_is_popular_has_a_say_too(stocked):
    make_popular(stocked)
    stocked.visit("u1", "mug-red")
    popular = {item.id for item in ask(stocked, count=7).items if item.source == "popular"}
    assert popular == {"puzzle-red", "puzzle-blue"}


@pytest.mark.parametrize(
    ("exclude", "left_out"),
    [
        ({"seen"}, {"mug-red", "mug-blue", "lamp-red"}),
        ({"purchased"}, {"mug-blue"}),
        ({"seen", "purchased"}, {"mug-red", "mug-blue", "lamp-red"}),
        (set(), set()),
    ],
)
def test_the_users_own_products_are_left_out_as_asked(stocked, exclude, left_out):
    stocked.visit("u1", "mug-red")
    stocked.post(
        event("u1", "mug-blue", type="purchase"), event("u1", "lamp-red", type="remove_from_cart")
    )
    answer = ask(stocked, count=24 - len(left_out), exclude=frozenset(exclude))
    assert set(ids(answer)) == EVERYTHING - left_out
    repeated = {item.id for item in answer.items if "repeat" in item.contributions}
    assert repeated == (set() if exclude else {"mug-red", "mug-blue"})


def test_a_short_list_says_how_many_were_left_out(stocked):
    stocked.visit("u1", "mug-red", "mug-blue", "lamp-red")
    stocked.catalog.products.filter(external_id="mug-blue").update(in_stock=False)
    mugs = filters.parse({"brand": "Mug Works"}, {})
    assert ask(stocked, filter=mugs).reason == "filter matches 5 products, 1 of them excluded"
    assert ask(stocked, count=50).reason == "23 products in stock, 2 of them excluded"
    assert ask(stocked, "nobody", count=50).reason == "23 products in stock"


def test_a_filter_is_kept_to_by_every_channel(stocked):
    make_popular(stocked)
    stocked.visit("u1", "mug-red")
    dear = filters.parse(
        {"all": [{"price": {"gte": 30}}, {"not": {"fragile": True}}]}, goods.DECLARED
    )
    answer = ask(stocked, count=4, filter=dear, exclude=frozenset())
    assert set(ids(answer)) == {"spade-black", "spade-yellow", "puzzle-black", "puzzle-yellow"}


# ------------------------------------------------------------------------ time


def test_an_event_counts_in_the_very_next_answer(stocked):
    stocked.visit("u1", "mug-red")
    assert kinds(ask(stocked)) == {"mug"}
    stocked.visit("u1", "lamp-red", at=NOON + DAY)
    answer = ask(stocked, count=8, named=True)
    assert kinds(answer) == {"mug", "lamp"}
    assert "lamp-red" in answer.items[0].because
    assert {item.cause for item in answer.items} == {
        Cause("mug-red", "Red mug", "view"),
        Cause("lamp-red", "Red lamp", "view"),
    }


def test_only_history_before_the_time_asked_for_counts(stocked):
    stocked.visit("u1", "mug-red", at=NOON)
    stocked.visit("u1", "lamp-red", at=NOON + DAY)
    then = ask(stocked, count=6, before=NOON + timedelta(hours=1))
    assert then.fallback is None
    assert {key for item in then.items for key in item.because} == {"mug-red"}
    assert "mug-red" not in ids(then)
    assert "lamp-red" in ids(ask(stocked, count=23, before=NOON + DAY))
    assert "lamp-red" not in ids(ask(stocked, count=22))
    before_all = ask(stocked, count=24, before=NOON)
    assert (before_all.fallback, len(before_all.items)) == ("newest", 24)


def test_what_was_popular_is_counted_as_of_the_time_asked_for(stocked):
    for user in ("x", "y"):
        stocked.visit(user, "puzzle-red", at=NOON + DAY)
    stocked.visit("z", "spade-red", at=NOON - DAY)
    popularity.refresh(stocked.catalog)
    assert ids(ask(stocked, "nobody"))[0] == "puzzle-red"
    assert ids(ask(stocked, "nobody", before=NOON))[0] == "spade-red"


def test_a_catalog_of_the_past_recommends_as_one_of_today(db):
    shop = goods.stock(Shop.open("past", clock=Catalog.Clock.LAST_EVENT))
    make_popular(shop)
    shop.visit("u1", "mug-red", at=NOON - 20 * DAY)
    assert kinds(ask(shop, count=4)) == {"mug", "puzzle"}


@pytest.mark.parametrize("stored", [True, False])
def test_a_space_retired_under_the_request_is_asked_no_more(committed_shop, stored):
    """Neither for the neighbours of a stored profile nor for a new one's vectors."""
    stocked = goods.stock(committed_shop)
    first, second = stocked.space, goods.by_colour(stocked)
    stocked.visit("u1", "mug-red")
    if stored:
        builder.refresh(first, [stocked.user("u1").pk])

    answer = overtaken(lambda: ask(stocked, count=3), holding=lambda: goods.replace(first, second))

    assert answer.spaces == ("text@2",)
    assert set(ids(answer)) == {"lamp-red", "spade-red", "puzzle-red"}


def test_a_space_retired_under_a_question_about_the_past_is_asked_no_more(committed_shop):
    stocked = goods.stock(committed_shop)
    first, second = stocked.space, goods.by_colour(stocked)
    stocked.visit("u1", "mug-red", at=NOON)

    answer = overtaken(
        lambda: ask(stocked, count=3, before=NOON + DAY),
        holding=lambda: goods.replace(first, second),
    )

    assert answer.spaces == ("text@2",)
    assert set(ids(answer)) == {"lamp-red", "spade-red", "puzzle-red"}


# ------------------------------------------------------------------------ what it costs


def test_the_answer_of_a_fresh_profile_takes_four_statements(committed_shop):
    stocked = goods.stock(committed_shop)
    make_popular(stocked)
    stocked.visit("u1", "mug-red", "lamp-red")
    builder.refresh(stocked.space, [stocked.user("u1").pk])
    stocked.visit("u2", "mug-blue")
    ask(stocked, "u2")  # this process has read what is popular
    with CaptureQueriesContext(connection) as captured:
        answer = ask(stocked)
    assert (answer.complete, answer.fallback) == (True, None)
    assert len(captured) <= 4


@pytest.mark.parametrize("product", ["mug-red", "unread"])
def test_a_stale_profile_is_rebuilt_once(stocked, product):
    stocked.put({"id": "unread", "title": "A thing just added"})
    stocked.visit("u1", product)
    with CaptureQueriesContext(connection) as captured:
        ask(stocked)
    assert any("DELETE" in query["sql"] for query in captured)
    with CaptureQueriesContext(connection) as captured:
        ask(stocked)
    assert not any("COPY" in query["sql"] or "DELETE" in query["sql"] for query in captured)


def test_a_profile_of_a_later_version_will_do(committed_shop):
    """An event may come in between the look at the user and the look at the profile."""
    stocked = goods.stock(committed_shop)
    stocked.visit("u1", "mug-red", "mug-blue")
    stocked.visit("u1", "lamp-red")
    builder.refresh(stocked.space, [stocked.user("u1").pk])
    assert User.objects.filter(external_id="u1").update(history_version=1) == 1
    make_popular(stocked)
    ask(stocked, "x")
    with CaptureQueriesContext(connection) as captured:
        answer = ask(stocked)
    assert answer.fallback is None
    assert len(captured) <= 4


def test_the_same_question_has_the_same_answer(stocked):
    make_popular(stocked)
    stocked.visit("u1", "mug-red", "lamp-blue", "spade-red")
    assert ask(stocked, count=20) == ask(stocked, count=20)
