"""A person who is narrowed to a catalog meets no other, on no page that the admin has."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.admin import access
from recommender.catalog import catalogs, keys
from recommender.importing import uploads
from recommender.insight import evaluations
from recommender.models import (
    ApiKey,
    Catalog,
    CatalogAccess,
    EffectFigure,
    EmbeddingSpend,
    EvaluationRun,
    Experiment,
    Feed,
    InsightRun,
    Placement,
    Product,
    QuarantinedProduct,
    Ranker,
    SearchRedirect,
    Space,
    Synonyms,
    TrainingRun,
    Upload,
    Webhook,
    WebhookDelivery,
)
from recommender.models import User as Shopper
from tests.recommender.insight.evaluations import EVALUATION
from tests.shop import Shop

from . import page
from .test_catalog import form

SECRET = "hidden-shop"  # in the name of everything that she must not see
DRAFT = {"operation": "recommendations", "defaults": {}, "rules": []}


@pytest.fixture
def other(shop: Shop) -> Catalog:
    """A catalog with one row of every model that has pages."""
    return catalogs.create_catalog(SECRET, model="fake")


def _quarantined(catalog: Catalog) -> QuarantinedProduct:
    space = Space.objects.get(catalog=catalog, name="text")
    product = _product(catalog)
    return QuarantinedProduct.objects.create(
        space=space,
        product=product,
        reason=SECRET,
        content_hash=product.content_hash,
        at=timezone.now(),
    )


def _product(catalog: Catalog) -> Product:
    found, _ = Product.objects.get_or_create(
        catalog=catalog, external_id=f"{SECRET}-1", defaults={"title": SECRET, "brand": SECRET}
    )
    found.refresh_from_db()
    return found


def _webhook(catalog: Catalog) -> Webhook:
    url = f"https://{SECRET}.example.org/hook"
    return Webhook.objects.create(catalog=catalog, name=SECRET, url=url, kinds=["training.done"])


MAKE: dict[type[Model], Callable[[Catalog], Model]] = {
    Catalog: lambda catalog: catalog,
    Product: _product,
    Shopper: lambda catalog: Shopper.objects.create(catalog=catalog, external_id=f"{SECRET}-ann"),
    Placement: lambda catalog: Placement.objects.create(
        catalog=catalog, name=f"{SECRET}-home", draft=DRAFT
    ),
    Feed: lambda catalog: Feed.objects.create(
        catalog=catalog,
        url=f"https://{SECRET}.example.org/a.csv",
        every_hours=1,
        status=Feed.Status.FAILED,
        error=SECRET,
    ),
    Synonyms: lambda catalog: Synonyms.objects.create(catalog=catalog, words=[SECRET, "other"]),
    EffectFigure: lambda catalog: EffectFigure.objects.create(
        catalog=catalog, day=timezone.now().date(), placement=SECRET
    ),
    Experiment: lambda catalog: Experiment.objects.create(
        catalog=catalog, name=f"{SECRET}-test", placement="home", variants=[]
    ),
    Space: lambda catalog: Space.objects.get(catalog=catalog, name="text"),
    TrainingRun: lambda catalog: TrainingRun.objects.create(
        catalog=catalog, status="failed", error=SECRET
    ),
    Ranker: lambda catalog: Ranker.objects.create(
        catalog=catalog, mode="new", kind="logistic", model=b"", trained_until=timezone.now()
    ),
    EvaluationRun: lambda catalog: evaluations.store(catalog, EVALUATION),
    InsightRun: lambda catalog: InsightRun.objects.create(catalog=catalog, kind="clusters"),
    QuarantinedProduct: _quarantined,
    EmbeddingSpend: lambda catalog: EmbeddingSpend.objects.create(
        catalog=catalog, day=timezone.now().date(), model="fake-8", rows=1
    ),
    ApiKey: lambda catalog: keys.new_key(catalog, "server", SECRET)[0],
    SearchRedirect: lambda catalog: SearchRedirect.objects.create(
        catalog=catalog, words=[SECRET], address=f"/{SECRET}"
    ),
    Webhook: _webhook,
    WebhookDelivery: lambda catalog: WebhookDelivery.objects.create(
        webhook=_webhook(catalog), kind="webhook.test", body=SECRET, created_at=timezone.now()
    ),
    Upload: lambda catalog: Upload.objects.create(catalog=catalog, name=f"{SECRET}.csv"),
}
OF_CATALOGS = [model for model in admin.site._registry if access.path(model) is not None]


def narrowed(client: Client, catalog: Catalog | None) -> User:
    """Somebody who may do everything, in one catalog."""
    person = User.objects.create_user("clerk", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="recommender"))
    given = CatalogAccess.objects.create(user=person)
    given.catalogs.set([catalog] if catalog else [])
    client.force_login(person)
    return person


def name(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def hidden(response: HttpResponse) -> bool:
    """Whether nothing of the other catalog can be read in an answer."""
    return SECRET not in response.content.decode()


def addresses(model: type[Model], row: Model) -> list[str]:
    """Every page that the admin has of a row, its buttons' too."""
    shown: Any = admin.site._registry[model]
    pages = [*("change", "delete", "history"), *shown.actions_detail]
    return [reverse(f"admin:{name(model)}_{one}", args=[row.pk]) for one in pages]


def test_every_model_with_pages_is_made_here() -> None:
    assert set(MAKE) == set(OF_CATALOGS)


@pytest.mark.parametrize("model", OF_CATALOGS, ids=lambda model: model.__name__)
def test_no_page_shows_or_changes_another_catalog(
    client: Client, shop: Shop, other: Catalog, model: type[Model]
) -> None:
    row = MAKE[model](other)
    narrowed(client, shop.catalog)
    listed = client.get(reverse(f"admin:{name(model)}_changelist"))
    assert listed.status_code == 200
    assert hidden(listed)
    asked = client.get(
        reverse(f"admin:{name(model)}_changelist"),
        {"catalog": other.pk, "catalog__id__exact": other.pk},
    )
    assert hidden(asked)
    for address in addresses(model, row):
        for answer in (client.get(address), client.post(address, {"post": "yes"})):
            assert answer.status_code in (302, 403, 404), address
            assert hidden(answer)
    assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert client.get(reverse("admin:index")).status_code == 200
    assert hidden(client.get(reverse("admin:index")))


@pytest.mark.parametrize("model", OF_CATALOGS, ids=lambda model: model.__name__)
def test_no_form_offers_or_takes_another_catalog(
    client: Client, shop: Shop, other: Catalog, model: type[Model]
) -> None:
    narrowed(client, shop.catalog)
    asked = client.get(reverse(f"admin:{name(model)}_add"))
    assert asked.status_code in (200, 403)
    assert hidden(asked)
    rows = type(MAKE[model](other))._default_manager.count()
    client.post(reverse(f"admin:{name(model)}_add"), {"catalog": other.pk, "name": "new"})
    assert model._default_manager.count() == rows


def test_pages_beside_those_of_rows_are_closed_too(
    client: Client, shop: Shop, other: Catalog
) -> None:
    placement, run = MAKE[Placement](other), MAKE[InsightRun](other)
    InsightRun.objects.update(kind="map", status="done")
    space = Space.objects.get(catalog=other, name="text")
    MAKE[QuarantinedProduct](other)
    narrowed(client, shop.catalog)
    for page_, *arguments in (
        ("placement_preview", placement.pk),
        ("placement_inspect", placement.pk),
        ("placement_versions", placement.pk),
        ("placement_again", placement.pk, 1),
        ("placement_pick", other.pk, "products"),
        ("insightrun_map_points", run.pk),
        ("insightrun_map_point", run.pk),
        ("insightrun_map_enclosed", run.pk),
    ):
        answer = client.get(reverse(f"admin:recommender_{page_}", args=arguments))
        assert answer.status_code == 404, page_
    client.post(reverse("admin:recommender_quarantinedproduct_retry", args=[space.pk]))
    assert QuarantinedProduct.objects.exists()
    assert hidden(client.get(reverse("admin:recommender_insightrun_find_out")))
    assert hidden(client.get(reverse("admin:recommender_evaluationrun_evaluate_all")))


def test_her_own_catalog_is_seen_and_edited(client: Client, shop: Shop, other: Catalog) -> None:
    narrowed(client, shop.catalog)
    assert "shop Products 5" in page.text(client.get(reverse("admin:index")))
    mug = shop.product("mug-1")
    assert client.get(reverse("admin:recommender_product_change", args=[mug.pk])).status_code == 200


def test_nothing_is_seen_where_nothing_is_given(client: Client, shop: Shop) -> None:
    person = narrowed(client, None)
    assert client.get(reverse("admin:index")).context["overviews"] == []
    # Who is not narrowed, and a superuser, sees all.
    person.catalog_access.delete()
    assert len(client.get(reverse("admin:index")).context["overviews"]) == 1


def test_a_catalog_that_she_makes_is_hers(client: Client, shop: Shop) -> None:
    person = narrowed(client, shop.catalog)
    client.post(reverse("admin:recommender_catalog_add"), form(name="fresh", model="fake"))
    given = person.catalog_access.catalogs.values_list("name", flat=True)
    assert sorted(given) == ["fresh", "shop"]


def test_an_upload_of_another_catalog_gives_no_rejects(
    client: Client, shop: Shop, other: Catalog
) -> None:
    upload = MAKE[Upload](other)
    assert isinstance(upload, Upload)
    path = uploads.rejects_of(upload)
    path.parent.mkdir(exist_ok=True)
    path.write_text(SECRET)
    narrowed(client, shop.catalog)
    answer = client.get(reverse("admin:recommender_upload_rejects", args=[upload.pk]))
    path.unlink()
    assert answer.status_code == 404
