from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.catalog import attributes
from recommender.models import Catalog, ProductPopularity
from tests.recommender.retrieval.filtering import passing
from tests.shop import NOON, event


def create(*arguments: str) -> str:
    output = StringIO()
    call_command("create_catalog", *arguments, stdout=output)
    return output.getvalue()


def test_a_catalog_is_made_ready_for_products(db):
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
        (("other", "--update", "--clock", "now"), "no catalog 'other'"),
        (("shop", "--update"), "give --clock, .* or --browser-events"),
        (("shop", "--update", "--model", "fake"), "leave them out.*space create"),
        (("shop", "--update", "--dimension", "8"), "leave them out.*space create"),
        (("other", "--model", "wordllama-256", "--dimension", "7"), "does not give 7 dimensions"),
        (("other", "--rating-scale", "5-1"), "'5-1' is not a scale; write the worst"),
        (("other", "--rating-scale", "five"), "'five' is not a scale"),
        (("other", "--monthly-budget", "much"), "'much' is no number of dollars; write 20 or none"),
        (("other", "--monthly-budget", "inf"), "'inf' is no number of dollars"),
        (("other", "--monthly-budget", "-1"), "greater than or equal to 0"),
        (("other", "--monthly-budget", "0.001"), "2 decimal places"),
        (("other", "--public-attributes", "a,,b"), "'a,,b' has an empty name"),
        (("other", "--attribute-types", "at=date"), "'at=date' is no NAME=TYPE; the types are str"),
        (("other", "--attribute-types", "=time"), "'=time' is no NAME=TYPE"),
        (("other", "--browser-events", "x" * 101), "at most 100 characters"),
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
    create("shop", "--update", "--clock", "last_event", "--rating-scale", "0.5-5")
    assert Catalog.objects.get().rating_scale == (0.5, 5.0)
    assert ProductPopularity.objects.get().recent > 0
    assert shop.user("u1").history_version > version


def test_a_catalog_is_made_with_a_budget_and_a_dimension(db):
    create("gifts", "--model", "fake", "--dimension", "16", "--monthly-budget", "20")
    catalog = Catalog.objects.get(name="gifts")
    assert catalog.monthly_budget == 20
    assert catalog.spaces.get().dimension == 16


def test_what_browser_keys_may_do_is_set_and_nothing_else_is_touched(shop):
    shop.stock(a="Mug")
    shop.post(event("u1", "a", at=NOON))
    version = shop.user("u1").history_version
    create("shop", "--update", "--public-attributes", "colour, size,colour")
    create("shop", "--update", "--browser-events", "view")
    assert Catalog.objects.get().public_attributes == ["colour", "size"]
    assert Catalog.objects.get().browser_event_types == ["view"]
    create("shop", "--update", "--public-attributes", "none")
    assert Catalog.objects.get().public_attributes == []
    assert shop.user("u1").history_version == version


def test_an_attribute_gets_another_type_and_filters_go_by_it(shop):
    attributes.declare(shop.catalog, {"at": "string", "colour": "string"})
    shop.put(
        {"id": "early", "attributes": {"at": "2024-01-01"}},
        {"id": "late", "attributes": {"at": "2025-06-01"}},
        {"id": "never", "attributes": {"at": "soon"}},
    )
    create("shop", "--update", "--attribute-types", "at=time, opens=geo")
    kinds = Catalog.objects.get().attributes
    assert kinds == {"at": "time", "colour": "string", "opens": "geo"}
    assert passing(shop, {"at": {"lt": "2025-01-01"}}, kinds) == {"early"}
    assert passing(shop, {"at": {"ne": "2024-01-01"}}, kinds) == {"late", "never"}


def test_a_budget_is_changed_and_taken_away_and_nothing_else_is_touched(shop):
    shop.stock(a="Mug")
    shop.post(event("u1", "a", at=NOON))
    version = shop.user("u1").history_version
    for given, budget in (("20.5", Decimal("20.5")), ("0", 0), ("none", None)):
        create("shop", "--update", "--monthly-budget", given)
        assert Catalog.objects.get().monthly_budget == budget
    assert shop.user("u1").history_version == version


def test_a_raised_budget_sets_the_workers_to_work(committed_shop, broker):
    create("shop", "--update", "--monthly-budget", "20")
    assert [name for name, _ in broker.take()] == ["embed_space"]
