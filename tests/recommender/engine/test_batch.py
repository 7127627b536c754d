from datetime import timedelta
from itertools import repeat

import pytest

from recommender.engine import batch
from recommender.engine.answer import MAX_COUNT, Item, Query
from recommender.engine.batch import Recommendation, Recommender
from recommender.engine.recommend import recommend
from recommender.history import popularity
from recommender.models import Product, ProfileVector
from recommender.retrieval import filters
from tests.recommender import goods
from tests.shop import DAY, NOON, Shop, event

WORDS = ("mug", "lamp", "tent", "soap", "chair")
EVERYTHING = Query(count=10, exclude=frozenset())


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A hundred products in five groups; a visitor of each, and one with a history of all kinds."""
    shop.stock(**{f"p{n}": f"{3 * f'{WORDS[n % 5]} '} {n}" for n in range(100)})
    shop.embed()
    for place, word in enumerate(WORDS):
        shop.visit(f"{word} lover", *(f"p{place + 5 * n}" for n in range(4)), at=NOON + place * DAY)
    shop.post(
        event("omnivore", "p1", type="purchase", at=NOON - 3 * DAY),
        event("omnivore", "p2", at=NOON),
        event("omnivore", "p9", type="dislike", at=NOON + DAY),
        event("searcher", None, type="search"),
    )
    popularity.refresh(shop.catalog)
    return shop


def source(shop: Shop, query: Query) -> Recommender:
    """What serves; for a past moment, the space of now with what was known then."""
    if query.before is None:
        return batch.serving(shop.catalog, query)
    return batch.alone(shop.space, query.before)


def run(shop: Shop, query: Query, *users: str) -> dict[str, Recommendation]:
    answers = list(batch.recommend_many(source(shop, query), iter(users), query))
    assert [answer.user for answer in answers] == list(users)
    return {answer.user: answer for answer in answers}


def ids(items: tuple[Item, ...]) -> list[str]:
    return [item.id for item in items]


@pytest.mark.parametrize(
    "query",
    [
        Query(count=10),
        Query(count=3),
        Query(count=120),
        EVERYTHING,
        Query(count=10, exclude=frozenset({"purchased"})),
        Query(count=10, before=NOON + timedelta(hours=1)),
        Query(count=10, before=NOON - 30 * DAY),
        Query(count=10, filter=filters.parse({"brand": "Hearth"}, {})),
    ],
    ids=[
        "ten",
        "three",
        "more than there are",
        "seen too",
        "purchased",
        "past",
        "before",
        "filter",
    ],
)
def test_a_batch_says_what_live_answers_say(busy: Shop, query: Query) -> None:
    Product.objects.filter(external_id__in=[f"p{n}" for n in range(0, 100, 2)]).update(
        brand="Hearth"
    )
    users = [*(f"{word} lover" for word in WORDS), "omnivore", "searcher", "nobody"]

    answers = run(busy, query, *users)

    for user in users:
        listed, live = ids(answers[user].items), ids(recommend(busy.catalog, user, query).items)
        assert len(listed) == len(live)
        # Live, fewer candidates stand behind each other, and so some ranks are better ones.
        assert listed[:2] == live[:2], user
        assert len(set(listed) & set(live)) >= 0.6 * len(live)


def test_a_user_gets_products_like_those_they_looked_at_and_none_of_those(busy: Shop) -> None:
    answers = run(busy, Query(count=30), "tent lover", "nobody")

    tents = {f"p{2 + 5 * n}" for n in range(20)}
    own, anybody_s = (tents & set(ids(answer.items)) for answer in answers.values())
    assert len(own) > len(anybody_s)
    assert not own & {f"p{2 + 5 * n}" for n in range(4)}


def test_an_unknown_user_gets_what_is_popular_and_is_marked(busy: Shop) -> None:
    answers = run(busy, Query(count=5), "nobody", "searcher")

    assert (answers["nobody"].known, answers["searcher"].known) == (False, True)
    assert ids(answers["nobody"].items) == ids(answers["searcher"].items)
    assert {item.source for item in answers["nobody"].items} == {"popular"}


def test_as_of_a_time_nothing_later_counts(busy: Shop) -> None:
    past = Query(count=10, before=NOON + timedelta(hours=1))
    before = run(busy, past, "omnivore", "mug lover", "nobody")

    busy.post(
        *(event("omnivore", f"p{n}", type="purchase", at=NOON + 2 * DAY) for n in range(20, 40)),
        *(event(f"crowd{n}", "p99", type="purchase", at=NOON + 2 * DAY) for n in range(9)),
    )

    assert run(busy, past, "omnivore", "mug lover", "nobody") == before


def test_a_batch_does_not_need_stored_profiles_and_writes_none(busy: Shop) -> None:
    run(busy, Query(count=5), "tent lover")

    assert not ProfileVector.objects.exists()


def test_nothing_unavailable_is_recommended(busy: Shop) -> None:
    Product.objects.exclude(external_id__in=["p97", "p98"]).update(in_stock=False)

    assert {
        user: set(ids(answer.items))
        for user, answer in run(busy, EVERYTHING, "mug lover", "nobody").items()
    } == {"mug lover": {"p97", "p98"}, "nobody": {"p97", "p98"}}


def test_the_longest_list_is_as_long_as_the_catalog(busy: Shop) -> None:
    (everything,) = run(busy, Query(count=MAX_COUNT, exclude=frozenset()), "mug lover").values()

    assert len(set(ids(everything.items))) == len(everything.items) == 100


def test_all_users_are_each_there_once_and_only_the_catalog_s_own(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(*(event(f"user{n}", "mug") for n in range(2100)))
    other = Shop.open("other")
    other.stock(mug="Mug")
    other.visit("stranger", "mug")

    users = list(batch.all_users(shop.catalog))

    assert len(users) == 2100
    assert set(users) == {f"user{n}" for n in range(2100)}


def test_more_users_than_are_read_at_a_time_keep_their_order(busy: Shop) -> None:
    users = [f"{WORDS[n % 5]} lover" if n % 3 else f"nobody {n}" for n in range(600)]

    query = Query(count=1)

    answers = list(batch.recommend_many(source(busy, query), iter(users), query))

    assert [answer.user for answer in answers] == users
    assert [answer.known for answer in answers] == [bool(n % 3) for n in range(600)]


def test_a_batch_of_a_space_that_does_not_serve_is_of_that_space(stocked: Shop) -> None:
    second = goods.by_colour(stocked)
    stocked.visit("u1", "mug-red")
    query = Query(count=3)

    (served,) = batch.recommend_many(batch.serving(stocked.catalog, query), iter(["u1"]), query)
    (shadow,) = batch.recommend_many(batch.alone(second, None), iter(["u1"]), query)

    assert {key.split("-")[0] for key in ids(served.items)} == {"mug"}
    assert set(ids(shadow.items)) == {"lamp-red", "spade-red", "puzzle-red"}


def test_a_batch_keeps_what_it_began_with_though_another_space_serves_and_its_own_is_retired(
    stocked: Shop,
) -> None:
    stocked.visit("u1", "mug-red")
    query = Query(count=3)
    lists = batch.recommend_many(batch.serving(stocked.catalog, query), repeat("u1", 251), query)
    first = next(lists)

    goods.replace(stocked.space, goods.by_colour(stocked))

    assert all(answer.items == first.items for answer in lists)
    assert {key.split("-")[0] for key in ids(first.items)} == {"mug"}


def test_other_processes_make_the_same_lists(stocked: Shop) -> None:
    for number, product in enumerate(("mug-red", "lamp-blue", "spade-white")):
        stocked.visit(f"u{number}", product)
    query = Query(count=3)
    users = [f"u{number % 4}" for number in range(600)]
    recommender = batch.serving(stocked.catalog, query)

    alone = list(batch.recommend_many(recommender, iter(users), query))
    beside = list(batch.recommend_many(recommender, iter(users), query, processes=2))

    assert beside == alone
    assert [answer.user for answer in beside] == users
