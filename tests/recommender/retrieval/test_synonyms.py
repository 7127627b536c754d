import pytest

from recommender.models import Synonyms
from recommender.retrieval import synonyms, text_search, vocabulary
from tests.shop import Shop


@pytest.fixture
def counted(shelved: Shop) -> Shop:
    """The goods, their words counted, and nothing remembered of earlier tests."""
    vocabulary.count(shelved.catalog)
    shelved.catalog.refresh_from_db()
    synonyms.forget()
    return shelved


def write(shop: Shop, *words: str, meaning: tuple[str, ...] = ()) -> None:
    Synonyms.objects.create(catalog=shop.catalog, words=words, meaning=meaning)
    synonyms.forget()


def applied(shop: Shop, text: str) -> dict[str, list[str]]:
    """By word of a query, what else it stands for."""
    words = synonyms.applied(shop.catalog, vocabulary.look_up(shop.catalog, text))
    return {word.typed: [text for text, _ in word.synonyms] for word in words if word.synonyms}


def found(shop: Shop, text: str) -> list[str]:
    words = synonyms.applied(shop.catalog, vocabulary.look_up(shop.catalog, text))
    return [
        match.external_id for match in text_search.by_words(shop.catalog, words, limit=24).fetch()
    ]


def test_words_stand_for_one_another_in_any_form(counted):
    write(counted, "beaker", "mug", "tumbler")
    assert applied(counted, "red beakers") == {"beakers": ["mug", "tumbler"]}
    assert applied(counted, "mugs") == {"mugs": ["beaker", "tumbler"]}
    assert found(counted, "red beakers")[0] == "mug-red"


def test_a_word_with_a_meaning_stands_for_it_and_not_the_other_way_round(counted):
    write(counted, "tableware", "crockery", meaning=("mug",))
    assert applied(counted, "crockery") == {"crockery": ["mug"]}
    assert applied(counted, "mug") == {}


def test_a_phrase_is_known_by_its_words_in_a_row(counted):
    write(counted, "night light", "reading lamp", meaning=("lamp",))
    assert applied(counted, "blue night lights") == {"night": ["lamp"], "lights": ["lamp"]}
    assert found(counted, "blue night lights")[0] == "lamp-blue"
    assert applied(counted, "light blue night") == {}


def test_a_phrase_may_be_meant(counted):
    write(counted, "bulb", meaning=("blue lamp",))
    assert found(counted, "bulb") == ["lamp-blue"]


def test_what_has_the_word_itself_comes_before_what_has_its_synonym(counted):
    counted.put(
        {
            "id": "beaker-red",
            "title": "Red beaker",
            "category": "Home/Kitchen/Beakers",
            "brand": "Beaker Works",
            "description": "A beaker like every other beaker, but red.",
            "attributes": {"colour": "red", "grams": 1, "tags": ["beaker"]},
        }
    )
    vocabulary.count(counted.catalog)
    write(counted, "beaker", "mug")
    assert found(counted, "red beaker")[:2] == ["beaker-red", "mug-red"]
    assert found(counted, "red mug")[:2] == ["mug-red", "beaker-red"]


def test_a_word_with_a_synonym_is_no_misspelling(counted):
    assert [word.meant for word in vocabulary.look_up(counted.catalog, "lamb")] == ["lamp"]
    write(counted, "lamb", meaning=("puzzle",))
    (word,) = synonyms.applied(counted.catalog, vocabulary.look_up(counted.catalog, "lamb"))
    assert (word.meant, len(word.terms)) == ("", 1)
    assert set(found(counted, "lamb")) == set(found(counted, "puzzle"))


def test_a_misspelt_word_has_the_synonyms_of_the_one_that_is_meant(counted):
    write(counted, "puzzle", "jigsaw")
    assert applied(counted, "puzle") == {"puzle": ["jigsaw"]}


def test_stop_words_and_other_catalogs_words_stand_for_nothing(counted):
    write(counted, "the", "of")
    write(Shop.open("elsewhere"), "mug", "lamp")
    assert applied(counted, "the mug of") == {}


def test_synonyms_are_remembered(counted, django_assert_num_queries):
    write(counted, "beaker", "mug")
    words = vocabulary.look_up(counted.catalog, "beaker")
    synonyms.applied(counted.catalog, words)
    with django_assert_num_queries(0):
        assert synonyms.applied(counted.catalog, words)[0].synonyms
