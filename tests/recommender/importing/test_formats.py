"""Every format has a sample, as its public documentation has it, that goes in by one command."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from recommender.models import Event, Product
from tests.recommender.api.client import Api
from tests.recommender.api.conftest import api
from tests.recommender.importing.desk import Desk
from tests.shop import Shop

__all__ = ["api"]

SAMPLES = Path(__file__).with_name("samples")
CDN = "https://cdn.shopify.com"
PRODUCTS: list[tuple[str, str, dict[str, dict[str, Any]]]] = [
    (
        "shopify.csv",
        "a Shopify product export",
        {
            "merino-jumper": {
                "title": "Merino Jumper",
                "category": "Apparel & Accessories/Clothing/Shirts & Tops",
                "brand": "Northwind",
                "price": 74.9,
                "in_stock": True,
                "image_urls": [
                    f"{CDN}/s/files/1/merino-front.jpg?v=1",
                    f"{CDN}/s/files/1/merino-back.jpg?v=1",
                    f"{CDN}/s/files/1/merino-m.jpg",
                    f"{CDN}/s/files/1/merino-detail.jpg?v=1",
                ],
                "attributes": {"type": "Jumper", "tags": ["wool", "winter", "new"]},
            },
            "garden-hose": {"price": 24.0, "in_stock": True, "image_urls": []},
            "candle": {"category": "Candles", "in_stock": False, "attributes.tags": ["gift"]},
        },
    ),
    (
        "shopify-2025.csv",
        "a Shopify product export",
        {
            "espresso-beans": {
                "title": "Espresso Beans",
                "category": "Food, Beverages & Tobacco/Beverages/Coffee",
                "price": 8.5,
                "in_stock": True,
                "image_urls": [f"{CDN}/beans.jpg"],
            }
        },
    ),
    (
        "woocommerce.csv",
        "a WooCommerce product export",
        {
            "44": {
                "title": "V-Neck T-Shirt",
                "category": "Clothing/Tshirts",
                "price": 15.0,
                "in_stock": True,
                "image_urls": [
                    "https://example.org/vneck-1.jpg",
                    "https://example.org/vneck-2.jpg",
                    "https://example.org/vneck-red.jpg",
                    "https://example.org/vneck-green.jpg",
                ],
                "attributes": {
                    "sku": "woo-vneck-tee",
                    "categories": ["Clothing/Tshirts", "Summer/New"],
                    "tags": ["soft", "cotton"],
                    "Color": ["Blue", "Green", "Red"],
                },
            },
            "45": {"price": 45.0, "in_stock": True, "category": "Clothing/Hoodies"},
            "46": {"price": 16.0, "category": "Clothing/Accessories/Hats, Caps"},
            "48": {"price": 15.0, "in_stock": False},
        },
    ),
    (
        "google.tsv",
        "a Google Merchant Center feed",
        {
            "0012": {
                "title": "Mens Pique Polo Shirt",
                "category": "Home/Men/Polo shirts",
                "brand": "Google",
                "price": 15.0,
                "currency": "USD",
                "in_stock": True,
                "image_urls": [f"https://www.example.com/image{n}.jpg" for n in (1, 2, 3)],
                "attributes": {"color": "Coral", "item_group_id": "AB12345"},
            },
            "A2": {"price": 1299.5, "currency": "EUR", "in_stock": False},
            "A3": {"price": 15.0, "currency": "GBP", "in_stock": True},
        },
    ),
    (
        "google.xml",
        "a Google Merchant Center feed",
        {
            "TV_123456": {
                "title": "LG Flatscreen TV",
                "category": "Electronics/Video/Televisions",
                "price": 159.0,
                "currency": "USD",
                "in_stock": True,
                "image_urls": [
                    f"https://images.example.com/TV_123456{end}.png" for end in ("", "_2", "_3")
                ],
            },
            "DVD-0564738": {"title": "Merlin: Series 3", "category": "Media/DVDs"},
        },
    ),
    (
        "google-atom.xml",
        "a Google Merchant Center feed",
        {"cup-1": {"title": "Cup", "price": 7.0, "currency": "EUR", "in_stock": False}},
    ),
    (
        "meta.csv",
        "a Meta catalogue",
        {
            "FB_product_1234": {
                "category": "Clothing & Accessories/Clothing",
                "price": 10.0,
                "currency": "USD",
                "in_stock": True,
                "image_urls": [
                    "https://www.facebook.com/t_shirt_image_001.jpg",
                    "https://www.facebook.com/2.jpg",
                    "https://www.facebook.com/3.jpg",
                ],
                "attributes": {"condition": "new"},
            },
            "FB_product_5678": {"in_stock": False},
        },
    ),
    (
        "amazon-2018.jsonl",
        "Amazon product metadata of 2018 or 2023",
        {
            "0000031852": {
                "description": "This is a great dress.\nBotiquecutie Trademark exclusive Brand\n"
                "Hot Pink Layered",
                "category": "Clothing, Shoes & Jewelry/Girls",
                "brand": "Coxlures",
                "price": 3.17,
                "currency": "USD",
                "image_urls": ["https://images-na.ssl-images-amazon.com/images/I/51fAmVkTbyL.jpg"],
            },
            "0000143561": {"title": "A book", "price": None},
            "B00002": {"price": 9.99, "category": "Toys/Blocks"},
        },
    ),
    (
        "amazon-2023.jsonl",
        "Amazon product metadata of 2018 or 2023",
        {
            "B01CUPMQZE": {
                "description": "Soft leather.\nCleans\nConditions",
                "category": "Beauty/Care",
                "brand": "Howard Products",
                "price": 12.5,
                "image_urls": ["https://m.media-amazon.com/images/I/41.jpg"],
            },
            "B076WQZGPM": {"category": "All Beauty", "price": None},
        },
    ),
    (
        "schema-org.jsonl",
        "products of schema.org (JSON-LD)",
        {
            "0446310786": {
                "title": "Executive Anvil",
                "category": "Tools/Anvils",
                "brand": "ACME",
                "price": 119.99,
                "currency": "USD",
                "in_stock": True,
                "image_urls": [
                    "https://example.com/photos/1x1/photo.jpg",
                    "https://example.com/photos/4x3/photo.jpg",
                ],
            },
            "rocket": {"title": "Rocket", "price": 1199.0, "currency": "EUR"},
            "trap": {"price": 25.0, "in_stock": False},
        },
    ),
    (
        "movielens-movies.csv",
        "the films of MovieLens",
        {
            "1": {"title": "Toy Story (1995)", "category": "Adventure"},
            "11": {"attributes.genres": ["Comedy", "Drama"]},
            "12": {"title": "Unknown (1996)", "category": ""},
        },
    ),
    (
        "movies.dat",
        "the films of MovieLens",
        {"1": {"category": "Animation"}, "2": {"title": "Café (1990)", "category": "Drama"}},
    ),
    (
        "u.item",
        "the films of MovieLens",
        {
            "1": {
                "released_at": "1995-01-01T00:00:00+00:00",
                "attributes.genres": ["Animation", "Children's", "Comedy"],
            },
            "2": {"title": "GoldenEye (1995)", "category": "Action"},
        },
    ),
    (
        "hm-articles.csv",
        "the articles of H&M",
        {
            "0108775015": {
                "title": "Strap top",
                "description": "Jersey top with narrow shoulder straps.",
                "category": "Garment Upper body/Vest top",
                "attributes.color": "Black",
            }
        },
    ),
    (
        "instacart/products.csv",
        "the products of Instacart",
        {
            "1": {"title": "Chocolate Sandwich Cookies", "category": "snacks/cookies cakes"},
            "2": {"category": "pantry/spices seasonings"},
        },
    ),
    (
        "retailrocket.csv",
        "events of RetailRocket, for the products in them",
        {"355908": {}, "248676": {}, "356475": {}},
    ),
    (
        "ga4.jsonl",
        "a BigQuery export of Google Analytics 4, for the products in it",
        {
            "GGOEGXXX0820": {"title": "Google Tee", "price": 16.0},
            "GGOEAFKA0870": {"title": "Android Pin", "price": 4.0},
        },
    ),
]


@pytest.mark.parametrize(("name", "title", "expected"), PRODUCTS)
def test_a_product_file_is_recognised_and_comes_out_right_over_rest(
    shop: Shop, api: Api, desk: Desk, name: str, title: str, expected: dict[str, dict[str, Any]]
) -> None:
    report = desk.products(SAMPLES / name)

    assert f"This looks like {title}" in report.output
    stored = {
        product.external_id: api.get(f"/v1/products/{product.external_id}").json()
        for product in Product.objects.filter(catalog=shop.catalog)
    }
    assert stored.keys() == expected.keys()
    for product_id, fields in expected.items():
        product = stored[product_id]
        product |= {f"attributes.{key}": value for key, value in product["attributes"].items()}
        assert {field: product[field] for field in fields} == fields


def test_what_is_left_out_or_refused_is_counted_with_its_reason(shop: Shop, desk: Desk) -> None:
    shopify = desk.products(SAMPLES / "shopify.csv")
    assert shopify.count("products added") == 3
    assert shopify.count("further rows of these products") == 2
    assert shopify.count("draft products left out") == 1
    assert shopify.count("archived products left out") == 1

    woo = desk.products(SAMPLES / "woocommerce.csv")
    assert woo.count("products that are not published left out") == 1
    assert woo.reasons == {9: "Parent is no product of the file"}

    pages = desk.products(SAMPLES / "schema-org.jsonl")
    assert pages.count("things that are no products left out") == 1


Told = list[tuple[str, str, str, str, float | None]]
EVENTS: list[tuple[str, str, Told]] = [
    (
        "retailrocket.csv",
        "events of RetailRocket",
        [
            ("992329", "248676", "add_to_cart", "2015-06-02T05:50:14", None),
            ("599528", "356475", "purchase", "2015-06-02T05:17:56", None),
            ("257597", "355908", "view", "2015-06-02T05:02:12", None),
        ],
    ),
    (
        "ratings.csv",
        "ratings of MovieLens",
        [
            ("1", "1", "rating", "2000-07-30T18:45:03", 4.0),
            ("1", "11", "rating", "2000-07-30T18:20:47", 0.5),
            ("2", "1", "rating", "2015-10-24T19:27:15", 5.0),
        ],
    ),
    (
        "u.data",
        "ratings of MovieLens",
        [
            ("186", "302", "rating", "1998-04-04T19:22:22", 3.0),
            ("196", "242", "rating", "1997-12-04T15:55:49", 3.0),
            ("22", "377", "rating", "1997-11-07T07:18:36", 1.0),
        ],
    ),
    (
        "ratings.dat",
        "ratings of MovieLens",
        [
            ("1", "1193", "rating", "2000-12-31T22:12:40", 5.0),
            ("1", "661", "rating", "2000-12-31T22:35:09", 3.0),
        ],
    ),
    (
        "amazon-reviews.jsonl",
        "Amazon reviews of 2018 or 2023",
        [
            (
                *("AGKHLEW2SOWHNMFQIJGBECAF7INQ", "B00YQ6X8EO", "rating"),
                *("2020-05-05T14:08:48", 5.0),
            )
        ],
    ),
    (
        "ga4.jsonl",
        "a BigQuery export of Google Analytics 4",
        [
            ("1026454.4271112504", "GGOEGXXX0820", "view", "2021-01-31T05:05:20", None),
            ("u7", "GGOEAFKA0870", "purchase", "2021-01-31T05:05:30", None),
            ("u7", "GGOEGXXX0820", "purchase", "2021-01-31T05:05:30", None),
        ],
    ),
    (
        "instacart/order_products__prior.csv",
        "orders of Instacart",
        [
            ("1", "1", "purchase", "2017-12-02T00:00:00", None),
            ("1", "1", "purchase", "2017-12-17T00:00:00", None),
            ("1", "2", "purchase", "2017-12-17T00:00:00", None),
            ("202279", "2", "purchase", "2017-12-31T00:00:00", None),
        ],
    ),
    (
        "yoochoose-clicks.dat",
        "clicks of Yoochoose",
        [
            ("1", "214536500", "view", "2014-04-07T10:54:09", None),
            ("1", "214536502", "view", "2014-04-07T10:51:09", None),
        ],
    ),
    (
        "yoochoose-buys.dat",
        "purchases of Yoochoose",
        [
            ("281626", "214535653", "purchase", "2014-04-06T09:40:13", None),
            ("420374", "214537888", "purchase", "2014-04-06T18:44:58", None),
        ],
    ),
    (
        "hm-transactions.csv",
        "purchases of H&M",
        [
            (
                "000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e318",
                *(product, "purchase", "2018-09-20T00:00:00", None),
            )
            for product in ("0108775015", "0663713001")
        ],
    ),
]


@pytest.mark.parametrize(("name", "title", "expected"), EVENTS)
def test_an_event_file_is_recognised_and_becomes_history(
    shop: Shop, desk: Desk, name: str, title: str, expected: Told
) -> None:
    shop.put(*({"id": product, "title": ""} for _, product, *_ in expected))

    report = desk.events(SAMPLES / name)

    assert f"This looks like {title}" in report.output
    stored = Event.objects.filter(catalog=shop.catalog).order_by(
        "user__external_id", "product__external_id", "at"
    )
    assert [
        (
            event.user.external_id,
            event.product.external_id,
            event.type,
            event.at.isoformat()[:19],
            event.value,
        )
        for event in stored.select_related("user", "product")
    ] == sorted(expected, key=lambda row: (row[0], row[1], row[3]))


def test_the_words_of_a_file_are_types_as_the_person_says(shop: Shop, desk: Desk) -> None:
    shop.stock(a="Mug")
    text = "who,what,when,how\nu,a,2025-01-01,buy\nu,a,2025-01-02,LOOK\nu,a,2025-01-03,scroll\n"
    report = desk.events(
        text,
        *("--map", "user=who", "product=what", "at=when", "type=how"),
        *("--types", "buy=purchase", "look=view", "scroll="),
    )
    assert report.count("events accepted") == 2
    assert report.count("events of type scroll left out") == 1


def test_the_map_wins_over_the_format_and_can_leave_a_field_out(shop: Shop, desk: Desk) -> None:
    desk.products(SAMPLES / "woocommerce.csv", "--format", "woocommerce", "--map", "price=")
    assert shop.product("45").price is None

    desk.products(SAMPLES / "google.tsv", "--format", "google", "--map", "title=description")
    assert shop.product("0012").title == "Made from 100% organic cotton"


def test_a_format_that_is_not_known_or_does_not_fit_is_refused(shop: Shop, desk: Desk) -> None:
    with pytest.raises(CommandError, match=r"no such format. Formats: auto, plain, shopify, woo"):
        desk.products("id\n1\n", "--format", "shopfiy")
    with pytest.raises(CommandError, match="is not a Shopify product export: it has none of its"):
        desk.products("sku,name\n1,Mug\n", "--format", "shopify")


def test_the_list_of_formats_names_their_fields(shop: Shop, desk: Desk) -> None:
    report = desk.products("id\n1\n", "--format", "list")
    assert "shopify" in report.output
    assert "id: Handle, URL handle" in report.output


def test_the_scale_of_ratings_is_found_in_the_file_and_what_is_off_it_is_refused(
    shop: Shop, desk: Desk
) -> None:
    shop.stock(a="Film")
    header = "userId,movieId,rating,timestamp\n"
    rows = [f"u{n},a,{n % 10 + 1},{1_000_000_000 + n}\n" for n in range(200)]

    report = desk.events(header + "".join(rows) + "u,a,55,1000000000\nv,a,,1000000000\n")

    assert "Ratings go from 1 to 10, which becomes the catalog's scale" in report.output
    assert report.count("events accepted") == 200
    assert sorted(report.reasons) == [202, 203]
    shop.catalog.refresh_from_db()
    assert shop.catalog.rating_scale == (1.0, 10.0)

    with pytest.raises(CommandError, match=r"value is not from 1 to 5"):
        desk.events(header + "w,a,7,1000000000\n", "--rating-scale", "1-5")
