"""Whatever text a shop sends, a page shows it as text: no element, no attribute is made of it."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from lxml import html

from recommender.catalog import attributes
from recommender.models import Catalog, Feed, Product, Space, User
from recommender.spaces import lifecycle, quarantine
from recommender.spaces.quarantine import Refusal
from tests import corpus
from tests.shop import Shop

TEXT = " ".join(text for text in corpus.TEXTS.values() if "\x1b" not in text and "\x01" not in text)


def fill(shop: Shop, text: str) -> None:
    """Put a text into all that a page of the admin shows of what others sent."""
    product = Product.objects.filter(catalog=shop.catalog, external_id="mug-1")
    product.update(
        title=text,
        description=text,
        category=text[:600],
        brand=text[:600],
        attributes={text: text, "list": [text]},
        image_urls=[f"https://shop.example/{text[:600]}"],
    )
    attributes.declare(shop.catalog, {"colour": "string"})
    Catalog.objects.update(attributes={text[:255]: "string"}, event_weights={text[:60]: 1.0})
    User.objects.filter(external_id="ann").update(attributes={text: text})
    refusal = Refusal(product.get().pk, product.get().content_hash, text[:60], text)
    quarantine.add(shop.space, [refusal])
    lifecycle.pause(shop.space, text)
    Feed.objects.update_or_create(
        catalog=shop.catalog,
        defaults={
            "url": "https://shop.example/" + text[:900],
            "every_hours": 1,
            "options": text,
            "status": Feed.Status.FAILED,
            "error": text,
            "report": text,
            "counts": [[text, 3]],
        },
    )


def addresses() -> list[str]:
    """Every page of the admin that shows an object of this application, and the first page."""
    found = [reverse("admin:index")]
    for model in admin.site._registry:
        if model._meta.app_label == "recommender":
            name = f"admin:recommender_{model._meta.model_name}"
            found.append(reverse(f"{name}_changelist"))
            found += [
                reverse(f"{name}_change", args=[pk])
                for pk in model._default_manager.values_list("pk", flat=True)[:1]
            ]
    mug, ann = Product.objects.get(external_id="mug-1"), User.objects.get(external_id="ann")
    found += [reverse("admin:recommender_product_change", args=[mug.pk])]
    return [*found, reverse("admin:recommender_user_change", args=[ann.pk])]


def made_of(page: bytes) -> set[str]:
    """The kinds of elements and the names of attributes that a page has."""
    root = html.document_fromstring(page.decode())
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    names = {name for element in elements for name in (element.tag, *map(str, element.attrib))}
    return names - {"br"}  # a text may have line ends


def links(page: bytes) -> list[str]:
    root = html.document_fromstring(page.decode())
    return [value for _, _, value, _ in root.iterlinks()]


@pytest.mark.slow  # two dozen pages, twice
def test_no_element_and_no_attribute_of_a_page_is_made_of_a_text(
    admin_client: Client, shop: Shop
) -> None:
    fill(shop, "plain words " * 60)
    plain = {address: admin_client.get(address).content for address in addresses()}
    fill(shop, TEXT)

    shown = b""
    for address, before in plain.items():
        answer = admin_client.get(address)
        assert answer.status_code == 200, address
        assert made_of(answer.content) - made_of(before) == set(), address
        assert not [link for link in links(answer.content) if link.startswith("javascript:")]
        shown += answer.content
    for name in ("script", "svg", "right-to-left", "zero-width", "sql", "formula"):
        assert corpus.TEXTS[name] in html.document_fromstring(shown.decode()).text_content()
    assert Space.objects.exists()
