import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.models import Catalog, Ranker
from tests.shop import NOON

from . import page

LIST = "admin:recommender_ranker_changelist"


def address(ranker: Ranker, action: str = "change") -> str:
    return reverse(f"admin:recommender_ranker_{action}", args=[ranker.pk])


def make(catalog: Catalog, kind: str, *, is_active: bool) -> Ranker:
    figures = {
        "blend": {"mean": 0.13, "low": 0.12, "high": 0.14},
        "fusion": {"mean": 0.11, "low": 0.1, "high": 0.12},
    }
    return Ranker.objects.create(
        catalog=catalog,
        mode="new",
        kind=kind,
        model=b"\0",
        figures=figures,
        is_active=is_active,
        trained_until=NOON,
    )


@pytest.fixture
def older(catalog: Catalog) -> Ranker:
    return make(catalog, "logistic", is_active=False)


@pytest.fixture
def serving(catalog: Catalog) -> Ranker:
    return make(catalog, "blend", is_active=True)


def test_the_list_tells_which_serves_and_how_each_kind_was_judged(
    admin_client: Client, older: Ranker, serving: Ranker
) -> None:
    text = page.text(admin_client.get(reverse(LIST)))
    figures = "blend 0.1300 (0.1200 to 0.1400) fusion 0.1100 (0.1000 to 0.1200)"
    until = "1 June 2025, 12:00 UTC"
    assert f"blend shop New products Active {until} {figures}" in text
    assert f"logistic shop New products Kept {until} {figures}" in text


def test_an_older_one_serves_once_it_is_confirmed(
    admin_client: Client, older: Ranker, serving: Ranker
) -> None:
    activate = address(older, "activate")
    assert activate in page.hrefs(admin_client.get(address(older)))
    assert address(serving, "activate") not in page.hrefs(admin_client.get(address(serving)))

    named = "logistic, learnt until 1 June 2025, 12:00 UTC"
    assert f"Activate {named}" in page.text(admin_client.get(activate))
    assert Ranker.objects.get(is_active=True) == serving

    text = page.text(admin_client.post(activate, follow=True))
    assert f"{named} serves now." in text
    assert Ranker.objects.get(is_active=True) == older


def test_who_may_only_look_does_not_activate(client: Client, older: Ranker) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_ranker"))
    client.force_login(clerk)
    client.post(address(older, "activate"))
    assert not Ranker.objects.filter(is_active=True).exists()


def test_a_ranker_that_is_gone_is_said(admin_client: Client, older: Ranker) -> None:
    activate = address(older, "activate")
    older.delete()
    assert "was it deleted?" in page.text(admin_client.get(activate, follow=True))
