import pytest

from recommender.insight.kind import InsightError
from recommender.models import InsightRun
from tests.recommender.insight.insights import find_out
from tests.shop import Shop, numbered

COFFEE = {"title": "House blend coffee beans, 1 kg", "brand": "Tamsel", "price": 18}


def test_second_entries_are_found_with_the_one_to_keep_and_the_reason(shop: Shop) -> None:
    shop.stock(**numbered(20))
    shop.put(
        {"id": "beans", **COFFEE, "description": "Roasted in Trieste."},
        {"id": "again", **COFFEE, "title": "Coffee beans house blend 1000 g"},
        {"id": "half", **COFFEE, "title": "House blend coffee beans, 500 g"},
        {"id": "decaf", **COFFEE, "title": "House blend decaf coffee beans, 1 kg"},
    )
    shop.embed()
    run = find_out(shop, "duplicates")

    (found,) = run.findings.all()
    assert found.product_id == shop.product("again").pk
    assert found.group == "beans"
    assert found.data["reason"] == "The titles have the same words and quantities."
    assert found.data["mend"] == "Keep beans, and merge again into it."
    assert found.data["other"] == {"id": "beans", "title": COFFEE["title"]}
    assert run.summary == "Of 24 products 1 is in the catalog already."
    assert run.figures["refused"]["quantity"] >= 1


def test_one_gtin_tells_two_entries_apart_from_two_products(shop: Shop) -> None:
    shop.put(
        {"id": "a", "title": "Pencil", "attributes": {"ean": "4006381333931"}},
        {"id": "b", "title": "Stabilo pen 68", "attributes": {"gtin": "4006381333931"}},
        {"id": "c", "title": "Pencil", "attributes": {"ean": "4006381333948"}},
    )
    shop.embed()
    (found,) = find_out(shop, "duplicates").findings.all()
    assert found.data["code"] == "same_gtin"


@pytest.mark.parametrize("kind", ["duplicates", "anomalies", "measure"])
class TestBadInput:
    def test_no_vectors_are_told_before_there_is_a_run(self, shop: Shop, kind: str) -> None:
        shop.stock(a="Mug")
        with pytest.raises(InsightError, match="embed it first"):
            find_out(shop, kind)

    def test_one_product_too(self, shop: Shop, kind: str) -> None:
        shop.stock(a="Mug")
        shop.embed()
        with pytest.raises(InsightError, match="1 product has a vector"):
            find_out(shop, kind)

    def test_an_unknown_space_too(self, shop: Shop, kind: str) -> None:
        shop.stock(**numbered(3))
        shop.embed()
        with pytest.raises(InsightError, match="no active space 'texts'"):
            find_out(shop, kind, space="texts")

    def test_equal_vectors_fail_the_run_in_words(self, shop: Shop, kind: str) -> None:
        shop.stock(**{f"p{n}": "The same mug" for n in range(5)})
        shop.embed()
        run = find_out(shop, kind)
        assert run.status == InsightRun.Status.FAILED
        assert run.error.startswith("All vectors are equal")
