import pytest

from recommender.catalog import catalogs
from recommender.models import SearchDocument, SearchWord
from recommender.retrieval import vocabulary
from tests.shop import Shop

GERMAN = "Die Tasse ist aus Porzellan und mit der Hand bemalt, sie darf nicht in die Maschine."


@pytest.fixture
def counted(shelved: Shop) -> Shop:
    """The goods, and their words counted."""
    vocabulary.count(shelved.catalog)
    shelved.catalog.refresh_from_db()
    return shelved


def stems(shop: Shop, text: str) -> list[list[str]]:
    """What each word of a query is searched as, the word itself first."""
    words = vocabulary.look_up(shop.catalog, text)
    return [[" ".join(term.stems) for term in word.terms] for word in words]


def meant(shop: Shop, text: str) -> str:
    return vocabulary.meant(text, vocabulary.look_up(shop.catalog, text))


def test_other_forms_of_a_word_are_the_same_word_and_stop_words_are_none(counted):
    assert stems(counted, "the Puzzles and a LAMP") == [["puzzl"], ["lamp"]]
    assert stems(counted, "with the of") == stems(counted, " ") == stems(counted, "?!") == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("puzle", "puzzle"),  # a letter left out
        ("puzzzle", "puzzle"),  # one too many
        ("pzuzle", "puzzle"),  # two swapped
        ("lmap", "lamp"),  # the same in a short word
        ("grden", "garden"),
        ("zpade", "spade"),  # the first letter
        ("red lmap, puzle", "red lamp, puzzle"),
        ("lamp", "lamp"),
        ("xylophone", "xylophone"),  # nothing is near
    ],
)
def test_a_misspelt_word_is_taken_for_the_likeliest_near_it(counted, typed, expected):
    assert meant(counted, typed) == expected


@pytest.mark.parametrize(
    ("word", "typed", "expected"),
    [
        ("get", "gift", "gift"),  # half of a word of four letters is another word
        ("get", "gett", "get"),
        ("chair", "cheir", "chair"),
        ("chair", "cheer", "cheer"),  # at two edits, of five letters
        ("puzzle", "pusle", "pusle"),  # the same, and of a longer word
        ("puzzle", "pusole", "puzzle"),  # at two edits, of six letters
        ("ax", "ab", "ab"),
        ("axe", "ab", "ab"),
    ],
)
def test_a_short_word_is_a_misspelling_of_no_word_that_is_far_from_it(shop, word, typed, expected):
    shop.stock(one=word)
    vocabulary.count(shop.catalog)
    assert meant(shop, typed) == expected


def test_a_word_that_nothing_is_near_to_stands_for_itself(counted):
    [word] = vocabulary.look_up(counted.catalog, "xylophone")
    assert ([term.stems for term in word.terms], word.products) == ([("xylophon",)], 0)


def test_the_beginning_of_a_word_stands_for_the_words_that_begin_so(counted):
    [word] = vocabulary.look_up(counted.catalog, "puz")
    assert ([term.stems for term in word.terms], word.meant) == ([("puz",), ("puzzl",)], "")


def test_a_compound_is_the_same_joined_or_in_two_words(shop):
    shop.stock(one="Teapot", two="Pot for tea", three="Tea", four="Lunch box")
    vocabulary.count(shop.catalog)
    assert stems(shop, "tea pot") == [["tea", "teapot"], ["pot", "teapot"]]
    assert stems(shop, "lunchbox") == [["lunchbox", "lunch box"]]
    assert stems(shop, "teapot") == [["teapot"]]


def test_accents_make_no_difference(shop):
    shop.stock(c="Café crème", t="Thé vert")
    vocabulary.count(shop.catalog)
    assert meant(shop, "cafe") == "cafe"
    assert vocabulary.look_up(shop.catalog, "cafe")[0].products == 1
    assert vocabulary.look_up(shop.catalog, "CRÈME")[0].products == 1


def test_the_language_is_recognised_by_stop_words_and_lexemes_follow_it(shop):
    shop.put(*({"id": f"t{n}", "title": "Tassen", "description": GERMAN} for n in range(9)))
    assert has_lexemes(shop, "mit", "bemalt")
    vocabulary.count(shop.catalog)
    shop.catalog.refresh_from_db()
    assert shop.catalog.search_language == "german"
    assert has_lexemes(shop, "bemalt")
    assert not has_lexemes(shop, "mit")


def test_a_language_that_is_set_is_not_recognised_but_taken(shop):
    shop.put(*({"id": f"t{n}", "title": "Tassen", "description": GERMAN} for n in range(9)))
    catalogs.change_catalog(shop.catalog, language="simple")
    vocabulary.count(shop.catalog)
    shop.catalog.refresh_from_db()
    assert shop.catalog.search_language == "simple"
    assert has_lexemes(shop, "tassen", "mit")


def test_titles_without_stop_words_leave_the_language_as_it_is(counted):
    assert counted.catalog.search_language == "english"


def test_words_are_counted_anew_once_products_have_changed(shelved):
    key = shelved.catalog.pk
    assert key in vocabulary.due(), "never counted"
    vocabulary.count(shelved.catalog)
    assert key not in vocabulary.due()
    SearchWord.objects.filter(catalog=key).delete()
    vocabulary.count(shelved.catalog)
    assert SearchWord.objects.get(catalog=key, word="puzzle").products == 6


def test_an_empty_catalog_has_nothing_to_count(shop):
    assert shop.catalog.pk not in vocabulary.due()
    vocabulary.count(shop.catalog)
    assert vocabulary.look_up(shop.catalog, "lamp")[0].products == 0


def test_a_catalog_takes_its_words_with_it(shelved):
    vocabulary.count(shelved.catalog)
    key = shelved.catalog.pk
    catalogs.delete_catalog(shelved.catalog)
    assert not SearchWord.objects.filter(catalog_id=key).exists()


def has_lexemes(shop: Shop, *lexemes: str) -> bool:
    """Whether every product has all of these lexemes."""
    documents = SearchDocument.objects.filter(catalog=shop.catalog)
    wanted = " & ".join(f"'{lexeme}'" for lexeme in lexemes)
    found = documents.extra(where=["lexemes @@ %s::tsquery"], params=[wanted])
    return found.count() == documents.count()
