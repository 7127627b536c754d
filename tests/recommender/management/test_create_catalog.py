from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.models import Catalog, ProductPopularity
from tests.shop import NOON, event


def create(*arguments: str) -> str:
    output = StringIO()
    call_command("create_catalog", *arguments, stdout=output)
    return output.getvalue()


def test_a_catalogue_is_made_ready_for_products(db):
    output = create("gifts", "--clock", "last_event", "--half-life", "30", "--model", "fake")
    catalog = Catalog.objects.get(name="gifts")
    assert (catalog.clock, catalog.half_life_days) == ("last_event", 30.0)
    assert [space.model for space in catalog.spaces.all()] == ["fake"]
    assert "import_products FILE --catalog gifts" in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("shop",), "already.*--update"),
        (("The Shop",), "Use lower-case letters"),
        (("other", "--model", "nothing"), "no embedding model 'nothing'"),
        (("other", "--half-life", "0"), "greater than or equal to"),
        (("other", "--update", "--clock", "now"), "no catalogue 'other'"),
        (("shop", "--update"), "give --clock or --half-life"),
        (("shop", "--update", "--model", "fake"), "leave it out"),
    ],
)
def test_what_cannot_be_says_why(shop, arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        create(*arguments)
    assert list(Catalog.objects.values_list("name", flat=True)) == ["shop"]


def test_popularity_and_profiles_follow_a_changed_clock(shop):
    shop.stock(a="Mug")
    shop.post(event("u1", "a", at=NOON))
    version = shop.user("u1").history_version
    create("shop", "--update", "--clock", "last_event")
    assert ProductPopularity.objects.get().recent > 0
    assert shop.user("u1").history_version > version
