"""Who may come in, and how far a list is counted."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from recommender.admin.base import BoundedPaginator
from recommender.models import Catalog, Product

from . import page

PAGES = (
    "index",
    "recommender_catalog_changelist",
    "recommender_product_changelist",
    "recommender_user_changelist",
    "recommender_space_changelist",
    "recommender_trainingrun_changelist",
    "recommender_ranker_changelist",
    "recommender_evaluationrun_changelist",
    "recommender_apikey_changelist",
    "recommender_quarantinedproduct_changelist",
    "recommender_embeddingspend_changelist",
    "django_celery_beat_periodictask_changelist",
    "auth_user_changelist",
)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"admin:{name}")
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('admin:login')}?next={address}"


def test_a_person_logs_in_and_lands_on_the_dashboard(client: Client, admin_user: User) -> None:
    login = f"{reverse('admin:login')}?next=/admin/"
    response = client.post(login, {"username": "admin", "password": "password"}, follow=True)
    assert "Dashboard" in page.text(response)


def test_a_post_without_its_csrf_token_is_refused(admin_user: User, catalog: Catalog) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    address = reverse("admin:recommender_catalog_delete", args=[catalog.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert Catalog.objects.filter(pk=catalog.pk).exists()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_no_other_host_for_anything(
    admin_client: Client, catalog: Catalog, name: str
) -> None:
    html = admin_client.get(reverse(f"admin:{name}")).content.decode()
    sources = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert sources
    assert not [source for source in sources if source.startswith(("http:", "https:", "//"))]


def test_pages_have_the_styles_that_keep_tables_whole_on_phones(
    admin_client: Client, catalog: Catalog
) -> None:
    style = "recommender/admin.css"
    assert f"/static/{style}" in page.hrefs(admin_client.get(reverse("admin:index")))
    found = finders.find(style)
    assert found
    assert "td[data-label]" in Path(found).read_text()


def test_who_may_only_view_products_sees_nothing_else(client: Client, catalog: Catalog) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_product"))
    client.force_login(clerk)
    dashboard = page.text(client.get(reverse("admin:index")))
    assert "Products" in dashboard
    assert "API keys" not in dashboard
    assert "Stale backlog" not in dashboard
    assert client.get(reverse("admin:recommender_apikey_changelist")).status_code == 403
    listed = client.get(reverse("admin:recommender_product_changelist"))
    assert "Re-embed" not in page.text(listed)


def test_a_list_is_counted_up_to_a_limit(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    products = Product.objects.order_by("pk")
    assert BoundedPaginator(products, 2).count == 5
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 4)
    assert BoundedPaginator(products, 2).page_range == range(1, 3)
