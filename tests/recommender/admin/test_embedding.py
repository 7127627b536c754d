from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from embeddings.calls.circuit import open_error
from recommender.admin import embedding
from recommender.admin.embedding import Part
from recommender.models import Catalog, ProviderCircuit
from recommender.providers import ledger
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from recommender.spaces import lifecycle
from tests.shop import Shop

from . import page

INDEX = "admin:index"


def spend(catalog: Catalog, cost: str, budget: str) -> None:
    Catalog.objects.filter(pk=catalog.pk).update(monthly_budget=Decimal(budget))
    LedgerEntry(Account(catalog), "hosted", ledger.today()).book(
        Consumed(rows=1, cost=Decimal(cost))
    )


def open_circuit(provider: str) -> None:
    now = timezone.now()
    ProviderCircuit.objects.create(
        provider=provider,
        failures=6,
        opened_at=now - timedelta(minutes=14, seconds=5),
        open_until=now + timedelta(seconds=90),
        reason="it answered 503",
    )


def banners(client: Client) -> str:
    """The words of the dashboard before its parts."""
    return page.text(client.get(reverse(INDEX))).split("Database ", 1)[0]


@pytest.mark.django_db
def test_all_is_well() -> None:
    assert embedding.parts(embedding.state()) == [
        Part("Providers", True, "none is down"),
        Part("Embedding", True, "0 of 0 spaces paused", "Paused"),
    ]


def test_without_trouble_there_is_no_banner(admin_client: Client, shop: Shop) -> None:
    assert admin_client.get(reverse(INDEX)).context["notices"] == []


def test_a_paused_space_says_why_and_where(admin_client: Client, shop: Shop) -> None:
    lifecycle.pause(shop.space, "There is no API key; set SOME_KEY.")

    text = banners(admin_client)

    assert "Embedding of shop text@1 is paused" in text
    assert "There is no API key; set SOME_KEY. Since " in text
    assert "Recommendations go on" in text
    response = admin_client.get(reverse(INDEX))
    address = reverse("admin:recommender_space_change", args=[shop.space.pk])
    assert address in page.hrefs(response)
    assert "Embedding Paused 1 of 1 spaces paused" in page.text(response)


def test_a_provider_that_is_down_is_named_once(admin_client: Client, shop: Shop) -> None:
    open_circuit("acme")
    second = lifecycle.create_space(shop.catalog, model="fake", dimension=32)
    for space, seconds in ((shop.space, 30), (second, 60)):
        lifecycle.pause(space, str(open_error("acme", "it answered 503", seconds)))

    text = banners(admin_client)

    assert text.count("paused") == 1
    assert "Embedding of 2 spaces is paused" in text
    assert "acme has been down for 14 minutes, next try in " in text
    assert text.count(": it answered 503.") == 1
    assert "Providers Down acme has been down" in page.text(admin_client.get(reverse(INDEX)))


def test_a_space_that_waits_for_something_else_says_so(admin_client: Client, shop: Shop) -> None:
    open_circuit("acme")
    lifecycle.pause(shop.space, "The budget is spent.")
    assert "The budget is spent." in banners(admin_client)
    assert "acme" not in banners(admin_client)


def test_a_budget_near_its_end_warns(admin_client: Client, shop: Shop) -> None:
    spend(shop.catalog, "17.8", budget="20")
    assert "shop has spent 89% of its budget $17.80 of $20.00" in banners(admin_client)
    assert "1 budget nearly spent" in page.text(admin_client.get(reverse(INDEX)))


@pytest.mark.parametrize(("cost", "budget"), [("15", "20"), ("0", "0")])
def test_a_budget_far_from_its_end_or_of_nothing_does_not(
    admin_client: Client, shop: Shop, cost: str, budget: str
) -> None:
    spend(shop.catalog, cost, budget)
    assert "budget" not in banners(admin_client)


def test_a_space_out_of_money_leads_to_its_budget(admin_client: Client, shop: Shop) -> None:
    spend(shop.catalog, "20", budget="20")
    lifecycle.pause(shop.space, "The budget is spent.")
    (notice,) = admin_client.get(reverse(INDEX)).context["notices"]
    address = reverse("admin:recommender_catalog_change", args=[shop.catalog.pk])
    assert ("Budget of shop", address) in notice.links


def test_a_retired_space_is_no_trouble(admin_client: Client, shop: Shop) -> None:
    second = lifecycle.create_space(shop.catalog, model="fake", dimension=32)
    lifecycle.pause(second, "There is no API key.")
    lifecycle.retire(second)
    assert "paused" not in banners(admin_client)


def test_who_may_not_see_spaces_sees_no_names(client: Client, shop: Shop) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_product"))
    client.force_login(clerk)
    spend(shop.catalog, "19", budget="20")
    lifecycle.pause(shop.space, "There is no API key.")
    response = client.get(reverse(INDEX))
    assert response.context["notices"] == []
    assert "Embedding Paused 1 of 1 spaces paused" in page.text(response)
