import pytest
from django.test import Client
from django.urls import reverse

from recommender.models import Catalog, SearchRedirect

from . import page

LIST = "admin:recommender_searchredirect_changelist"
ADD = "admin:recommender_searchredirect_add"


def add(client: Client, catalog: Catalog, words: str, address: str, category: str = "") -> str:
    data = {"catalog": catalog.pk, "words": words, "address": address, "category": category}
    return page.text(client.post(reverse(ADD), data, follow=True))


def test_redirects_are_written_with_commas_and_listed(
    admin_client: Client, catalog: Catalog
) -> None:
    add(admin_client, catalog, "returns, send it back", "/returns")
    add(admin_client, catalog, "cups", "", "Kitchen/Mugs")
    made = SearchRedirect.objects.order_by("pk")
    assert [(one.words, one.address, one.category) for one in made] == [
        (["returns", "send it back"], "/returns", ""),
        (["cups"], "", "Kitchen/Mugs"),
    ]
    listed = page.text(admin_client.get(reverse(LIST), {"q": "cup"}))
    assert "Kitchen/Mugs" in listed
    assert "send it back" not in listed


@pytest.mark.parametrize(
    ("words", "address", "category", "fault"),
    [
        ("", "/returns", "", "This field is required"),
        ("returns", "", "", "an address or a category"),
        ("returns", "/returns", "Kitchen", "an address or a category"),
        ("returns", "javascript:alert(1)", "", "begins with https://"),
        ("returns", "//elsewhere.example", "", "begins with https://"),
        ("returns", "/\\elsewhere.example", "", "begins with https://"),
    ],
)
def test_what_leads_nowhere_or_out_of_hand_is_refused(
    admin_client: Client, catalog: Catalog, words: str, address: str, category: str, fault: str
) -> None:
    assert fault in add(admin_client, catalog, words, address, category)
    assert not SearchRedirect.objects.exists()
