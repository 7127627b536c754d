import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.admin import counts
from recommender.models import Product, ProductVector, QuarantinedProduct, Space
from recommender.spaces import lifecycle, quarantine, staleness
from recommender.spaces.quarantine import Refusal
from tests.shop import Shop

from . import page

LIST = "admin:recommender_quarantinedproduct_changelist"


def refuse(space: Space, *keys: str, reason: str = "Too rude.", code: str = "Rude") -> None:
    """Have the model refuse these products of the shop."""
    products = Product.objects.filter(catalog=space.catalog_id, external_id__in=keys)
    quarantine.add(
        space, [Refusal(product.pk, product.content_hash, code, reason) for product in products]
    )
    ProductVector.objects.filter(space=space, product__in=products).update(embedding=None)


def listed(client: Client, **parameters: object) -> set[str]:
    """The ids of the listed products."""
    response = client.get(reverse(LIST), parameters)
    assert response.status_code == 200
    return {row.product.external_id for row in response.context["cl"].result_list}


def try_again(client: Client, *keys: str) -> str:
    """Select these products and try them again; what the page then says."""
    chosen = QuarantinedProduct.objects.filter(product__external_id__in=keys)
    data = {"action": "try_again", "_selected_action": list(chosen.values_list("pk", flat=True))}
    return page.text(client.post(reverse(LIST), data, follow=True))


def all_of(space: Space) -> str:
    return reverse("admin:recommender_quarantinedproduct_retry", args=[space.pk])


def clerk(client: Client, *permissions: str) -> None:
    """Log in as one who may do just this."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)


@pytest.fixture
def second(shop: Shop) -> Space:
    """Another version in the same catalog."""
    space = lifecycle.create_space(shop.catalog, model="fake", dimension=32)
    shop.embed(space)
    return space


def test_the_list_gives_product_space_and_reason(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    response = admin_client.get(reverse(LIST))
    assert "Blue enamel mug mug-1 shop text@1 Rude Too rude. Unchanged" in page.text(response)
    product = reverse("admin:recommender_product_change", args=[shop.product("mug-1").pk])
    assert product in page.hrefs(response)


def test_what_changed_since_says_so(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    shop.stock(**{"mug-1": "A kinder mug"})
    assert "Too rude. Changed since" in page.text(admin_client.get(reverse(LIST)))


def test_a_row_has_a_page_and_no_form(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    row = QuarantinedProduct.objects.get()
    address = reverse("admin:recommender_quarantinedproduct_change", args=[row.pk])
    assert "Reason Too rude." in page.text(admin_client.get(address))
    assert admin_client.post(address, {"reason": "None."}).status_code == 403


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mug-", {"mug-1", "mug-2"}),
        ("two tent", {"tent-1"}),
        ("long", {"tent-1"}),
        ("rude", {"mug-1", "mug-2"}),
        ("toolong", {"tent-1"}),
        ("lamp", set()),
    ],
)
def test_a_search_finds_an_id_a_title_a_reason_and_a_code(
    admin_client: Client, shop: Shop, words: str, expected: set[str]
) -> None:
    refuse(shop.space, "mug-1", "mug-2")
    refuse(shop.space, "tent-1", reason="The text is too long.", code="TooLong")
    assert listed(admin_client, q=words) == expected


def test_filters_narrow_to_a_catalog_and_a_space(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    refuse(shop.space, "mug-1")
    refuse(second, "mug-2")
    other = Shop.open("other")
    other.stock(a="A lamp")
    refuse(other.space, "a")
    assert listed(admin_client) == {"mug-1", "mug-2", "a"}
    assert listed(admin_client, space__catalog__id__exact=shop.catalog.pk) == {"mug-1", "mug-2"}
    assert listed(admin_client, space=second.pk) == {"mug-2"}
    assert "shop: text@2" in page.text(admin_client.get(reverse(LIST)))


def test_a_deleted_product_is_not_listed(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1", "mug-2")
    admin_client.post(
        reverse("admin:recommender_product_delete", args=[shop.product("mug-1").pk]),
        {"post": "yes"},
    )
    assert listed(admin_client) == {"mug-2"}


def test_selected_products_are_tried_again(
    admin_client: Client, shop: Shop, announced: list[int]
) -> None:
    refuse(shop.space, "mug-1", "mug-2", "tent-1")

    text = try_again(admin_client, "mug-1", "tent-1")

    assert "2 products are out of quarantine" in text
    assert listed(admin_client) == {"mug-2"}
    assert staleness.count(shop.space) == 2
    assert announced == [shop.space.pk]
    shop.embed()
    assert ProductVector.objects.filter(space=shop.space, embedding=None).count() == 1


def test_all_of_a_space_is_tried_again_and_no_other(
    admin_client: Client, shop: Shop, second: Space, announced: list[int]
) -> None:
    refuse(shop.space, "mug-1")
    refuse(second, "mug-1", "mug-2")
    assert all_of(second) in admin_client.get(reverse(LIST)).content.decode()

    text = page.text(admin_client.post(all_of(second), follow=True))

    assert "2 products are out of quarantine" in text
    assert list(QuarantinedProduct.objects.values_list("space", flat=True)) == [shop.space.pk]
    assert announced == [second.pk]


def test_it_says_why_what_is_tried_again_waits(
    admin_client: Client, shop: Shop, second: Space
) -> None:
    refuse(shop.space, "mug-1")
    lifecycle.pause(shop.space, "No API key.")
    assert "shop: embedding of text@1 is paused: No API key." in try_again(admin_client, "mug-1")
    refuse(second, "mug-1")
    Space.objects.filter(pk=second.pk).update(status=Space.Status.STANDBY)
    assert "shop: text@2 is on standby" in try_again(admin_client, "mug-1")


def test_a_look_at_the_address_tries_nothing_again(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    assert admin_client.get(all_of(shop.space)).status_code == 405
    assert QuarantinedProduct.objects.exists()


def test_who_may_only_view_cannot_try_again(client: Client, shop: Shop) -> None:
    clerk(client, "view_quarantinedproduct")
    refuse(shop.space, "mug-1")
    text = page.text(client.get(reverse(LIST)))
    assert "Too rude." in text
    assert "Try again" not in text
    assert "Try all again" not in text
    try_again(client, "mug-1")
    assert client.post(all_of(shop.space)).status_code == 403
    assert QuarantinedProduct.objects.exists()


def test_who_may_change_can_try_again(client: Client, shop: Shop) -> None:
    clerk(client, "view_quarantinedproduct", "change_quarantinedproduct")
    refuse(shop.space, "mug-1")
    assert "1 product is out of quarantine" in try_again(client, "mug-1")


def test_more_products_take_no_more_queries(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    few = page.queries(admin_client, reverse(LIST))
    shop.stock(**{f"lamp-{n}": f"Lamp {n}" for n in range(20)})
    refuse(shop.space, *(f"lamp-{n}" for n in range(20)))
    assert page.queries(admin_client, reverse(LIST)) == few
    assert few <= 9


def test_many_are_counted_up_to_a_limit(
    admin_client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MANY_QUARANTINED", 1)
    refuse(shop.space, "mug-1", "mug-2")
    assert "shop: text@1 fake more than 1 " in page.text(admin_client.get(reverse(LIST)))


def test_a_space_leads_to_its_quarantine(admin_client: Client, shop: Shop, second: Space) -> None:
    refuse(second, "mug-1", "mug-2")
    address = reverse("admin:recommender_space_change", args=[second.pk])
    response = admin_client.get(address)
    assert "Quarantined products 2" in page.text(response)
    assert f"{reverse(LIST)}?space={second.pk}" in page.hrefs(response)
    none = reverse("admin:recommender_space_change", args=[shop.space.pk])
    assert "Quarantined products 0" in page.text(admin_client.get(none))


def test_the_page_is_titled_by_names_and_no_numbers(admin_client: Client, shop: Shop) -> None:
    refuse(shop.space, "mug-1")
    row = QuarantinedProduct.objects.get()
    page_of = reverse("admin:recommender_quarantinedproduct_change", args=[row.pk])
    assert "Blue enamel mug in text@1" in page.text(admin_client.get(page_of))
