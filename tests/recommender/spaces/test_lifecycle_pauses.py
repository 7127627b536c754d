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
