from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as Operator
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.admin import counts
from recommender.history import popularity
from recommender.history.partitions import ensure_months
from recommender.insight import evaluations
from recommender.models import (
    Catalog,
    Event,
    Product,
    ProductPopularity,
    Space,
    TrainingRun,
    User,
)
from recommender.models.catalog import DEFAULT_BROWSER_EVENT_TYPES, DEFAULT_EVENT_WEIGHTS
from recommender.profiles import builder
from recommender.providers import ledger
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from tests.shop import Shop

from . import page

LIST = "admin:recommender_catalog_changelist"
ADD = "admin:recommender_catalog_add"
WEIGHTS = "\n".join(f"{kind}: {weight:g}" for kind, weight in DEFAULT_EVENT_WEIGHTS.items())


def change(catalog: Catalog) -> str:
    return reverse("admin:recommender_catalog_change", args=[catalog.pk])


def form(**changed: object) -> dict[str, object]:
    """What the form posts, with its defaults."""
    fields: dict[str, object] = {
        "clock": "now",
        "half_life_days": "60.0",
        "event_weights": WEIGHTS,
        "rating_min": "0.0",
        "rating_max": "5.0",
        "public_attributes": "",
        "impressions_by": "event",
        "touch_hours": "24",
        "log_share": "1.0",
        "log_days": "90",
        "browser_event_types": ",".join(DEFAULT_BROWSER_EVENT_TYPES),
        # As a browser posts it back.
        "initial-browser_event_types": ",".join(DEFAULT_BROWSER_EVENT_TYPES),
    }
    return fields | changed


def test_the_list_and_the_page_count_what_is_in_it(admin_client: Client, catalog: Catalog) -> None:
    Product.objects.filter(external_id="mug-2").update(title="Green enamel mug")
    assert "shop The time of day 5 1 2 80.0%" in page.text(admin_client.get(reverse(LIST)))
    text = page.text(admin_client.get(change(catalog)))
    assert "Products 5 Users 1 Events 2 Fresh vectors 80.0%" in text


def test_the_attributes_of_products_are_shown_with_their_types(
    admin_client: Client, catalog: Catalog
) -> None:
    Catalog.objects.filter(pk=catalog.pk).update(attributes={"size_cm": "number", "hue": "string"})
    text = page.text(admin_client.get(change(catalog)))
    assert "Attributes hue string size_cm number" in text


def test_many_events_are_not_all_counted(
    admin_client: Client, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MANY_EVENTS", 1)
    assert "more than 1 " in page.text(admin_client.get(change(catalog)))


def test_more_catalogs_take_no_more_queries(admin_client: Client, catalog: Catalog) -> None:
    few = page.queries(admin_client, reverse(LIST))
    Catalog.objects.bulk_create(Catalog(name=f"more-{n}") for n in range(5))
    assert page.queries(admin_client, reverse(LIST)) == few


@pytest.mark.django_db
def test_a_new_catalog_has_its_text_space(admin_client: Client) -> None:
    data = form(name="books", model="fake", half_life_days="7")
    response = admin_client.post(reverse(ADD), data, follow=True)
    assert "added successfully" in page.text(response)
    made = Catalog.objects.get(name="books")
    assert made.half_life_days == 7
    space = Space.objects.get(catalog=made)
    assert (space.model, space.status) == ("fake", Space.Status.ACTIVE)
    assert page.text(admin_client.get(change(made)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "Not A Name", "Use lower-case letters"),
        ("name", "shop", "already exists"),
        ("model", "nonsense", "There is no embedding model 'nonsense'; use one of"),
        ("half_life_days", "0", "greater than or equal to 0.01"),
        (
            "event_weights",
            "view: 1\nbuy: much",
            "'buy: much' is no type and weight; write view: 1.",
        ),
        ("event_weights", "view", "'view' is no type and weight"),
        ("event_weights", "view: 3.5e38", "Give a number for each type"),
        ("event_weights", "view: -1e-39", "Give a number for each type"),
        ("event_weights", "a\0: 1", "is no type and weight"),
        ("event_weights", "view: NaN", "is no type and weight"),
        ("event_weights", "view: 1e999", "is no type and weight"),
        ("event_weights", f"view: {'9' * 5_000}", "is no type and weight"),
        ("event_weights", f"{'x' * 256}: 1", "is no type and weight"),
        ("rating_max", "1e-300", "are no scale"),
    ],
)
def test_a_wrong_setting_is_explained(
    admin_client: Client, catalog: Catalog, field: str, value: str, message: str
) -> None:
    data = form(name="books", model="fake") | {field: value}
    assert message in page.text(admin_client.post(reverse(ADD), data))
    assert Catalog.objects.count() == 1


def test_other_weights_make_the_profiles_stale(
    admin_client: Client, catalog: Catalog, ann: User
) -> None:
    space = Space.objects.get(catalog=catalog)
    admin_client.get(reverse("admin:recommender_user_change", args=[ann.pk]))
    assert builder.stale_users(space, after=0, limit=10) == []
    data = form(event_weights="view: 2\r\n\r\npurchase: 1")
    assert "are stale" in page.text(admin_client.post(change(catalog), data, follow=True))
    catalog.refresh_from_db()
    assert catalog.event_weights == {"view": 2, "purchase": 1}
    assert builder.stale_users(space, after=0, limit=10) == [ann.pk]


def test_what_browser_keys_may_do_is_set_and_profiles_stay_fresh(
    admin_client: Client, catalog: Catalog, ann: User
) -> None:
    version = ann.history_version
    data = form(public_attributes="hue, size_cm", browser_event_types="view")
    assert "changed successfully" in page.text(
        admin_client.post(change(catalog), data, follow=True)
    )
    catalog.refresh_from_db()
    assert catalog.public_attributes == ["hue", "size_cm"]
    assert catalog.browser_event_types == ["view"]
    ann.refresh_from_db()
    assert ann.history_version == version
    shown = admin_client.get(change(catalog)).content.decode()
    assert 'value="hue,size_cm"' in shown
    assert 'type="hidden" name="initial-browser_event_types" value="view"' in shown


def test_another_clock_moves_what_is_popular(admin_client: Client, shop: Shop) -> None:
    now = timezone.now()
    for type_, days in (("view", 40), ("purchase", 20)):
        ensure_months([now - timedelta(days=days)])
        Event.objects.filter(type=type_).update(at=now - timedelta(days=days))
    popularity.refresh(shop.catalog)
    recent = ProductPopularity.objects.filter(recent__gt=0)
    assert recent.get().product == shop.product("mug-1")
    admin_client.post(change(shop.catalog), form(clock="last_event"))
    shop.catalog.refresh_from_db()
    assert shop.catalog.clock == Catalog.Clock.LAST_EVENT
    assert recent.count() == 2


def test_the_name_stays(admin_client: Client, catalog: Catalog) -> None:
    admin_client.post(change(catalog), form(name="another"))
    catalog.refresh_from_db()
    assert catalog.name == "shop"


def test_deleting_asks_first_and_then_leaves_nothing(
    admin_client: Client, catalog: Catalog
) -> None:
    address = reverse("admin:recommender_catalog_delete", args=[catalog.pk])
    asked = page.text(admin_client.get(address))
    assert "5 products and their vectors" in asked
    assert "2 events" in asked
    response = admin_client.post(address, {"post": "yes"}, follow=True)
    assert "was deleted successfully" in page.text(response)
    for model in (Catalog, Product, User, Event, Space):
        assert not model.objects.exists()


def test_catalogs_are_deleted_together(admin_client: Client, catalog: Catalog) -> None:
    data = {"action": "delete_selected", "_selected_action": [catalog.pk]}
    asked = page.text(admin_client.post(reverse(LIST), data))
    assert "5 products and their vectors" in asked
    admin_client.post(reverse(LIST), data | {"post": "yes"})
    assert not Catalog.objects.exists()
    assert not Event.objects.exists()


def test_a_budget_is_set_and_taken_away_without_a_new_count(
    admin_client: Client, catalog: Catalog
) -> None:
    for given, budget in (("20", 20), ("", None)):
        response = admin_client.post(change(catalog), form(monthly_budget=given), follow=True)
        text = page.text(response)
        assert "changed successfully" in text
        assert "Popularity is counted anew" not in text
        assert Catalog.objects.get(pk=catalog.pk).monthly_budget == budget


def test_the_page_says_what_the_month_has_cost(admin_client: Client, catalog: Catalog) -> None:
    LedgerEntry(Account(catalog), "hosted", ledger.today()).book(
        Consumed(rows=1, cost=Decimal("1.5"))
    )
    assert "Spent this month $1.50 Clock" in page.text(admin_client.get(change(catalog)))
    Catalog.objects.update(monthly_budget=20)
    assert "Spent this month $1.50 of $20.00" in page.text(admin_client.get(change(catalog)))


@pytest.mark.django_db
def test_a_new_catalog_may_have_a_budget(admin_client: Client) -> None:
    admin_client.post(reverse(ADD), form(name="books", model="fake", monthly_budget="7.50"))
    assert str(Catalog.objects.get(name="books").monthly_budget) == "7.50"


def test_a_training_is_asked_for_once_it_is_confirmed(
    admin_client: Client, catalog: Catalog
) -> None:
    address = reverse("admin:recommender_catalog_train", args=[catalog.pk])
    assert address in page.hrefs(admin_client.get(change(catalog)))
    assert "Train shop" in page.text(admin_client.get(address))
    assert not TrainingRun.objects.exists()
    response = admin_client.post(address, follow=True)
    run = TrainingRun.objects.get(catalog=catalog)
    assert "The training of shop is waiting" in page.text(response)
    assert reverse("admin:recommender_trainingrun_change", args=[run.pk]) in page.hrefs(response)


def test_selected_catalogs_are_trained(admin_client: Client, catalog: Catalog) -> None:
    other = Catalog.objects.create(name="other")
    chosen = {"action": "train_selected", "_selected_action": [catalog.pk, other.pk]}
    text = page.text(admin_client.post(reverse(LIST), chosen, follow=True))
    assert TrainingRun.objects.count() == 2
    assert "of shop is waiting" in text
    assert "of other is waiting" in text


def test_who_may_not_train_does_not(client: Client, catalog: Catalog) -> None:
    clerk = Operator.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_catalog"))
    client.force_login(clerk)
    assert client.post(
        reverse("admin:recommender_catalog_train", args=[catalog.pk])
    ).status_code in {
        302,
        403,
    }
    assert not TrainingRun.objects.exists()


@pytest.fixture
def asked_for() -> Iterator[list[int]]:
    """The catalogs that workers were asked to evaluate."""
    asked: list[int] = []

    def listen(catalog_id: int, **_: object) -> None:
        asked.append(catalog_id)

    evaluations.evaluation_requested.connect(listen)
    yield asked
    evaluations.evaluation_requested.disconnect(listen)


def test_an_evaluation_is_asked_for_once_it_is_confirmed(
    admin_client: Client, catalog: Catalog, asked_for: list[int]
) -> None:
    address = reverse("admin:recommender_catalog_evaluate", args=[catalog.pk])
    assert address in page.hrefs(admin_client.get(change(catalog)))
    assert "Evaluate shop" in page.text(admin_client.get(address))
    assert asked_for == []
    done = admin_client.post(address, follow=True)
    assert "The next free worker evaluates shop;" in page.text(done)
    assert reverse("admin:recommender_evaluationrun_changelist") in page.hrefs(done)
    assert asked_for == [catalog.pk]

    other = Catalog.objects.create(name="other")
    chosen = {"action": "evaluate_selected", "_selected_action": [catalog.pk, other.pk]}
    text = page.text(admin_client.post(reverse(LIST), chosen, follow=True))
    assert "The next free worker evaluates" in text
    assert sorted(asked_for) == [catalog.pk, catalog.pk, other.pk]


def test_the_evaluations_offer_another(
    admin_client: Client, catalog: Catalog, asked_for: list[int]
) -> None:
    every = reverse("admin:recommender_evaluationrun_evaluate_all")
    evaluated = reverse("admin:recommender_evaluationrun_changelist")
    assert every in page.hrefs(admin_client.get(evaluated))
    Catalog.objects.create(name="other")
    assert "Evaluate other, shop" in page.text(admin_client.get(every))
    admin_client.post(every)
    assert len(asked_for) == 2
    gone = reverse("admin:recommender_evaluationrun_evaluate_again", args=[0])
    assert "no catalog to evaluate" in page.text(admin_client.post(gone, follow=True))


def test_who_may_only_look_evaluates_nothing(
    client: Client, catalog: Catalog, asked_for: list[int]
) -> None:
    clerk = Operator.objects.create_user("clerk", is_staff=True)
    for name in ("view_catalog", "view_evaluationrun"):
        clerk.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(clerk)
    client.post(reverse("admin:recommender_catalog_evaluate", args=[catalog.pk]))
    client.post(reverse("admin:recommender_evaluationrun_evaluate_all"))
    assert asked_for == []


def test_the_scale_of_ratings_is_set_and_one_that_is_none_is_refused(
    admin_client: Client, catalog: Catalog
) -> None:
    refused = admin_client.post(change(catalog), form(rating_min="5", rating_max="1"))
    assert "Ratings from 5 to 1 are no scale" in page.text(refused)

    admin_client.post(change(catalog), form(rating_min="0.5", rating_max="10"))

    catalog.refresh_from_db()
    assert catalog.rating_scale == (0.5, 10.0)
