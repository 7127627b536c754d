from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.insight import evaluations
from recommender.models import Catalog, Heartbeat, QuarantinedProduct, TrainingRun
from tests.recommender.insight.evaluations import EVALUATION, UNMEASURED, evaluation
from tests.shop import Shop

from . import page

INDEX = "admin:index"


def told(client: Client) -> list[str]:
    return [notice.title for notice in client.get(reverse(INDEX)).context["needs"]]


def settled(catalog: Catalog) -> None:
    """A service that works, and a catalog that is trained."""
    Heartbeat.objects.create(worker="one", at=timezone.now())
    TrainingRun.objects.create(catalog=catalog, status="done", trained_until=timezone.now())


def refuse(shop: Shop) -> None:
    mug = shop.product("mug-1")
    QuarantinedProduct.objects.create(
        space=shop.space,
        product=mug,
        reason="Too long.",
        content_hash=mug.content_hash,
        at=timezone.now(),
    )


def test_nothing_is_needed_where_all_works(admin_client: Client, catalog: Catalog) -> None:
    settled(catalog)
    assert told(admin_client) == []


def test_workers_that_are_down_are_told_first_with_what_that_means(
    admin_client: Client, catalog: Catalog
) -> None:
    response = admin_client.get(reverse(INDEX))
    assert response.context["needs"][0].title == "Workers: down"
    text = page.text(response)
    assert "Nothing is embedded, imported or trained until one runs" in text
    # The parts themselves come last: figures first.
    assert text.index("shop Products 5") < text.index("Database Works")
    assert "#parts" in page.hrefs(response)


def test_a_catalog_that_was_never_trained_has_its_button(
    admin_client: Client, catalog: Catalog
) -> None:
    Heartbeat.objects.create(worker="one", at=timezone.now())
    Catalog.objects.create(name="without-events")
    assert told(admin_client) == ["shop has never been trained"]
    train = reverse("admin:recommender_catalog_train", args=[catalog.pk])
    assert train in page.hrefs(admin_client.get(reverse(INDEX)))


def test_a_training_that_failed_says_why(admin_client: Client, catalog: Catalog) -> None:
    Heartbeat.objects.create(worker="one", at=timezone.now())
    run = TrainingRun.objects.create(catalog=catalog, status="failed", error="No memory.")
    response = admin_client.get(reverse(INDEX))
    assert told(admin_client) == ["The training of shop failed"]
    assert "No memory. Lists go on with what was learnt before." in page.text(response)
    assert reverse("admin:recommender_trainingrun_change", args=[run.pk]) in page.hrefs(response)


def test_refused_products_are_counted_with_the_way_to_them(
    admin_client: Client, shop: Shop
) -> None:
    settled(shop.catalog)
    refuse(shop)
    assert told(admin_client) == ["In quarantine: 1 of shop's products"]
    address = f"{reverse('admin:recommender_quarantinedproduct_changelist')}?space={shop.space.pk}"
    assert address in page.hrefs(admin_client.get(reverse(INDEX)))


def test_who_may_not_see_quarantine_is_not_told(client: Client, shop: Shop) -> None:
    settled(shop.catalog)
    refuse(shop)
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_catalog"))
    client.force_login(clerk)
    assert told(client) == []


def test_quality_is_told_in_a_sentence(admin_client: Client, catalog: Catalog) -> None:
    run = evaluations.store(catalog, EVALUATION)
    text = page.text(admin_client.get(reverse(INDEX)))
    assert (
        "Of 100 products that users came to next, 12 were among the 20 that they would have been "
        "shown; the best simple method" in text
    )
    assert f"Measured on 1,768 users, {run.made_at:%-d %B %Y}." in text


def test_an_evaluation_without_a_rank_says_nothing(admin_client: Client, catalog: Catalog) -> None:
    evaluations.store(catalog, evaluation(UNMEASURED))
    assert "Of 100 products" not in page.text(admin_client.get(reverse(INDEX)))
