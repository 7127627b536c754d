import pytest

from recommender.retrieval import suggestions, vocabulary
from recommender.retrieval.suggestions import Kind, Suggestion
from tests.shop import Shop


@pytest.fixture
def counted(shelved: Shop) -> Shop:
    """The goods, and their words counted."""
    vocabulary.count(shelved.catalog)
    return shelved


def suggest(shop: Shop, text: str, count: int = 8) -> list[Suggestion]:
    return suggestions.suggest(shop.catalog, text, count)


def texts(found: list[Suggestion], kind: Kind) -> list[str]:
    return [suggestion.text for suggestion in found if suggestion.kind == kind]


def test_a_beginning_becomes_words_categories_brands_and_products(counted):
    found = suggest(counted, "puz")
    assert texts(found, Kind.WORDS) == ["puzzle", "puzzles"]
    assert texts(found, Kind.CATEGORY) == ["Toys/Puzzles"]
    assert texts(found, Kind.BRAND) == ["Puzzle Works"]
    assert set(texts(found, Kind.PRODUCT)) < {
        f"{c} puzzle" for c in ("Red", "Green", "Blue", "White", "Black", "Yellow")
    }
    assert len(found) == 8
    product = next(one for one in found if one.kind == Kind.PRODUCT)
    assert product.id == f"puzzle-{product.text.split()[0].lower()}"


def test_the_words_before_stay_and_have_to_be_there(counted):
    assert texts(suggest(counted, "Red pu"), Kind.WORDS) == ["red puzzle"]
    assert texts(suggest(counted, "red pu"), Kind.PRODUCT) == ["Red puzzle"]
    assert suggest(counted, "xylophone pu") == []


def test_of_a_short_beginning_of_very_many_only_words_are_told(counted, monkeypatch):
    monkeypatch.setattr(suggestions, "_MOST_READ", 5)
    found = suggest(counted, "p")
    assert {one.kind for one in found} == {Kind.WORDS}


@pytest.mark.parametrize("text", ["", "  ", "'", "\\:*", "zzz", "a' | 'b", "é" * 200])
def test_what_begins_nothing_becomes_nothing(counted, text):
    assert [one for one in suggest(counted, text) if "zzz" in one.text] == []


def test_what_is_sold_out_is_not_suggested(counted):
    counted.catalog.products.filter(external_id="puzzle-red").update(in_stock=False)
    assert "Red puzzle" not in texts(suggest(counted, "red puz"), Kind.PRODUCT)
