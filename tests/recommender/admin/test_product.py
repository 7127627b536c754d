from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from pgvector import SparseVector

from recommender.models import Catalog, Product, ProductVector, Space
from recommender.spaces import quarantine, staleness
from recommender.spaces.quarantine import Refusal
from tests.shop import Shop

from . import page
from .conftest import PRODUCTS

LIST = "admin:recommender_product_changelist"


def change(product: Product) -> str:
    return reverse("admin:recommender_product_change", args=[product.pk])


def listed(client: Client, **parameters: object) -> set[str]:
    """The ids in the list of products."""
    response = client.get(reverse(LIST), parameters)
    assert response.status_code == 200
    return {product.external_id for product in response.context["cl"].result_list}


def form(product: Product, **changed: object) -> dict[str, object]:
    """What the change page posts."""
    fields: dict[str, object] = {
        "title": product.title,
        "description": product.description,
        "category": product.category,
        "brand": product.brand,
        "price": "12.5",
        "currency": product.currency,
        "in_stock": "on",
        "image_urls": "",
        "video_urls": "",
        "attributes": "{}",
    }
    return fields | changed


def run(client: Client, action: str, *products: Product) -> str:
    """Run a list action; what the page then says."""
    chosen = [product.pk for product in products]
    data = {"action": action, ACTION_CHECKBOX_NAME: chosen}
    return page.text(client.post(reverse(LIST), data, follow=True))


def test_the_list_shows_what_a_person_looks_for(admin_client: Client, catalog: Catalog) -> None:
    text = page.text(admin_client.get(reverse(LIST)))
    assert "Blue enamel mug mug-1 shop Home/Kitchen Emalia 12.50 EUR" in text
    assert text.count("Fresh") >= len(PRODUCTS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mug-", {"mug-1", "mug-2", "mug-3"}),
        ("enamel red", {"mug-2"}),
        ("nord", {"tent-1", "tent-2"}),
        ("ug-1", set()),
    ],
)
def test_a_search_finds_the_start_of_an_id_words_of_a_title_and_a_brand(
    admin_client: Client, catalog: Catalog, words: str, expected: set[str]
) -> None:
    assert listed(admin_client, q=words) == expected


def test_filters_narrow_the_list(admin_client: Client, catalog: Catalog) -> None:
    Product.objects.filter(external_id="tent-2").update(in_stock=False)
    assert listed(admin_client, in_stock__exact="0") == {"tent-2"}
    assert listed(admin_client, category="Outdoor") == {"tent-1", "tent-2"}
    assert listed(admin_client, brand="Tinn") == {"mug-3"}
    other = Catalog.objects.create(name="other")
    assert len(listed(admin_client, catalog__id__exact=catalog.pk)) == len(PRODUCTS)
    assert listed(admin_client, catalog__id__exact=other.pk) == set()


def test_vectors_are_filtered_by_their_state(admin_client: Client, shop: Shop) -> None:
    Product.objects.filter(external_id="mug-2").update(title="Green enamel mug")
    shop.put({"id": "new", "title": "A new one"}, {"id": "void"})
    assert listed(admin_client, vector="stale") == {"mug-2"}
    assert listed(admin_client, vector="missing") == {"new", "void"}
    shop.embed()
    assert listed(admin_client, vector="empty") == {"void"}
    assert len(listed(admin_client, vector="fresh")) == len(PRODUCTS) + 1


def test_a_filter_with_too_many_values_is_left_out(admin_client: Client, shop: Shop) -> None:
    assert "By brand" in page.text(admin_client.get(reverse(LIST)))
    shop.put(*({"id": f"n{n}", "brand": f"Brand {n}"} for n in range(300)))
    text = page.text(admin_client.get(reverse(LIST)))
    assert "By brand" not in text
    assert "By category" in text


def test_a_longer_list_takes_no_more_queries(admin_client: Client, shop: Shop) -> None:
    few = page.queries(admin_client, reverse(LIST))
    shop.put(*({"id": f"n{n}", "title": f"Number {n}"} for n in range(45)))
    shop.embed()
    assert page.queries(admin_client, reverse(LIST)) == few
    assert few <= 8


def test_the_page_shows_similar_products_with_scores_and_links(
    admin_client: Client, shop: Shop, mug: Product
) -> None:
    response = admin_client.get(change(mug))
    text = page.text(response)
    rows = response.context["similar"].rows
    assert [row[2] for row in rows[:2]] == ["mug-2", "mug-3"]
    assert "From text@1." in text
    for external_id in ("mug-2", "tent-1"):
        assert change(shop.product(external_id)) in page.hrefs(response)
    scores = [float(page.words(row[-1])) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert f"{scores[0]:.3f}" in text


def test_a_picture_is_shown_from_the_web_only(
    admin_client: Client, shop: Shop, mug: Product
) -> None:
    Product.objects.filter(external_id="mug-2").update(image_urls=["https://shop.example/2.jpg"])
    Product.objects.filter(external_id="mug-3").update(image_urls=["javascript:alert(1)"])
    html = admin_client.get(change(mug)).content.decode()
    assert 'src="https://shop.example/2.jpg"' in html
    assert "javascript:alert" not in html


def test_a_title_is_shown_as_text_not_as_html(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    Product.objects.filter(external_id="mug-2").update(title="<b>Bold</b> mug")
    html = admin_client.get(change(mug)).content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt; mug" in html
    assert "<b>Bold</b>" not in html


def test_the_page_of_a_product_without_a_vector_says_what_it_shows_instead(
    admin_client: Client, shop: Shop
) -> None:
    shop.put({"id": "new", "title": "New mug", "category": "Home/Kitchen"})
    text = page.text(admin_client.get(change(shop.product("new"))))
    assert "No vector yet" in text
    assert "Fallback: popular" in text


def test_an_edit_is_saved_and_makes_the_vector_stale(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    data = form(mug, title="Yellow enamel mug", attributes='{"colour": "yellow"}')
    response = admin_client.post(change(mug), {**data, "_continue": "1"}, follow=True)
    text = page.text(response)
    assert "changed successfully" in text
    assert "text@1 Active fake Stale" in text
    catalog.refresh_from_db()
    assert catalog.attributes == {"colour": "string"}
    assert staleness.count(Space.objects.get(catalog=catalog)) == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "image_urls",
            "shop.example/a.jpg",
            "is not a list of http(s) addresses; write one a line",
        ),
        ("image_urls", "https://a.example/\nftp://b.example/", "not a list of http(s) addresses"),
        ("video_urls", "https://a.example/" + "x" * 2_000, "is longer than 2,000 characters"),
        ("image_urls", "https://shop.example/\0", "This holds a NUL character"),
        ("attributes", "[1]", "This is not a JSON object."),
        ("attributes", '{"size": "large"}', "is declared as number, not string"),
        ("attributes", '{"size": NaN}', "This is not JSON"),
        ("attributes", '{"size": 1e999}', "This is not JSON"),
        ("attributes", '{"a": "\\u0000"}', "This holds a NUL character."),
        ("attributes", '{"a": "\\ud800"}', "This is not JSON"),
        ("attributes", '{"a": ' + "[" * 100_000, "This is not JSON"),
        ("attributes", '{"a": ' + "[" * 500 + "]" * 500 + "}", "This holds what JSON cannot"),
        ("attributes", '{"a": ' + "[" * 200 + "]" * 200 + "}", "neither a string, a number"),
        ("attributes", '{"%s": 1}' % ("x" * 256), "name of more than 255 characters"),
        ("price", "-1", "This is negative."),
        ("price", "NaN", "Enter a number"),
        ("currency", "<b>", "This is not a code of three letters."),
        ("title", "x" * 200_000, "This is longer than 100,000 characters."),
        ("title", "a\0b", "Null characters are not allowed"),
        ("description", "€" * 99_000, "the product has more than 256 KB"),
        ("brand", "x" * 601, "This is longer than 600 characters."),
        ("category", "x" * 601, "This is longer than 600 characters."),
        ("released_at_0", "0000-00-00", "Enter a valid date"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_the_api_would_refuse_is_refused(
    admin_client: Client, catalog: Catalog, mug: Product, field: str, value: str, message: str
) -> None:
    Catalog.objects.filter(pk=catalog.pk).update(attributes={"size": "number"})
    response = admin_client.post(change(mug), form(mug, **{"title": "Changed", field: value}))
    assert message in page.text(response)
    mug.refresh_from_db()
    assert mug.title == "Blue enamel mug"


def test_the_form_shows_what_a_person_would_write(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    Product.objects.filter(pk=mug.pk).update(released_at=datetime(2026, 9, 1, 8, tzinfo=UTC))
    pictures = ["https://shop.example/a.jpg", "https://shop.example/b.jpg"]
    written = {"image_urls": "\r\n".join(pictures), "released_at_0": "2026-09-02"}
    fields = form(mug, released_at_1="08:30:00", **written)
    assert admin_client.post(change(mug), fields).status_code == 302

    mug.refresh_from_db()
    assert mug.image_urls == pictures
    assert mug.released_at == datetime(2026, 9, 2, 8, 30, tzinfo=UTC)
    html = admin_client.get(change(mug)).content.decode()
    assert "\n".join(pictures) in html
    assert 'value="2026-09-02"' in html
    assert 'value="12.50"' in html


def test_a_product_of_any_id_has_its_page(admin_client: Client, shop: Shop) -> None:
    for name in ("a/../b", "100% ?#", "<b>x</b>", "bulk", "é🫖", "x" * 255):
        shop.put({"id": name, "title": "Odd one"})
        response = admin_client.get(change(shop.product(name)))
        assert response.status_code == 200
        assert name in page.text(response)
        assert admin_client.get(reverse(LIST), {"q": name}).context["cl"].result_count == 1


def test_a_number_of_thousands_of_digits_is_too_large_and_breaks_nothing(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    data = form(mug, attributes='{"size": %s}' % ("9" * 5_000), price="9" * 5_000)
    text = page.text(admin_client.post(change(mug), data))
    assert "no more than 14 digits" in text
    assert "This is not JSON" in text


def test_the_form_reads_as_the_api_does(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    data = form(
        mug,
        category="Home / Kitchen",
        currency="usd",
        attributes='{"a": null, "b": 1}',
        price="0.1",
    )
    admin_client.post(change(mug), {**data, "image_urls": "https://a.example/1.jpg"})
    mug.refresh_from_db()
    assert (mug.category, mug.currency, mug.price) == ("Home/Kitchen", "USD", Decimal("0.1"))
    assert (mug.attributes, mug.image_urls) == ({"b": 1}, ["https://a.example/1.jpg"])


def test_re_embedding_makes_products_stale_and_keeps_them_served(
    admin_client: Client, catalog: Catalog, mug: Product, shop: Shop
) -> None:
    space = Space.objects.get(catalog=catalog)
    text = run(admin_client, "re_embed", mug, shop.product("mug-2"))
    assert "2 products are stale now." in text
    assert listed(admin_client, vector="stale") == {"mug-1", "mug-2"}
    assert staleness.count(space) == 2
    rows = admin_client.get(change(mug)).context["similar"].rows
    assert rows[0][2] == "mug-2"
    shop.embed()
    assert staleness.count(space) == 0


def test_a_deleted_product_is_kept_for_the_histories(
    admin_client: Client, catalog: Catalog, mug: Product
) -> None:
    address = reverse("admin:recommender_product_delete", args=[mug.pk])
    assert "Are you sure" in page.text(admin_client.get(address))
    admin_client.post(address, {"post": "yes"})
    mug.refresh_from_db()
    assert mug.deleted_at is not None
    assert "mug-1" not in listed(admin_client)


def test_products_are_deleted_together(admin_client: Client, catalog: Catalog) -> None:
    tents = Product.objects.filter(category="Outdoor")
    data = {
        "action": "delete_selected",
        ACTION_CHECKBOX_NAME: [tent.pk for tent in tents],
        "post": "yes",
    }
    admin_client.post(reverse(LIST), data)
    assert listed(admin_client) == {"mug-1", "mug-2", "mug-3"}
    assert Product.objects.count() == len(PRODUCTS)


def test_a_product_says_why_a_model_refused_it(admin_client: Client, shop: Shop) -> None:
    product = shop.product("mug-1")
    quarantine.add(shop.space, [Refusal(product.pk, product.content_hash, "TooRude", "Be kind.")])
    ProductVector.objects.filter(product=product).update(embedding=None)

    assert listed(admin_client, vector="refused") == {"mug-1"}
    assert listed(admin_client, vector="empty") == set()
    # In the list, and as a choice of the filter.
    assert page.text(admin_client.get(reverse(LIST))).count("Quarantined") == 2
    text = page.text(admin_client.get(change(product)))
    assert "text@1 Active fake Quarantined TooRude Be kind. -" in text

    shop.stock(**{"mug-1": "A kinder mug"})
    assert listed(admin_client, vector="refused") == set()
    assert listed(admin_client, vector="stale") == {"mug-1"}


def test_a_sparse_vector_is_a_vector(admin_client: Client, shop: Shop) -> None:
    word = SparseVector({7: 1.0}, 1_000_000_000)
    ProductVector.objects.filter(product=shop.product("mug-1")).update(embedding=None, sparse=word)
    assert "mug-1" in listed(admin_client, vector="fresh")
    assert listed(admin_client, vector="empty") == set()


def test_the_form_and_its_errors_come_before_what_is_told(
    admin_client: Client, mug: Product
) -> None:
    wrong = admin_client.post(change(mug), {"title": "Blue enamel mug", "price": "much"})
    html = wrong.content.decode()
    places = [html.index(word) for word in ("Enter a number.", "text@1", "Similar products")]
    assert places == sorted(places)
