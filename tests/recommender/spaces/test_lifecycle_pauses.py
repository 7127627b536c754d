from datetime import timedelta

from django.utils import timezone

from recommender.models import Space
from recommender.spaces import lifecycle
from tests.shop import Shop


def test_a_pause_says_why_and_since_when_until_it_ends(shop: Shop) -> None:
    lifecycle.pause(shop.space, "The budget is spent.")
    first = shop.space
    assert first.paused_reason == "The budget is spent."
    assert first.paused_at is not None

    lifecycle.pause(shop.space, "The budget is spent.")
    assert shop.space.paused_at == first.paused_at

    lifecycle.resume(shop.space)
    assert (shop.space.paused_reason, shop.space.paused_at) == ("", None)


def test_another_reason_takes_the_place_of_the_first(shop: Shop) -> None:
    lifecycle.pause(shop.space, "The budget is spent.")

    lifecycle.pause(shop.space, "The API key is wrong.")

    assert shop.space.paused_reason == "The API key is wrong."


def test_other_spaces_go_on(shop: Shop) -> None:
    other = Shop.open("other").space

    lifecycle.pause(shop.space, "The budget is spent.")

    assert Space.objects.get(pk=other.pk).paused_reason == ""


def test_a_pause_for_configuration_backs_off(shop: Shop) -> None:
    spaces = Space.objects.filter(pk=shop.space.pk)
    waits = []
    for minutes_paused in (0, 1, 8, 600):
        spaces.update(paused_at=timezone.now() - timedelta(minutes=minutes_paused))
        lifecycle.pause(shop.space, "There is no API key.", needs_person=True)
        assert not lifecycle.due(spaces).exists()
        waits.append(shop.space.retry_at - timezone.now())

    assert [round(wait / timedelta(minutes=1)) for wait in waits] == [1, 1, 8, 60]

    spaces.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert lifecycle.due(spaces).exists()


def test_who_changes_the_configuration_does_not_wait(shop: Shop) -> None:
    lifecycle.pause(shop.space, "There is no API key.", needs_person=True)
    lifecycle.resume(shop.space)
    assert shop.space.retry_at is None

    lifecycle.pause(shop.space, "There is no API key.", needs_person=True)
    lifecycle.try_again()
    assert shop.space.retry_at is None
    assert shop.space.paused_reason == "There is no API key."


def test_a_spent_budget_is_looked_at_with_every_sweep(shop: Shop) -> None:
    lifecycle.pause(shop.space, "The budget is spent.")
    assert shop.space.retry_at is None
