import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.catalog import attributes
from recommender.history import popularity
from recommender.models import Product
from recommender.retrieval import filters, text_search, vocabulary
from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def counted(shelved: Shop) -> Shop:
    """The goods, and their words counted."""
    vocabulary.count(shelved.catalog)
    shelved.catalog.refresh_from_db()
    return shelved


def found(shop: Shop, text: str, document: object = None, limit: int = 50) -> list[str]:
    """The products that have the words of a text, the best first."""
    words = vocabulary.look_up(shop.catalog, text)
    given = filters.parse(document, goods.DECLARED) if document else None
    matches = text_search.by_words(shop.catalog, words, limit=limit, filter=given).fetch()
    return [match.external_id for match in matches]


def test_who_has_all_of_the_words_comes_first(counted):
    assert found(counted, "red puzzle")[0] == "puzzle-red"
    assert found(counted, "blue spades")[0] == "spade-blue"
    words = vocabulary.look_up(counted.catalog, "red puzzle")
    matches = text_search.by_words(counted.catalog, words, limit=50).fetch()
    assert [match.external_id for match in matches if match.has_all] == ["puzzle-red"]


def test_a_word_in_the_title_counts_more_than_one_in_the_text(shop):
    shop.put(
        {"id": "text", "title": "Lamp", "description": "It lights a whole piano."},
        {"id": "title", "title": "Piano", "description": "It needs a lamp and light."},
        {"id": "brand", "title": "Stool", "brand": "Piano & Sons"},
    )
    assert found(shop, "piano") == ["title", "brand", "text"]


def test_brands_categories_and_attributes_are_searched_too(counted):
    assert set(found(counted, "Toys")) == {f"puzzle-{colour}" for colour in goods.COLOURS}
    assert "lamp-red" in found(counted, "Lamp Works")
    assert set(found(counted, "gift")) == {
        f"{kind}-{colour}" for kind in goods.KINDS for colour in goods.COLOURS[1::2]
    }


def test_what_is_sold_out_or_gone_is_not_found(counted):
    Product.objects.filter(external_id="puzzle-red").update(in_stock=False)
    assert "puzzle-red" not in found(counted, "red puzzle")


def test_a_filter_leaves_out_what_does_not_pass(counted):
    assert found(counted, "puzzle", {"price": {"lte": 15}}) == ["puzzle-red", "puzzle-green"]


def test_a_change_of_a_product_shows_in_the_next_search(counted):
    counted.put({"id": "puzzle-red", "title": "Xylophone"})
    assert found(counted, "xylophone") == ["puzzle-red"]
    assert "puzzle-red" not in found(counted, "puzzle")
    Product.objects.filter(external_id="puzzle-red").update(title="Theremin")
    assert found(counted, "theremin") == ["puzzle-red"], "whoever writes it"


def test_a_change_of_a_price_writes_no_lexemes(counted):
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, count(*) FROM recommender_searchdocument GROUP BY 1")
        before = cursor.fetchall()
        Product.objects.update(price=1)
        cursor.execute("SELECT xmin::text, count(*) FROM recommender_searchdocument GROUP BY 1")
        assert cursor.fetchall() == before


def test_of_common_words_few_of_many_are_scored_and_of_rare_ones_all(shop, monkeypatch):
    monkeypatch.setattr(text_search, "_MOST_SCORED", 20)
    shop.stock(**{f"p{n}": f"Common thing{' rare' if n % 50 == 0 else ''}" for n in range(300)})
    shop.visit("u1", *(f"p{n}" for n in range(290, 300)))
    popularity.refresh(shop.catalog)
    vocabulary.count(shop.catalog)
    shop.catalog.refresh_from_db()
    assert set(found(shop, "common rare")) == {f"p{n}" for n in range(0, 300, 50)}
    common = found(shop, "common thing", limit=300)
    # Which others are among the twenty is PostgreSQL's choice; some may be popular ones, too.
    assert 20 <= len(common) == len(set(common)) <= 30
    assert {f"p{n}" for n in range(290, 300)} < set(common), "the popular ones"
    assert len(found(shop, "common thing", limit=7)) == 7


@pytest.mark.parametrize(
    "text", ["'", "\\", "a' | 'b", "!(a)", "a:*", "<->", "\x01", "🫖", "'; --"]
)
def test_no_text_is_taken_for_a_query_language(counted, text):
    assert isinstance(found(counted, text), list)


def test_the_words_cost_one_statement_and_the_products_another(counted):
    with CaptureQueriesContext(connection) as queries:
        found(counted, "red puzzle lmap")
    assert len(queries) == 2


def test_a_product_is_found_by_its_id_in_any_case(counted):
    def ids(text: str) -> list[str]:
        return [name for _, name in text_search.by_id(counted.catalog, text, limit=5).fetch()]

    assert ids("mug-red") == ids(" MUG-Red ".lower()) == ids("mug-red ") == ["mug-red"]
    assert ids("mug") == ids("") == ids("x" * 300) == []


def test_a_product_is_found_by_its_gtin_or_sku(shop):
    attributes.declare(shop.catalog, {"gtin": "string", "SKU": "string", "colour": "string"})
    shop.put(
        {"id": "a", "title": "A", "attributes": {"gtin": "4006381333931", "colour": "red"}},
        {"id": "b", "title": "B", "attributes": {"SKU": "AB-1"}},
    )
    shop.catalog.refresh_from_db()

    def ids(text: str) -> list[str]:
        return [name for _, name in text_search.by_id(shop.catalog, text, limit=5).fetch()]

    assert (ids("4006381333931"), ids("ab-1"), ids("red")) == (["a"], ["b"], [])
