import pytest

from recommender.engine.answer import Query
from recommender.engine.related import similar
from recommender.retrieval import filter_cache, filters
from recommender.spaces.switching import ServingSpace, serving
from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def space(stocked: Shop) -> ServingSpace:
    return serving(stocked.space)


def parsed(document):
    return filters.parse(document, goods.DECLARED)


def test_all_available_products_are_counted(stocked):
    stocked.put({"id": "mug-red", "in_stock": False}, {"id": "new"})
    stocked.catalog.products.filter(external_id="lamp-red").update(deleted_at="2025-01-01T00:00Z")
    assert filter_cache.count(stocked.catalog.pk, None) == 23
    assert filter_cache.count(stocked.catalog.pk, parsed({"brand": "Mug Works"})) == 5
    assert filter_cache.count(stocked.catalog.pk, parsed({"brand": "nobody's"})) == 0


@pytest.mark.parametrize(("limit", "few"), [(5, False), (6, True), (7, True)])
def test_so_many_as_the_limit_are_few(space, settings, limit, few):
    settings.EXACT_LIMIT = limit
    passing = filter_cache.find(space, parsed({"brand": "Mug Works"}))
    assert passing.few is few
    assert passing.number == min(6, limit + 1)


def test_a_product_without_a_vector_does_not_pass(stocked, space):
    stocked.put({"id": "unread", "title": "Grey mug", "brand": "Mug Works"})
    assert filter_cache.find(space, parsed({"brand": "Mug Works"})).number == 6


def test_what_was_found_is_remembered_until_asked_anew(stocked, space):
    mugs = parsed({"brand": "Mug Works"})
    first = filter_cache.find(space, mugs)
    stocked.catalog.products.filter(external_id="mug-red").update(in_stock=False)
    assert filter_cache.find(space, parsed({"brand": "Mug Works"})) is first
    assert filter_cache.find(space, mugs, anew=True).number == 5
    assert filter_cache.find(space, mugs).number == 5


def test_no_filter_takes_the_place_of_another(space):
    assert filter_cache.find(space, parsed({"brand": "Mug Works"})).number == 6
    assert filter_cache.find(space, parsed({"brand": "nobody's"})).number == 0
    assert filter_cache.find(space, parsed({"fragile": True})).number == 12


def test_what_changes_after_a_filter_was_remembered_is_seen_at_once(committed_shop):
    shop = committed_shop
    shop.stock(**{f"p{n}": f"mug number {n}" for n in range(5)})
    shop.embed()
    unbranded = Query(count=10, filter=filters.parse({"brand": ""}, {}))

    def neighbours() -> set[str]:
        return {item.id for item in similar(shop.catalog, "p0", unbranded).items}

    assert neighbours() == {"p1", "p2", "p3", "p4"}
    shop.put({"id": "p1", "title": "mug number 1", "in_stock": False})
    shop.put({"id": "p2", "title": "mug number 2", "brand": "Acme"})
    assert neighbours() == {"p3", "p4"}
    shop.put({"id": "p1", "title": "mug number 1", "in_stock": True})
    assert neighbours() == {"p1", "p3", "p4"}
    shop.stock(p5="mug number 5", p3="another mug altogether")
    assert neighbours() == {"p1", "p3", "p4"}
    shop.embed()
    assert neighbours() == {"p1", "p3", "p4", "p5"}
