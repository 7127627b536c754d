"""Who the shop's visitors are to the service."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from kinship_client import Kinship, KinshipError
from kinship_client.django import service
from shop.models import Product
from tests.conftest import Double, use, wait_until

COOKIE = "kinship_visitor"
HOME, MUG = "/", "/product/mug-red/"


def users(double: Double) -> list[str]:
    """Whose events came."""
    service.events().flush()
    return [event["user"] for body in double.sent("/v1/events") for event in body]


def test_a_visitor_keeps_an_id_that_a_page_with_a_list_gave_them(
    double: Double, products: list[Product], client: Client
) -> None:
    page = client.get(MUG)
    cookie = page.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "Cookie" in page["Vary"]
    assert COOKIE not in client.get(MUG).cookies
    first, second = users(double)
    assert first == second
    assert first.startswith("visitor-")


def test_a_page_that_needs_no_visitor_gives_no_cookie(double: Double, db: None) -> None:
    assert COOKIE not in Client().get("/login/").cookies


def test_without_consent_nobody_is_known_and_nothing_is_sent(
    double: Double, products: list[Product], client: Client
) -> None:
    client.get(MUG)
    client.cookies["consent"] = "no"
    page = client.get(MUG)
    assert page.cookies[COOKIE]["max-age"] == 0
    assert len(users(double)) == 1
    client.get(HOME)
    assert len(double.sent("/v1/recommendations")) == 1
    assert "user" not in double.sent("/v1/recommendations")[0]


def test_an_id_that_somebody_wrote_into_their_cookie_is_not_theirs(
    double: Double, products: list[Product], client: Client
) -> None:
    client.cookies[COOKIE] = "visitor-of-somebody-else"
    client.get(MUG)
    assert users(double) != ["visitor-of-somebody-else"]


def test_who_signs_in_is_known_by_their_own_id(
    double: Double, products: list[Product], client: Client
) -> None:
    user = User.objects.create_user("ann")
    client.force_login(user)
    client.get(MUG)
    assert users(double) == [str(user.pk)]


def test_who_signs_in_keeps_what_they_looked_at(
    kinship: Kinship, products: list[Product], client: Client
) -> None:
    user = User.objects.create_user("ann", password="a long one")
    with pytest.raises(KinshipError):
        kinship.get_user(str(user.pk))
    client.get(MUG)
    form = {"username": "ann", "password": "a long one"}
    page = client.post("/login/", form)
    assert page.status_code == 302
    assert page.cookies[COOKIE]["max-age"] == 0
    assert kinship.get_user(str(user.pk))["last_event_at"]
    kinship.delete_user(str(user.pk))


def test_the_visitor_s_last_clicks_are_sent_before_they_are_merged(
    double: Double, products: list[Product], client: Client
) -> None:
    user = User.objects.create_user("ann", password="a long one")
    client.get(MUG)
    client.post("/login/", {"username": "ann", "password": "a long one"})
    paths = [path for _, path, _ in double.requests]
    assert paths.index("/v1/events") < paths.index(f"/v1/users/{user.pk}/merge")
    visitor = double.sent("/v1/events")[0][0]["user"]
    assert double.sent(f"/v1/users/{user.pk}/merge") == [{"from": visitor}]


def test_signing_in_works_though_the_service_is_away(
    settings: Settings, products: list[Product], client: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    use(settings, URL="http://127.0.0.1:9", TIMEOUT=0.1)
    User.objects.create_user("ann", password="a long one")
    client.get(MUG)
    assert client.post("/login/", {"username": "ann", "password": "a long one"}).status_code == 302
    assert "was not merged into user" in caplog.text
    service.events().close()


def test_the_project_says_by_what_id_a_user_is_known(
    double: Double, settings: Settings, products: list[Product], client: Client
) -> None:
    use(settings, USER_ID="tests.test_visitors.customer_number")
    client.force_login(User.objects.create_user("ann"))
    client.get(MUG)
    wait_until(lambda: users(double) == ["customer-ann"])


def customer_number(user: User) -> str:
    return f"customer-{user.username}"
