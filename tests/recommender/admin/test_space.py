from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse

from recommender.models import Catalog, Product, Space
from recommender.spaces import lifecycle

from . import page

LIST = "admin:recommender_space_changelist"


def change(space: Space) -> str:
    return reverse("admin:recommender_space_change", args=[space.pk])


def test_the_page_shows_coverage_index_recall_and_size(
    admin_client: Client, catalog: Catalog
) -> None:
    space = Space.objects.get(catalog=catalog)
    assert "Recall@20 not measured" in page.text(admin_client.get(change(space)))
    assert lifecycle.finish(space.pk)
    Product.objects.filter(external_id="mug-2").update(title="Green enamel mug")
    response = admin_client.get(change(space))
    text = page.text(response)
    assert "Fresh vectors 4 of 5" in text
    assert "Index rows 5 Recall@20 1.000" in text
    assert "Ef search 20" in text
    assert response.context["original"].storage > 8192  # at least a page and its index


def test_a_template_is_not_editable_and_the_page_says_why(
    admin_client: Client, catalog: Catalog
) -> None:
    space = Space.objects.get(catalog=catalog)
    assert "would mix vectors" in page.text(admin_client.get(change(space)))
    response = admin_client.post(change(space), {"template": "{title}"})
    assert response.status_code == 403
    space.refresh_from_db()
    assert space.template != "{title}"


def test_more_spaces_take_no_more_queries(admin_client: Client, catalog: Catalog) -> None:
    few = page.queries(admin_client, reverse(LIST))
    for _ in range(3):
        lifecycle.create_space(catalog, model="fake", dimension=64)
    assert page.queries(admin_client, reverse(LIST)) == few
    text = page.text(admin_client.get(reverse(LIST)))
    assert "text@1 shop fake 64 Active 5 of 5" in text
    assert "text@4 shop fake 64 Building 0 of 5" in text


def test_a_retired_space_has_no_size(admin_client: Client, catalog: Catalog) -> None:
    Space.objects.create(catalog=catalog, version=2, model="fake", dimension=64, status="retired")
    text = page.text(admin_client.get(reverse(LIST)))
    assert "text@2 shop fake 64 Retired 0 of 5 0 40 not measured 0 bytes" in text


def test_a_paused_space_says_why_and_since_when(admin_client: Client, catalog: Catalog) -> None:
    space = Space.objects.get(catalog=catalog)
    assert "Goes on by itself." in page.text(admin_client.get(change(space)))

    paused_at = datetime(2025, 6, 1, 12, tzinfo=UTC)
    Space.objects.filter(pk=space.pk).update(paused_reason="No API key.", paused_at=paused_at)

    assert "Active Paused" in page.text(admin_client.get(reverse(LIST)))
    text = page.text(admin_client.get(change(space)))
    assert "Paused since 1 June 2025, 12:00 UTC: No API key." in text


def test_a_standby_has_a_page(admin_client: Client, catalog: Catalog) -> None:
    Space.objects.update(status="standby")

    text = page.text(admin_client.get(change(Space.objects.get(catalog=catalog))))

    assert "Status Standby" in text
    assert "Not embedded." in text


def test_a_trained_version_that_does_not_serve_says_why(
    admin_client: Client, catalog: Catalog
) -> None:
    until = datetime(2025, 6, 1, 12, tzinfo=UTC)
    fields = {"name": "als", "kind": "behaviour", "model": "implicit-als", "dimension": 128}
    space = Space.objects.create(catalog=catalog, trained_until=until, **fields)
    learnt = "Learnt from events until 1 June 2025, 12:00 UTC."
    assert learnt in page.text(admin_client.get(change(space)))

    Space.objects.filter(pk=space.pk).update(paused_reason="NDCG@20 fell.", paused_at=until)

    assert f"{learnt} Not activated: NDCG@20 fell." in page.text(admin_client.get(change(space)))
    assert "Building Not better" in page.text(admin_client.get(reverse(LIST)))
    dashboard = page.text(admin_client.get(reverse("admin:index")))
    assert "is paused" not in dashboard
