from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.engine.answer import Query
from recommender.engine.given_history import GivenEvent
from recommender.engine.search import SearchAnswer, SearchQuery, search
from recommender.models import Space
from recommender.retrieval import filters, vocabulary
from recommender.spaces import lifecycle
from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def counted(stocked: Shop) -> Shop:
    """The goods with their vectors, and their words counted."""
    vocabulary.count(stocked.catalog)
    stocked.catalog.refresh_from_db()
    return stocked


def look(
    shop: Shop,
    text: str,
    *,
    count: int = 6,
    picture: str | None = None,
    products: Sequence[GivenEvent] = (),
    **given: object,
) -> SearchAnswer:
    query = Query(count=count, exclude=frozenset(), **given)  # type: ignore[arg-type]
    asked = SearchQuery(text=text, query=query, picture=picture, products=products)
    return search(shop.catalog, asked)


def ids(found: SearchAnswer) -> list[str]:
    return [item.id for item in found.answer.items]


def test_words_and_meaning_find_together(counted):
    found = look(counted, "red puzzles")
    assert ids(found)[0] == "puzzle-red"
    assert found.answer.items[0].contributions.keys() == {"words", "text"}
    assert found.answer.spaces == ("text@1",)
    assert (found.has_all, found.answer.degraded, found.answer.complete) == (True, {}, True)
    for item in found.answer.items:
        assert item.score == pytest.approx(sum(item.contributions.values()))


def test_what_is_found_by_its_id_is_first(counted):
    found = look(counted, "MUG-BLUE")
    assert ids(found)[0] == "mug-blue"
    assert found.answer.items[0].source == "id"


def test_what_seems_misspelt_is_searched_for_as_it_is_meant(counted):
    assert ids(look(counted, "blue lmap"))[0] == "lamp-blue"


def test_where_no_product_has_all_words_some_are_enough(counted):
    found = look(counted, "red xylophone")
    assert not found.has_all
    assert "puzzle-red" in ids(found)


def test_a_filter_and_what_is_sold_out_are_minded_by_every_list(counted):
    counted.catalog.products.filter(external_id="puzzle-red").update(in_stock=False)
    cheap = filters.parse({"price": {"lte": 15}}, goods.DECLARED)
    found = look(counted, "red puzzle", filter=cheap)
    assert set(ids(found)) <= {
        f"{kind}-{colour}" for kind in goods.KINDS for colour in ("red", "green")
    }
    assert "puzzle-red" not in ids(found)


def test_fields_come_along(counted):
    found = look(counted, "red puzzle", fields=("title", "attributes.grams"))
    assert found.answer.items[0].fields == {"title": "Red puzzle", "attributes.grams": 100}


def test_nothing_found_is_what_is_popular_and_says_so(shop):
    shop.stock(a="Lamp", b="Mug")
    found = look(shop, "xylophone")
    assert set(ids(found)) == {"a", "b"}
    assert found.answer.fallback in ("popular", "newest")


def test_a_model_that_cannot_be_asked_costs_its_own_list_and_is_told(counted):
    Space.objects.filter(catalog=counted.catalog).update(model="qwen3-vl-embedding")
    found = look(counted, "red puzzle")
    assert ids(found)[0] == "puzzle-red"
    assert found.answer.spaces == ()
    assert found.answer.degraded == {"text": "misconfigured"}


def test_of_equal_products_the_user_finds_theirs_first(counted):
    counted.visit("u1", "mug-red", "spade-red", "mug-green")
    plain = search(counted.catalog, SearchQuery(text="yellow", query=Query(count=24)))
    asked = SearchQuery(
        text="yellow", query=Query(count=24, exclude=frozenset()), user="u1", personal=1.0
    )
    found = search(counted.catalog, asked)
    order = ids(found)
    assert set(order) == set(ids(plain))
    assert order.index("mug-yellow") < order.index("puzzle-yellow")
    assert "personal" in found.answer.items[0].contributions


def test_a_user_whom_nobody_knows_is_told(counted):
    query = Query(count=3, exclude=frozenset())
    found = search(
        counted.catalog, SearchQuery(text="mug", query=query, user="nobody", personal=1.0)
    )
    assert found.answer.missing_ids == ("nobody",)
    assert len(found.answer.items) == 3


def test_a_search_takes_few_statements(counted):
    look(counted, "red puzzle")
    with CaptureQueriesContext(connection) as queries:
        look(counted, "blue lamp", fields=("title",))
    asked = [query["sql"] for query in queries if "SELECT" in query["sql"]]
    # Words, products by words, by id, by what was chosen, the spaces, the nearest in one, fields.
    assert len([one for one in asked if "set_config" not in one]) == 4, asked


# ------------------------------------------------------------------- pictures and products


@pytest.fixture
def pictured(counted):
    """A space of pictures, in which each product is where its picture is."""
    counted.put(
        *(
            product | {"image_urls": [f"https://shop.example/{product['id']}.jpg"]}
            for product in goods.goods()
        )
    )
    space = lifecycle.create_space(
        counted.catalog, model="fake", name="looks", kind=Space.Kind.IMAGE, dimension=64
    )
    counted.embed(space)
    counted.embed()
    return counted


def test_a_picture_finds_the_products_that_look_like_it(pictured):
    found = look(pictured, "", picture="https://shop.example/lamp-blue.jpg", count=3)
    assert ids(found)[0] == "lamp-blue"
    assert "picture:looks" in found.answer.items[0].contributions
    assert found.answer.spaces == ("looks@1", "text@1")
    assert (found.has_all, list(found.words)) == (False, [])


def test_a_picture_and_a_text_find_together(pictured):
    found = look(pictured, "puzzle", picture="https://shop.example/lamp-blue.jpg", count=24)
    assert {"lamp-blue", "puzzle-red"} <= set(ids(found)[:7])


def test_products_find_what_is_like_them_and_not_like_others(counted):
    given = [GivenEvent(product="mug-red"), GivenEvent(product="mug-blue"),
             GivenEvent(product="gone")]  # fmt: skip
    found = look(counted, "", products=given, count=4)
    assert set(ids(found)) == {"mug-green", "mug-white", "mug-black", "mug-yellow"}
    assert found.answer.missing_ids == ("gone",)
    unlike = [*given, GivenEvent(product="mug-white", weight=-1.0)]
    scores = {i.id: i.score for i in look(counted, "", products=unlike, count=20).answer.items}
    assert scores["mug-green"] > scores.get("lamp-white", 0)
    assert "mug-white" not in scores


def test_without_a_space_that_reads_pictures_the_answer_says_so(counted):
    Space.objects.filter(catalog=counted.catalog).update(model="wordllama-256")
    found = look(counted, "mug", picture="https://shop.example/lamp-blue.jpg")
    assert found.answer.degraded["picture"] == "no_space"
