"""Which searches lead to a place."""

import pytest

from recommender.catalog import catalogs
from recommender.models import SearchRedirect
from recommender.retrieval import redirects, vocabulary
from recommender.retrieval.redirects import Redirect
from tests.shop import Shop

RETURNS = Redirect("/returns", None)


@pytest.fixture
def led(shop: Shop) -> Shop:
    """A shop where the words for returning lead to a page, and one search to a category."""
    shop.put({"id": "mug", "title": "Stoneware mug"}, {"id": "tray", "title": "Return tray"})
    vocabulary.count(shop.catalog)
    made = SearchRedirect.objects.create
    made(catalog=shop.catalog, words=["returns", "send it back"], address="/returns")
    made(catalog=shop.catalog, words=["stoneware"], category="Kitchen")
    made(catalog=shop.catalog, words=["return"], address="/later")
    redirects.forget()
    return shop


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Returns", RETURNS),
        ("return", RETURNS),
        ("back sending", RETURNS),
        ("return tray", None),
        ("stonewear", Redirect(None, "Kitchen")),
        ("mug", None),
        ("", None),
    ],
)
def test_the_whole_search_leads_in_any_form_of_its_words_or_misspelt(
    led: Shop, text: str, place: Redirect | None
) -> None:
    assert redirects.find(led.catalog, vocabulary.look_up(led.catalog, text)) == place


def test_another_catalog_leads_nowhere(led: Shop) -> None:
    another = catalogs.create_catalog("another")
    assert redirects.find(another, vocabulary.look_up(another, "returns")) is None
