import orjson
import pytest

from recommender.engine import answer
from recommender.engine.answer import UnknownFieldError
from tests.recommender import goods
from tests.shop import Shop


def test_fields_and_declared_attributes_are_known():
    names = ["title", "colour", "attributes.grams", "attributes", "title"]
    assert answer.check_fields(names, goods.DECLARED) == tuple(names[:4])
    assert answer.check_fields([], {}) == ()


@pytest.mark.parametrize(
    "name", ["", "titel", "attributes.", "attributes.titel", "id", "catalog_id"]
)
def test_an_unknown_field_is_an_error_that_lists_the_known(name):
    with pytest.raises(
        UnknownFieldError, match=r"title, description.*colour, fragile, grams, tags"
    ):
        answer.check_fields(["title", name], goods.DECLARED)


def test_the_fields_of_products_are_loaded_as_json_has_them(shelved, django_assert_num_queries):
    names = (*answer.SHOWN, "colour", "attributes.tags", "attributes.nothing")
    with django_assert_num_queries(1):
        loaded = answer.load_fields(shelved.catalog.pk, ["mug-red", "mug-green", "nothing"], names)
    assert set(loaded) == {"mug-red", "mug-green"}
    green = loaded["mug-green"]
    assert tuple(green) == names
    assert (green["title"], green["price"], green["released_at"]) == ("Green mug", 15.0, None)
    assert (green["colour"], green["attributes.tags"]) == ("green", ["mug", "gift"])
    assert green["attributes.nothing"] is None
    assert orjson.dumps(loaded)


def test_another_catalog_lends_no_fields(shelved):
    elsewhere = Shop.open("elsewhere")
    elsewhere.stock(**{"mug-red": "Another red mug"})
    assert answer.load_fields(elsewhere.catalog.pk, ["mug-red", "mug-blue"], ("title",)) == {
        "mug-red": {"title": "Another red mug"}
    }


def test_an_attribute_named_like_a_field_does_not_hide_it(shop):
    shop.put({"id": "a", "price": 1, "attributes": {"price": 2}})
    loaded = answer.load_fields(shop.catalog.pk, ["a"], ("price", "attributes.price"))
    assert loaded == {"a": {"price": 1.0, "attributes.price": 2}}


@pytest.mark.parametrize("name", ['"; DROP TABLE x; --', "%s", "%(a)s", "{0}", "日本"])
def test_a_hostile_attribute_name_is_only_a_name(shop, name):
    shop.put({"id": "a", "attributes": {name: 1}})
    assert answer.load_fields(shop.catalog.pk, ["a"], (name,)) == {"a": {name: 1}}


def test_nothing_is_asked_where_nothing_is_wanted(shelved, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert answer.load_fields(shelved.catalog.pk, ["mug-red"], ()) == {}
        assert answer.load_fields(shelved.catalog.pk, [], ("title",)) == {}
