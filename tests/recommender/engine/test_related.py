import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from recommender import database
from recommender.engine.answer import Answer, Query, UnknownProductError
from recommender.engine.related import similar
from recommender.history import popularity
from recommender.models import Space
from recommender.retrieval import filters
from recommender.spaces import lifecycle, partitions
from tests.recommender import goods
from tests.shop import Shop
from tests.threads import overtaken

MUGS = {f"mug-{colour}" for colour in goods.COLOURS}


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


def parsed(document):
    return filters.parse(document, goods.DECLARED)


def forget_vector(shop: Shop, key: str) -> None:
    vectors = partitions.product_vectors(shop.space.pk)
    statement = sql.SQL("DELETE FROM {} WHERE product_id = %s").format(vectors)
    assert database.execute(statement, (shop.product(key).pk,)) == 1


def test_the_product_itself_is_never_among_its_similar_ones(stocked):
    for key in sorted(MUGS):
        answer = similar(stocked.catalog, key, Query(count=5))
        assert set(ids(answer)) == MUGS - {key}
        assert (answer.complete, answer.reason, answer.fallback) == (True, None, None)
        assert answer.spaces == ("text@1",)


def test_the_score_is_the_cosine(stocked):
    stocked.stock(**{"mug-twin": "A twin"})
    stocked.put({**goods.goods()[0], "id": "mug-twin"})
    stocked.embed()
    twin = similar(stocked.catalog, "mug-red", Query(count=1)).items[0]
    assert (twin.id, twin.because) == ("mug-twin", ("mug-red",))
    assert twin.score == pytest.approx(1.0, abs=1e-3)
    assert twin.contributions == {"text": twin.score}


def test_one_statement_answers_and_never_from_a_space_that_no_longer_serves(stocked):
    first = similar(stocked.catalog, "mug-red", Query(count=5))
    with CaptureQueriesContext(connection) as captured:
        assert similar(stocked.catalog, "mug-red", Query(count=5)) == first
    assert sum("recommender_product" in query["sql"] for query in captured) == 1

    space = Space.objects.filter(pk=stocked.space.pk)
    space.update(status=Space.Status.STANDBY)
    assert similar(stocked.catalog, "mug-red", Query(count=5)).fallback is not None
    space.update(status=Space.Status.ACTIVE)
    assert similar(stocked.catalog, "mug-red", Query(count=5)) == first

    forget_vector(stocked, "mug-red")
    assert similar(stocked.catalog, "mug-red", Query(count=5)).fallback is not None


@pytest.mark.parametrize("key", ["nothing", "", "MUG-RED", "mug-red ", "' OR 1=1 --", "%"])
def test_an_unknown_product_is_an_error(stocked, key):
    with pytest.raises(UnknownProductError):
        similar(stocked.catalog, key, Query(count=5))


def test_a_deleted_product_is_unknown_but_one_sold_out_is_not(stocked):
    mugs = stocked.catalog.products.filter(external_id="mug-red")
    mugs.update(in_stock=False)
    assert set(ids(similar(stocked.catalog, "mug-red", Query(count=5)))) == MUGS - {"mug-red"}
    mugs.update(deleted_at="2025-01-01T00:00Z")
    with pytest.raises(UnknownProductError):
        similar(stocked.catalog, "mug-red", Query(count=5))


def test_a_product_of_another_catalog_is_unknown_and_never_listed(stocked):
    elsewhere = Shop.open("elsewhere")
    elsewhere.stock(**{f"foreign-{n}": "Red mug" for n in range(5)})
    elsewhere.embed()
    with pytest.raises(UnknownProductError):
        similar(elsewhere.catalog, "mug-red", Query(count=5))
    assert len(ids(similar(elsewhere.catalog, "foreign-0", Query(count=50)))) == 4
    assert len(ids(similar(stocked.catalog, "mug-red", Query(count=50)))) == 23


def test_a_filter_is_kept_to(stocked):
    cheap = Query(count=5, filter=parsed({"price": {"lt": 15}}))
    assert set(ids(similar(stocked.catalog, "mug-red", cheap))) == {
        "lamp-red", "spade-red", "puzzle-red",
    }  # fmt: skip


def test_a_product_without_a_vector_falls_back_to_its_category(stocked):
    stocked.stock(fresh="A fresh thing")
    stocked.put({"id": "fresh", "title": "A fresh mug", "category": goods.KINDS["mug"]})
    stocked.visit("a", "mug-blue", "lamp-red")
    stocked.visit("b", "mug-blue")
    popularity.refresh(stocked.catalog)
    answer = similar(stocked.catalog, "fresh", Query(count=8))
    assert answer.fallback == "popular"
    assert answer.spaces == ()
    assert ids(answer)[0] == "mug-blue"
    assert set(ids(answer)[:6]) == MUGS
    assert ids(answer)[6] == "lamp-red"
    assert "fresh" not in ids(answer)
    only = similar(stocked.catalog, "fresh", Query(count=8, filter=parsed({"brand": "Lamp Works"})))
    assert ids(only)[0] == "lamp-red"
    assert len(ids(only)) == 6


def test_a_product_without_category_or_vector_falls_back_to_all(stocked):
    stocked.stock(fresh="A fresh thing")
    answer = similar(stocked.catalog, "fresh", Query(count=100))
    assert (answer.fallback, len(answer.items)) == ("newest", 24)
    assert answer.reason == "25 products in stock, 1 of them excluded"


def test_a_product_whose_kind_has_no_vector_yet_falls_back(shop):
    shop.stock(a="Red mug")
    shop.embed()
    shop.stock(b="Blue mug", c="Green mug")
    answer = similar(shop.catalog, "a", Query(count=2))
    assert set(ids(answer)) == {"b", "c"}
    assert (answer.fallback, answer.complete) == ("newest", True)


def test_a_short_list_says_what_is_missing(stocked):
    for key in ("mug-blue", "mug-green"):
        forget_vector(stocked, key)
    mugs = Query(count=5, filter=parsed({"brand": "Mug Works"}))
    answer = similar(stocked.catalog, "mug-red", mugs)
    assert len(answer.items) == 3
    assert not answer.complete
    assert answer.reason == ("filter matches 6 products, 1 of them excluded, 2 without a vector")


def test_a_catalog_without_a_space_falls_back(stocked):
    lifecycle.delete_space(stocked.space)
    answer = similar(stocked.catalog, "mug-red", Query(count=3))
    assert answer.fallback == "newest"
    assert {key.split("-")[0] for key in ids(answer)} == {"mug"}


def test_the_only_product_has_no_similar_ones(shop):
    shop.stock(alone="Red mug")
    shop.embed()
    answer = similar(shop.catalog, "alone", Query(count=3))
    assert (answer.items, answer.complete) == ((), False)
    assert answer.reason == "1 product in stock, 1 of them excluded"


def test_an_answer_takes_two_statements(committed_shop):
    stocked = goods.stock(committed_shop)
    similar(stocked.catalog, "mug-red", Query(count=5))
    with CaptureQueriesContext(connection) as captured:
        answer = similar(stocked.catalog, "mug-blue", Query(count=5))
    assert len(answer.items) == 5
    assert len(captured) <= 2


def test_the_fields_asked_for_are_carried(stocked):
    answer = similar(stocked.catalog, "mug-red", Query(count=2, fields=("title", "colour")))
    for item in answer.items:
        colour = item.id.split("-")[1]
        assert item.fields == {"title": f"{colour.capitalize()} mug", "colour": colour}


def test_a_space_retired_under_the_request_is_asked_no_more(committed_shop):
    """The request has found the space that serves; before it searches it, that one is gone."""
    stocked = goods.stock(committed_shop)
    first, second = stocked.space, goods.by_colour(stocked)
    before = similar(stocked.catalog, "mug-red", Query(count=3))

    answer = overtaken(
        lambda: similar(stocked.catalog, "mug-red", Query(count=3)),
        holding=lambda: goods.replace(first, second),
    )

    assert (before.spaces, answer.spaces) == (("text@1",), ("text@2",))
    assert set(ids(before)) < MUGS
    assert set(ids(answer)) == {"lamp-red", "spade-red", "puzzle-red"}
    assert not partitions.size(first.pk)
