import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.history.ingest import NewEvent
from recommender.models import Catalog, Product, User
from tests.shop import Shop

from . import page

LIST = "admin:recommender_user_changelist"


def change(user: User) -> str:
    return reverse("admin:recommender_user_change", args=[user.pk])


def product_page(product: Product) -> str:
    return reverse("admin:recommender_product_change", args=[product.pk])


def test_a_user_is_found_by_the_start_of_their_id(admin_client: Client, ann: User) -> None:
    User.objects.create(catalog=ann.catalog, external_id="bob")
    users = admin_client.get(reverse(LIST), {"q": "an"}).context["cl"].result_list
    assert [user.external_id for user in users] == ["ann"]
    User.objects.create(catalog=ann.catalog, external_id="ann and bob")
    users = admin_client.get(reverse(LIST), {"q": "ann and"}).context["cl"].result_list
    assert [user.external_id for user in users] == ["ann and bob"]


def test_a_longer_list_takes_no_more_queries(admin_client: Client, ann: User) -> None:
    few = page.queries(admin_client, reverse(LIST))
    User.objects.bulk_create(User(catalog=ann.catalog, external_id=f"user-{n}") for n in range(45))
    assert page.queries(admin_client, reverse(LIST)) == few
    assert few <= 6


def test_the_page_is_titled_by_the_id_as_it_is(admin_client: Client, ann: User) -> None:
    assert "Users chevron_right ann " in page.text(admin_client.get(change(ann)))


def test_the_page_says_whether_browser_keys_get_their_list(admin_client: Client, ann: User) -> None:
    assert "their list needs a user token" in page.text(admin_client.get(change(ann)))
    User.objects.filter(pk=ann.pk).update(is_anonymous=True)
    assert "A guest: whoever knows the id" in page.text(admin_client.get(change(ann)))


def test_what_is_known_of_a_user_is_shown_in_lines(admin_client: Client, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(
        attributes={"first_name": "Zoë", "likes": ["tea"], "member": True}
    )
    text = page.text(admin_client.get(change(ann)))
    assert 'Attributes likes ["tea"] member true first_name Zoë' in text


def test_the_page_shows_the_history_newest_first(
    admin_client: Client, catalog: Catalog, ann: User, mug: Product
) -> None:
    response = admin_client.get(change(ann))
    history = [(row[1], row[3]) for row in response.context["history"].rows]
    assert history == [("purchase", "3"), ("view", "-")]
    times = [page.words(row[0]) for row in response.context["history"].rows]
    assert times[0] in page.text(admin_client.get(reverse(LIST)))
    assert all(time.endswith(" UTC") for time in times)
    assert product_page(mug) in page.hrefs(response)


def test_a_long_history_is_shown_in_part(admin_client: Client, shop: Shop, ann: User) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        NewEvent(type="view", user="ann", product="mug-2", at=start + timedelta(hours=n))
        for n in range(60)
    ]
    shop.post(*events)
    response = admin_client.get(change(ann))
    assert len(response.context["history"].rows) == 50
    assert "The latest 50" in page.text(response)


def test_a_deleted_product_stays_in_the_history_without_a_link(
    admin_client: Client, ann: User, mug: Product
) -> None:
    Product.objects.filter(pk=mug.pk).update(deleted_at=timezone.now())
    response = admin_client.get(change(ann))
    assert "Blue enamel mug (deleted)" in page.text(response)
    assert product_page(mug) not in page.hrefs(response)


def test_the_page_shows_interests_by_weight(admin_client: Client, ann: User) -> None:
    response = admin_client.get(change(ann))
    (interests,) = response.context["interests"]
    assert interests.title == "text@1"
    kinds = ["Interest", "Interest", "Last product", "Short-term"]
    assert [row[0] for row in interests.rows] == kinds
    assert "Blue enamel mug" in interests.rows[0][2]
    assert "Tent for two" in interests.rows[1][2]
    assert "Interest 8" in page.text(response)  # five sixths: a purchase against a view


def test_the_page_says_why_something_is_recommended(
    admin_client: Client, shop: Shop, ann: User, mug: Product
) -> None:
    response = admin_client.get(change(ann))
    rows = response.context["recommendations"].rows
    titles = [row[1] for row in rows]
    assert not [title for title in titles if "Blue enamel mug" in title]
    because = next(row for row in rows if "Red enamel mug" in row[1])
    assert because[2] in {"text", "recent"}
    assert "text 0.01" in because[3]
    assert product_page(mug) in because[4]
    assert product_page(shop.product("mug-2")) in page.hrefs(response)
    assert "From text@1." in page.text(response)
    parts = set(re.findall(r"([a-z]+) 0\.\d{4}", "".join(row[3] for row in rows)))
    legend = page.words(response.context["recommendations"].legend).split()
    assert set(legend) == parts
    assert len(legend) == len(parts)


def test_an_event_changes_the_very_next_page(admin_client: Client, shop: Shop, ann: User) -> None:
    admin_client.get(change(ann))
    event = NewEvent(type="purchase", user="ann", product="tent-2", at=timezone.now())
    shop.post(event)
    (interests,) = admin_client.get(change(ann)).context["interests"]
    assert "Tent for four" in interests.rows[-1][2]


def test_a_user_without_history_is_shown_what_was_fallen_back_on(
    admin_client: Client, catalog: Catalog
) -> None:
    bob = User.objects.create(catalog=catalog, external_id="bob")
    text = page.text(admin_client.get(change(bob)))
    assert "Fallback: popular" in text
    assert "Blue enamel mug" in text


@pytest.mark.parametrize("view", ["add", "delete"])
def test_users_are_neither_added_nor_deleted_here(
    admin_client: Client, ann: User, view: str
) -> None:
    arguments = [ann.pk] if view == "delete" else []
    address = reverse(f"admin:recommender_user_{view}", args=arguments)
    assert admin_client.post(address, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ann.pk).exists()


@pytest.mark.parametrize(
    ("action", "decision", "says"),
    [
        ("exclude_selected", "person", "1 user: excluded by a person"),
        ("keep_selected", "kept", "1 user: kept by a person"),
        ("undecide_selected", "", "1 user: counts"),
    ],
)
def test_a_person_says_whether_a_user_counts(
    admin_client: Client, ann: User, action: str, decision: str, says: str
) -> None:
    User.objects.filter(pk=ann.pk).update(exclusion="bot")
    data = {"action": action, "_selected_action": [ann.pk]}
    told = page.text(admin_client.post(reverse(LIST), data, follow=True))
    assert says in told
    assert User.objects.get(pk=ann.pk).exclusion == decision
    listed = admin_client.get(reverse(LIST), {"exclusion__exact": decision})
    assert [user.pk for user in listed.context["cl"].result_list] == [ann.pk]


def test_who_may_only_look_decides_nothing(client: Client, ann: User) -> None:
    clerk = get_user_model().objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(
        Permission.objects.get(codename="view_user", content_type__app_label="recommender")
    )
    client.force_login(clerk)
    data = {"action": "exclude_selected", "_selected_action": [ann.pk]}
    client.post(reverse(LIST), data)
    assert User.objects.get(pk=ann.pk).exclusion == ""


def test_a_person_downloads_what_is_held_about_a_user(admin_client: Client, ann: User) -> None:
    response = admin_client.get(reverse("admin:recommender_user_export", args=[ann.pk]))
    assert response["Content-Disposition"] == "attachment; filename*=UTF-8''ann.json"
    assert [one["type"] for one in response.json()["events"]] == ["view", "purchase"]


def test_a_person_erases_a_user_once_they_confirm(admin_client: Client, ann: User) -> None:
    address = reverse("admin:recommender_user_erase", args=[ann.pk])
    assert "All that is held about ann goes" in page.text(admin_client.get(address))
    assert User.objects.filter(pk=ann.pk).exists()
    assert "ann is erased" in page.text(admin_client.post(address, follow=True))
    assert not User.objects.filter(pk=ann.pk).exists()
    assert "no such user" in page.text(admin_client.get(address, follow=True))


def test_who_may_only_look_erases_nobody(client: Client, ann: User) -> None:
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(
        Permission.objects.get(codename="view_user", content_type__app_label="recommender")
    )
    client.force_login(viewer)
    address = reverse("admin:recommender_user_erase", args=[ann.pk])
    assert address not in page.hrefs(client.get(change(ann)))
    assert client.post(address).status_code == 403
    assert User.objects.filter(pk=ann.pk).exists()
