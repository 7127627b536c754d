import pytest

from recommender.retrieval import leanings, suggestions, vocabulary
from recommender.retrieval.suggestions import Kind, Personal, Suggestion
from tests.shop import Shop, event


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


def personal(shop: Shop, user: str, weight: float = 0.5) -> Personal:
    leans = leanings.find(shop.catalog, user)
    assert leans is not None
    return Personal(leans, weight)


def test_words_categories_and_brands_to_a_users_taste_come_first(shop):
    shop.put(
        *(
            {"id": f"c{n}", "title": f"Garden chair {n}", "brand": "Gard", "category": "Chairs"}
            for n in range(5)
        ),
        *(
            {"id": f"h{n}", "title": f"Garnet ring {n}", "brand": "Garn", "category": "Garnets"}
            for n in range(2)
        ),
    )
    vocabulary.count(shop.catalog)
    shop.visit("ann", "h0", "h1")
    plain = suggestions.suggest(shop.catalog, "gar", 8)
    mine = suggestions.suggest(shop.catalog, "gar", 8, personal(shop, "ann"))
    assert texts(plain, Kind.WORDS)[:1] == ["gard"]
    assert texts(mine, Kind.WORDS)[0] in {"garn", "garnet", "garnets"}
    assert texts(plain, Kind.BRAND) == ["Gard", "Garn"]
    assert texts(mine, Kind.BRAND) == ["Garn", "Gard"]
    assert texts(mine, Kind.PRODUCT)[0].startswith("Garnet")


def test_what_a_user_turned_down_draws_nothing_to_it(shop):
    shop.put(
        {"id": "a", "title": "Garden chair", "category": "Chairs"},
        {"id": "b", "title": "Garnet ring", "category": "Rings"},
    )
    shop.post(event("ann", "b", type="rating", value=1), event("ann", "a"))
    leans = leanings.find(shop.catalog, "ann")
    assert leans is not None
    assert (leans.fit("Chairs", ""), leans.fit("Rings", "")) == (0.5, 0.0)
    assert leanings.find(shop.catalog, "nobody") is None


def test_a_user_without_a_history_changes_nothing(counted):
    counted.post(event("new", None, type="search"))
    mine = suggestions.suggest(counted.catalog, "puz", 8, personal(counted, "new", 0.5))
    assert mine == suggest(counted, "puz")
