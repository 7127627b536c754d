import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.models import Space
from recommender.spaces import lifecycle, partitions, switching
from recommender.spaces.lifecycle import find_space
from tests.shop import Shop

from . import page

ADD = "admin:recommender_space_add"


def address(space: Space, action: str = "change") -> str:
    return reverse(f"admin:recommender_space_{action}", args=[space.pk])


def design(shop: Shop, **changed: object) -> dict[str, object]:
    """What a person fills in."""
    return {
        "catalog": shop.catalog.pk,
        "name": "text",
        "model": "fake",
        "dimension": "32",
        "kind": "text",
        "output": "dense",
        "template": "{title}",
        "long_text": "truncate",
        **changed,
    }


@pytest.fixture
def second(shop: Shop) -> Space:
    """A second version, finished."""
    space = lifecycle.create_space(shop.catalog, model="fake", dimension=32)
    shop.embed(space)
    assert lifecycle.finish(space.pk)
    space.refresh_from_db()
    return space


def buttons(client: Client, space: Space) -> list[str]:
    links = page.hrefs(client.get(address(space)))
    actions = ("compare", "activate", "roll_back", "retire")
    return [name for name in actions if address(space, name) in links]


def test_the_estimate_is_shown_before_a_version_is_made(
    admin_client: Client, shop: Shop, announced: list[int]
) -> None:
    form = page.text(admin_client.get(reverse(ADD)))
    assert "Embedding model" in form
    assert "wordllama-256" in form

    shown = page.text(admin_client.post(reverse(ADD), design(shop)))

    assert "text@2: 5 products to embed, about" in shown
    assert "Create text@2" in shown
    assert Space.objects.count() == 1
    assert announced == []

    done = admin_client.post(reverse(ADD), design(shop, create="1"), follow=True)

    space = find_space(shop.catalog, "text@2")
    assert (space.dimension, space.template, space.status) == (32, "{title}", "building")
    assert "Made text@2." in page.text(done)
    assert announced == [space.pk]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"template": "{colour}"}, "no field of a product"),
        ({"model": "wordllama-256", "dimension": "7"}, "does not give 7"),
        ({"model": "wordllama-256", "dimension": "", "kind": "image"}, "does not read image"),
        ({"model": "no-such"}, "Select a valid choice"),
        ({"dimension": "0"}, "greater than or equal to 1"),
        ({"dimension": "9" * 30}, "more than an index takes"),
        ({"catalog": "0"}, "Select a valid choice"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_version_that_cannot_be_is_refused_in_the_form(
    admin_client: Client, shop: Shop, changed: dict[str, object], words: str
) -> None:
    response = admin_client.post(reverse(ADD), design(shop, create="1", **changed))

    assert words in page.text(response)
    assert Space.objects.count() == 1


def test_each_state_has_the_buttons_that_make_sense(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    first = shop.space
    # There is nothing to go back to: the second version never served.
    assert buttons(admin_client, first) == ["compare"]
    assert buttons(admin_client, second) == ["compare", "activate", "retire"]

    switching.activate(second)
    assert buttons(admin_client, first) == ["compare", "activate", "retire"]
    assert buttons(admin_client, second) == ["compare", "roll_back"]

    lifecycle.retire(first)
    assert buttons(admin_client, first) == []
    assert buttons(admin_client, second) == []


def test_a_version_is_activated_when_that_is_confirmed(
    admin_client: Client, shop: Shop, second: Space, announced: list[int]
) -> None:
    first = shop.space
    asked = page.text(admin_client.get(address(second, "activate")))
    assert "From the next answer on, text@2 serves the catalog shop. text@1 is kept" in asked
    assert shop.space == first

    done = page.text(admin_client.post(address(second, "activate"), follow=True))

    assert "text@2 serves now." in done
    assert shop.space == second
    assert announced == [second.pk]


def test_a_version_that_is_not_ready_is_refused_unless_the_box_is_ticked(
    admin_client: Client, shop: Shop
) -> None:
    space = lifecycle.create_space(shop.catalog, model="fake")

    refused = page.text(admin_client.post(address(space, "activate"), follow=True))
    assert "text@2 has no vector yet for 5 of 5 products" in refused
    assert shop.space != space

    admin_client.post(address(space, "activate"), {"box": "on"})
    assert shop.space == space


def test_a_rollback_brings_back_the_version_before(
    admin_client: Client, shop: Shop, second: Space, announced: list[int]
) -> None:
    first = shop.space
    refused = page.text(admin_client.post(address(first, "roll_back"), follow=True))
    assert "no version of 'text' to go back to" in refused
    switching.activate(second)

    assert "Roll back from text@2" in page.text(admin_client.get(address(second, "roll_back")))
    done = page.text(admin_client.post(address(second, "roll_back"), follow=True))

    assert "text@1 serves again." in done
    assert shop.space == first
    assert announced == [first.pk]


def test_a_version_is_retired_when_that_is_confirmed(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    assert "There is no way back." in page.text(admin_client.get(address(second, "retire")))
    assert partitions.size(second.pk) > 0

    done = page.text(admin_client.post(address(second, "retire"), follow=True))

    assert "Retired text@2: " in done
    assert partitions.size(second.pk) == 0
    refused = page.text(admin_client.post(address(shop.space, "retire"), follow=True))
    assert "text@1 serves. Activate another version first" in refused


def test_two_versions_are_compared_once_one_is_chosen(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    Space.objects.create(
        catalog=shop.catalog, name="als", kind="behaviour", status="active", dimension=8
    )
    chosen = page.text(admin_client.get(address(second, "compare")))
    assert "text@2 with text@1 (Active) als@1 (Active) Compare" in chosen
    assert "What they are" not in chosen

    shown = page.text(admin_client.get(address(second, "compare"), {"with": shop.space.pk}))

    assert "Model fake fake" in shown
    assert "5 of 5 5 of 5" in shown
    assert "The same among the 20 most similar" in shown
    assert "Too little history" in shown
    assert "Which recommends better cannot be said." in shown


@pytest.mark.parametrize("other", ["", "x", "0", "9" * 30, "-1"])
def test_a_comparison_with_what_is_not_there_asks_again(
    admin_client: Client, second: Space, other: str
) -> None:
    shown = page.text(admin_client.get(address(second, "compare"), {"with": other}))

    assert "What they are" not in shown


def test_a_space_alone_or_retired_says_that_it_cannot_be_compared(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    lifecycle.retire(second)
    assert "no other version to compare" in page.text(
        admin_client.get(address(shop.space, "compare"))
    )

    shown = admin_client.get(address(second, "compare"), {"with": shop.space.pk}, follow=True)
    assert "text@2 is retired" in page.text(shown)


@pytest.mark.parametrize("action", ["compare", "activate", "roll_back", "retire"])
@pytest.mark.parametrize("key", ["0", "x", "9" * 30])
def test_a_space_that_is_not_there_is_said(
    admin_client: Client, shop: Shop, action: str, key: str
) -> None:
    there_is_none = reverse(f"admin:recommender_space_{action}", args=[key])

    shown = page.text(admin_client.get(there_is_none, follow=True))

    assert f"There is no space '{key}'" in shown


def test_who_may_only_view_spaces_changes_nothing(
    client: Client, shop: Shop, second: Space
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_space"))
    client.force_login(clerk)

    assert buttons(client, second) == ["compare"]
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(reverse(ADD), design(shop, create="1")).status_code == 403
    for action in ("activate", "roll_back", "retire"):
        assert client.post(address(second, action)).status_code == 403
    assert [str(space) for space in Space.objects.all()] == ["text@2", "text@1"]
    assert partitions.size(second.pk) > 0


def test_each_permission_opens_its_own_button(client: Client, second: Space) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    for name in ("view_space", "change_space"):
        clerk.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(clerk)
    assert buttons(client, second) == ["compare", "activate"]

    clerk.user_permissions.add(Permission.objects.get(codename="delete_space"))
    assert buttons(client, second) == ["compare", "activate", "retire"]
