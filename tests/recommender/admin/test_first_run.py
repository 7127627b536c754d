from datetime import timedelta

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.catalog import keys
from recommender.models import ApiKey, Catalog, Product, TrainingRun
from tests.shop import Shop

from . import page

INDEX = "admin:index"


def states(response: HttpResponse) -> dict[str, str]:
    (checklist,) = response.context["checklists"]
    return {step.title: step.state.label for step in checklist.steps}


def test_an_empty_catalog_is_told_every_step_and_the_first_has_a_button(
    admin_client: Client,
) -> None:
    catalog = Catalog.objects.create(name="new")
    response = admin_client.get(reverse(INDEX))
    text = page.text(response)
    assert states(response) == {
        "Import": "Next",
        "Embed": "Later",
        "Train": "Later",
        "Key": "Later",
        "First request": "Later",
    }
    assert "First steps of new" in text
    assert "There are no products yet." in text
    assert f"{reverse('admin:recommender_feed_add')}?catalog={catalog.pk}" in page.hrefs(response)


def test_a_step_that_is_done_shows_the_next(admin_client: Client, shop: Shop) -> None:
    train = reverse("admin:recommender_catalog_train", args=[shop.catalog.pk])
    response = admin_client.get(reverse(INDEX))
    assert states(response)["Import"] == states(response)["Embed"] == "Done"
    assert states(response)["Train"] == "Next"
    assert "5 products, 2 events." in page.text(response)
    assert train in page.hrefs(response)
    assert admin_client.get(train).status_code == 200

    run = TrainingRun.objects.create(catalog=shop.catalog, status="waiting")
    response = admin_client.get(reverse(INDEX))
    assert states(response)["Train"] == "Goes on"
    assert reverse("admin:recommender_trainingrun_change", args=[run.pk]) in page.hrefs(response)

    TrainingRun.objects.update(status="done", trained_until=timezone.now())
    response = admin_client.get(reverse(INDEX))
    assert (states(response)["Train"], states(response)["Key"]) == ("Done", "Next")

    keys.new_key(shop.catalog, "server", "")
    response = admin_client.get(reverse(INDEX))
    assert (states(response)["Key"], states(response)["First request"]) == ("Done", "Next")
    assert 'curl -H "Authorization: Bearer $KEY"' in page.text(response)

    ApiKey.objects.update(last_used_at=timezone.now())
    assert admin_client.get(reverse(INDEX)).context["checklists"] == []


def test_products_without_a_vector_are_counted(admin_client: Client, shop: Shop) -> None:
    Product.objects.filter(external_id="mug-2").update(title="Green enamel mug")
    response = admin_client.get(reverse(INDEX))
    assert states(response)["Embed"] == "Goes on"
    assert "4 of 5 products have a fresh vector." in page.text(response)


def test_a_key_that_ended_is_none(admin_client: Client, catalog: Catalog) -> None:
    TrainingRun.objects.create(catalog=catalog, status="done", trained_until=timezone.now())
    keys.new_key(catalog, "server", "", expires_at=timezone.now() + timedelta(days=1))
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert states(admin_client.get(reverse(INDEX)))["Key"] == "Next"


def test_who_may_not_do_a_step_gets_no_button_for_it(client: Client, catalog: Catalog) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_catalog"))
    client.force_login(clerk)
    response = client.get(reverse(INDEX))
    assert states(response)["Train"] == "Next"
    train = reverse("admin:recommender_catalog_train", args=[catalog.pk])
    assert train not in page.hrefs(response)


def test_no_more_than_three_catalogs_are_guided(admin_client: Client) -> None:
    Catalog.objects.bulk_create(Catalog(name=f"new-{n}") for n in range(5))
    lists = admin_client.get(reverse(INDEX)).context["checklists"]
    assert [one.catalog.name for one in lists] == ["new-0", "new-1", "new-2"]
