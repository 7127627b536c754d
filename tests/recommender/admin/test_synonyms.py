import pytest
from django.test import Client
from django.urls import reverse

from recommender.models import Catalog, Synonyms

from . import page

LIST, ADD = "admin:recommender_synonyms_changelist", "admin:recommender_synonyms_add"


def add(client: Client, catalog: Catalog, words: str, meaning: str = "") -> str:
    data = {"catalog": catalog.pk, "words": words, "meaning": meaning}
    return page.text(client.post(reverse(ADD), data, follow=True))


def test_synonyms_are_written_with_commas_and_listed(
    admin_client: Client, catalog: Catalog
) -> None:
    add(admin_client, catalog, "couch, sofa ,settee")
    add(admin_client, catalog, "pc", "computer, desktop computer")
    assert [(one.words, one.meaning) for one in Synonyms.objects.order_by("pk")] == [
        (["couch", "sofa", "settee"], []),
        (["pc"], ["computer", "desktop computer"]),
    ]
    listed = page.text(admin_client.get(reverse(LIST), {"q": "sof"}))
    assert "couch, sofa, settee" in listed
    assert "one another" in listed
    assert "desktop computer" not in listed


@pytest.mark.parametrize(
    ("words", "meaning", "fault"),
    [
        ("couch", "", "Write a second word"),
        ("couch, couch", "", "Write a second word"),
        ("", "sofa", "This field is required"),
        ("couch,,sofa", "", "Item 2 in the array"),
        ("a b c d e, sofa", "", "phrases of up to 4 words"),
        ("x" * 101 + ", sofa", "", "at most 100 characters"),
        (",".join(f"w{n}" for n in range(51)), "", "no more than 50"),
        ("a\x00b, sofa", "", "Null characters are not allowed"),
    ],
)
def test_what_stands_for_nothing_is_refused(
    admin_client: Client, catalog: Catalog, words: str, meaning: str, fault: str
) -> None:
    assert fault in add(admin_client, catalog, words, meaning)
    assert not Synonyms.objects.exists()
