"""Live answers from all that training makes: spaces of behaviour, neighbours, a learnt rank."""

from datetime import datetime

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from recommender import database
from recommender.behaviour.fold_in import FoldIn
from recommender.engine import fusion
from recommender.engine.answer import Answer, Query
from recommender.engine.candidates import Cause
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.recommend import recommend
from recommender.engine.stored import find_user
from recommender.history import popularity
from recommender.models import Mode, Product, ProductNeighbor, Ranker, Space, TrainingRun
from recommender.profiles import builder
from recommender.ranking import logistic
from recommender.ranking.features import Examples, sample
from recommender.spaces import lifecycle, trained
from tests.recommender import goods
from tests.recommender.ranking.tables import table_of
from tests.shop import DAY, NOON, Shop, event

RED = [f"{kind}-red" for kind in goods.KINDS]
BLUE = [f"{kind}-blue" for kind in goods.KINDS]


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


def ask(shop: Shop, user: str = "u1", count: int = 5, **more) -> Answer:
    answer = recommend(shop.catalog, user, Query(count=count, **more))
    assert len(set(ids(answer))) == len(answer.items)
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)
    for item in answer.items:
        assert sum(item.contributions.values()) == pytest.approx(item.score, abs=1e-6)
        assert item.source in item.contributions
    return answer


def learn_colours(shop: Shop, name: str = "svd", until: datetime = NOON + 9 * DAY) -> Space:
    """A behaviour space in which products of one colour are alike."""
    products = [shop.product(f"{kind}-{c}") for kind in goods.KINDS for c in goods.COLOURS]
    colours = [goods.COLOURS.index(product.external_id.split("-")[1]) for product in products]
    return trained.store(
        shop.catalog,
        name,
        model="truncated-svd",
        metric=Space.Metric.COSINE,
        ids=np.array([product.pk for product in products]),
        vectors=np.eye(len(goods.COLOURS), dtype=np.float32)[colours],
        fold_in=FoldIn().to_bytes(),
        trained_until=until,
        prediction=None,
    )


def link(shop: Shop, product: str, *others: str, until: datetime = NOON + 9 * DAY) -> None:
    """What goes together with a product, the first most, as a training leaves it."""
    TrainingRun.objects.create(
        catalog=shop.catalog, status=TrainingRun.Status.DONE, trained_until=until
    )
    ProductNeighbor.objects.create(
        catalog=shop.catalog,
        product=shop.product(product),
        kind=ProductNeighbor.Kind.TOGETHER,
        products=[shop.product(other).pk for other in others],
        scores=[1.0 / (place + 1) for place in range(len(others))],
    )


def prefer_dear(shop: Shop, mode: str = Mode.NEW, until: datetime = NOON + 9 * DAY) -> None:
    """A learnt rank that puts what is dear before what is cheap."""
    size, requests = 20, 60
    random = np.random.default_rng(0)
    price = random.normal(size=size * requests).astype(np.float32)
    candidates = table_of([size] * requests, features={"product:price": price})
    learnt = logistic.fit(sample([Examples(candidates, (price > 1).astype(np.int8))]))
    Ranker.objects.create(
        catalog=shop.catalog,
        mode=mode,
        kind=learnt.kind,
        model=learnt.to_bytes(),
        is_active=True,
        trained_until=until,
    )


# ------------------------------------------------------------------------ what has a say


def test_all_active_spaces_have_a_say(stocked):
    learn_colours(stocked)
    stocked.visit("u1", "mug-red")
    answer = ask(stocked, count=8)
    assert answer.spaces == ("svd@1", "text@1")
    assert {"lamp-red", "spade-red", "puzzle-red"} < set(ids(answer))
    by_id = {item.id: item for item in answer.items}
    assert by_id["lamp-red"].contributions["behaviour"] > 0
    assert by_id["lamp-red"].because == ("mug-red",)


def test_what_goes_together_with_the_users_own_products_is_proposed(stocked):
    stocked.visit("u1", "mug-red", "mug-blue")
    link(stocked, "mug-blue", "spade-white", "puzzle-white")
    by_id = {item.id: item for item in ask(stocked, count=20).items}
    spade, puzzle = by_id["spade-white"], by_id["puzzle-white"]
    assert spade.contributions["together"] > puzzle.contributions["together"] > 0
    assert spade.because[0] == "mug-blue"


def test_an_item_says_which_interest_it_is_near(stocked):
    stocked.visit("u1", "mug-red", "mug-blue", "lamp-green", "lamp-white")
    interests = {item.id: item.interest for item in ask(stocked, count=6).items}
    assert {interest.split("-")[0] for interest in interests.values()} == {"mug", "lamp"}
    for product, interest in interests.items():
        assert product.split("-")[0] == interest.split("-")[0]


def test_the_learnt_rank_of_the_kind_of_list_is_used(stocked):
    stocked.visit("u1", "mug-red")
    prefer_dear(stocked)
    new = [stocked.product(key).price for key in ids(ask(stocked, count=10))]
    assert new == sorted(new, reverse=True)
    assert ask(stocked).items[0].source == "product"
    listed = [
        stocked.product(key).price for key in ids(ask(stocked, count=10, exclude=frozenset()))
    ]
    assert listed != sorted(listed, reverse=True)


def test_what_was_had_before_is_its_own_reason_whatever_ranks_it(stocked):
    stocked.visit("u1", "mug-red")
    prefer_dear(stocked, Mode.ALL)
    items = ask(stocked, count=24, exclude=frozenset()).items
    assert {item.source for item in items} == {"product"}
    causes = {item.id: item.cause for item in items if item.cause is not None}
    assert causes == {"mug-red": Cause("mug-red", event="view")}


def test_a_rank_that_is_switched_from_ranks_no_more(stocked):
    stocked.visit("u1", "mug-red")
    before = ask(stocked)
    prefer_dear(stocked)
    assert ask(stocked) != before
    Ranker.objects.update(is_active=False)
    assert ask(stocked) == before


def test_what_the_user_turned_down_pushes_away_what_is_like_it(stocked):
    stocked.visit("u1", "mug-red", "lamp-red")
    before = ids(ask(stocked, count=20))
    stocked.post(event("u1", "lamp-white", type="dislike", at=NOON + DAY))
    after = ids(ask(stocked, count=20))
    assert "lamp-white" not in after
    lamps = [f"lamp-{colour}" for colour in ("green", "blue", "black", "yellow")]
    assert sum(map(after.index, lamps)) > sum(map(before.index, lamps))


# ------------------------------------------------------------------------ little to go by


def test_a_session_begun_after_the_training_is_folded_in(stocked):
    learn_colours(stocked, until=NOON)
    stocked.visit("anonymous", "mug-blue", at=NOON + DAY)
    answer = ask(stocked, "anonymous", count=8)
    assert set(BLUE) - {"mug-blue"} < set(ids(answer))
    assert (answer.fallback, answer.complete) == (None, True)


def test_a_product_without_any_event_is_recommended_by_its_text(stocked):
    learn_colours(stocked)
    stocked.visit("u1", "mug-red", "mug-blue")
    mug = next(product for product in goods.goods() if product["id"] == "mug-white")
    stocked.put({**mug, "id": "mug-pink", "title": "Pink mug"})
    stocked.embed()
    assert "mug-pink" in ids(ask(stocked, count=12))


def test_a_catalog_without_content_recommends_by_behaviour(stocked):
    stocked.visit("u1", "mug-red")
    learn_colours(stocked)
    lifecycle.delete_space(stocked.space)
    answer = ask(stocked, count=3)
    assert (answer.spaces, answer.fallback) == (("svd@1",), None)
    assert set(ids(answer)) == set(RED) - {"mug-red"}
    assert {item.because for item in answer.items} == {("mug-red",)}


def test_a_catalog_without_vectors_recommends_what_goes_together(stocked):
    stocked.visit("u1", "mug-red")
    link(stocked, "mug-red", "spade-white")
    lifecycle.delete_space(stocked.space)
    answer = ask(stocked, count=4)
    assert (ids(answer)[0], answer.spaces, answer.fallback) == ("spade-white", (), None)
    assert len(answer.items) == 4


def test_ten_events_make_a_full_list_for_everybody(stocked):
    for place, user in enumerate(("a", "b", "a", "b", "c")):
        stocked.visit(user, f"mug-{goods.COLOURS[place]}", RED[place % 4], at=NOON + place * DAY)
    popularity.refresh(stocked.catalog)
    for user in ("a", "b", "c", "nobody"):
        answer = ask(stocked, user, count=12)
        assert (len(answer.items), answer.complete) == (12, True)


def test_an_old_favourite_is_listed_again_where_that_is_asked_for(stocked):
    stocked.visit("u1", "mug-red", "mug-red", "spade-blue")
    answer = ask(stocked, exclude=frozenset())
    assert {"mug-red", "spade-blue"} < set(ids(answer))
    (favourite,) = [item for item in answer.items if item.id == "mug-red"]
    assert favourite.contributions["repeat"] > 0


def test_where_most_is_sold_out_the_list_is_full_of_what_is_not(stocked):
    many = {f"mug-{number}": f"Red mug {number}" for number in range(150)}
    stocked.stock(**many)
    stocked.embed()
    stocked.visit("u1", "mug-red")
    Product.objects.filter(external_id__in=many).exclude(external_id="mug-149").update(
        in_stock=False
    )
    answer = ask(stocked, count=4)
    assert (answer.complete, answer.fallback) == (True, None)
    assert {key.split("-")[0] for key in ids(answer)} == {"mug"}


# ------------------------------------------------------------------------ time


def test_as_of_a_time_nothing_that_was_learnt_later_counts(stocked):
    stocked.visit("u1", "mug-red")
    content = ask(stocked, count=6, before=NOON + DAY)
    learn_colours(stocked, until=NOON + 2 * DAY)
    link(stocked, "mug-red", "spade-white", until=NOON + 2 * DAY)
    prefer_dear(stocked, until=NOON + 2 * DAY)
    assert ask(stocked, count=6, before=NOON + DAY) == content
    now = ask(stocked, count=6, before=NOON + 2 * DAY)
    assert now.spaces == ("svd@1", "text@1")
    assert now.items[0].source == "product"


def test_popularity_is_counted_anew_when_it_is_refreshed(stocked):
    stocked.visit("u1", "mug-red")
    for user in ("x", "y", "z"):
        stocked.visit(user, "puzzle-white")
    popularity.refresh(stocked.catalog)
    assert _popular(stocked) == {"puzzle-white", "mug-red"}
    stocked.visit("x", "spade-white")
    assert "spade-white" not in _popular(stocked)
    popularity.refresh(stocked.catalog)
    assert "spade-white" in _popular(stocked)


def _popular(shop: Shop) -> set[str]:
    items = ask(shop, count=24, exclude=frozenset()).items
    return {item.id for item in items if "popular" in item.contributions}


# ------------------------------------------------------------------------ numbers and costs


def test_every_candidate_is_compared_with_every_vector(stocked):
    space = learn_colours(stocked)
    stocked.visit("u1", "mug-red", "lamp-blue")
    query = Query(count=20)
    user = find_user(stocked.catalog, "u1", query)
    store = PostgresStore(catalog=stocked.catalog, user=user, query=query)
    table = Pipeline(store, 20).candidates(store.context()).table
    rows = {row.kind: row for row in builder.build(space, [user.pk])[user.pk]}
    own = {product.pk: product for product in Product.objects.all()}
    for name in ("short_term", "last", "long_term"):
        colours = [
            goods.COLOURS.index(own[key].external_id.split("-")[1]) for key in table.products
        ]
        expected = rows[name].vector[colours]
        assert table[f"behaviour:svd:{name}"] == pytest.approx(expected, abs=1e-3)


def test_more_spaces_take_no_more_statements(committed_shop):
    stocked = goods.stock(committed_shop)
    learn_colours(stocked)
    stocked.visit("x", "puzzle-red")
    popularity.refresh(stocked.catalog)
    stocked.visit("u1", "mug-red", "lamp-red")
    prefer_dear(stocked)
    ask(stocked)  # builds the profile, reads what is popular and the rank
    with CaptureQueriesContext(connection) as captured:
        answer = ask(stocked, named=True)
    assert answer.complete
    assert len(captured) <= 3


@pytest.mark.parametrize("count", [667, 668, 900, 1000])
def test_the_longest_lists_are_answered(stocked, count):
    """PostgreSQL refuses an ef_search above 1,000, which a search for so many would ask for."""
    stocked.visit("u1", "mug-red")
    answer = ask(stocked, count=count)
    assert (len(answer.items), answer.complete) == (23, False)
    assert 0 < int(database.fetch("SELECT current_setting('hnsw.ef_search')")[0][0]) <= 1000


LISTS = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=20), max_size=6)


def fused(lists, excluded=(), limit=None) -> list[int]:
    arrays = [np.array(keys, dtype=np.int64) for keys in lists]
    return fusion.fuse(arrays, np.array(sorted(excluded), dtype=np.int64), limit).tolist()


def test_what_most_lists_propose_is_looked_at_before_the_first_of_one():
    assert fused([[1, 9], [2, 9], [3, 9]], limit=1) == [9]


def test_of_lists_of_their_own_the_first_places_are_looked_at():
    assert fused([[1, 2, 3], [4, 5, 6]], limit=4) == [1, 2, 4, 5]


def test_what_is_excluded_takes_no_place():
    assert fused([[1, 2, 3]], excluded=[1, 7], limit=2) == [2, 3]


def test_without_a_limit_all_are_looked_at():
    assert fused([[3, 1], [2]]) == [1, 2, 3]


def test_no_lists_propose_nothing():
    assert fused([]) == []
    assert fused([[], []], limit=5) == []


@given(LISTS, st.lists(st.integers(1, 30), unique=True), st.integers(1, 40))
def test_what_is_looked_at_is_proposed_distinct_and_as_much_as_there_is(lists, excluded, limit):
    proposed = fused(lists, excluded, limit)
    open_to = {key for keys in lists for key in keys} - set(excluded)
    assert proposed == sorted(set(proposed))
    assert set(proposed) <= open_to
    assert len(proposed) == min(limit, len(open_to))
