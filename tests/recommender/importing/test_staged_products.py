"""Imports of whole catalogs: `--replace`."""

import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from recommender.importing import feed_formats, public_formats, shop_formats
from recommender.models import Product, Sync
from tests.recommender.importing.desk import Desk, told
from tests.shop import Shop, numbered


def on_sale(shop: Shop) -> set[str]:
    products = Product.objects.filter(catalog=shop.catalog, deleted_at=None)
    return set(products.values_list("external_id", flat=True))


def csv_of(*ids: str) -> str:
    return "\n".join(["id,title,price", *(f"{key},Product {key},1" for key in ids)])


@pytest.fixture
def ten(shop: Shop) -> Shop:
    """A shop with p0 to p9."""
    shop.stock(**numbered(10))
    return shop


def test_what_the_file_no_longer_has_is_taken_off_sale_and_comes_back_with_it(
    ten: Shop, desk: Desk
) -> None:
    ten.visit("ann", "p9")
    without = csv_of(*(f"p{n}" for n in range(9)), "new")

    report = desk.products(without, "--replace")

    assert report.count("products taken off sale") == 1
    assert on_sale(ten) == {*(f"p{n}" for n in range(9)), "new"}
    assert ten.product("p9").deleted_at is not None
    assert told(ten.catalog) == [("ann", "p9", "view")]
    assert desk.products(without, "--replace").count("products taken off sale") == 0

    desk.products(csv_of("p9"))
    assert "p9" in on_sale(ten)


def test_without_the_option_nothing_is_taken_off_sale(ten: Shop, desk: Desk) -> None:
    desk.products(csv_of("p0"))
    assert len(on_sale(ten)) == 10


def test_more_than_a_fifth_is_refused_however_often_it_is_tried_unless_it_is_forced(
    ten: Shop, desk: Desk
) -> None:
    # With what the file adds, the ten would soon be less than a fifth.
    others = csv_of(*(f"q{n}" for n in range(200)))
    for on_sale_then in (10, 210):
        with pytest.raises(CommandError) as refused:
            desk.products(others, "--replace")
        assert f"10 of the {on_sale_then} products on sale" in str(refused.value)
        assert "more than 20%" in str(refused.value)
        assert "--force" in str(refused.value)
        assert len(on_sale(ten)) == 210

    report = desk.products(others, "--replace", "--force")
    assert report.count("products taken off sale") == 10
    assert on_sale(ten) == {f"q{n}" for n in range(200)}

    # From now on it is measured by these.
    assert (
        desk.products(csv_of(*(f"q{n}" for n in range(160))), "--replace").count(
            "products taken off sale"
        )
        == 40
    )


def test_a_dry_run_says_what_would_go_and_writes_nothing(ten: Shop, desk: Desk) -> None:
    report = desk.products(csv_of(*(f"p{n}" for n in range(8))), "--replace", "--dry-run")
    assert report.count("products would be taken off sale") == 2

    report = desk.products(csv_of("p0"), "--replace", "--dry-run")
    assert report.count("products would be taken off sale") == 9
    assert "9 of the 10 products on sale" in report.output
    assert "--force" in report.output
    assert len(on_sale(ten)) == 10
    assert not Sync.objects.exists()


def test_a_product_whose_row_is_rejected_stays(ten: Shop, desk: Desk) -> None:
    rows = csv_of(*(f"p{n}" for n in range(5))).split("\n")
    wrong = ["p5,Mug,cheap", "p6,Mug,-1", 'p7,"Mug,1', "p8,Mug", "p8,Mug,1,2,3"]

    report = desk.products("\n".join([*rows, *wrong]), "--replace")

    assert report.count("rows rejected") == 5
    assert on_sale(ten) == {f"p{n}" for n in range(9)}
    assert report.count("products taken off sale") == 1
    assert report.count("products kept, which rows without a readable id name") == 2
    assert "the id cannot be read" in report.output


@pytest.mark.parametrize(
    "broken",
    [
        b'{"id": "p9", "title": "Mug',
        b'{"title": "Mug", "id": "p9", "price": nan}',
        b'{"id": "\\u00709", "title": ',
        b'{"id": ["p9"]}',
        b'{"id": "p9", "title": "\xff\xfe"}',
        b'{"id": "p9\\u0000", "title": "Mug"}',
        b'{"id": "p9", "attributes": {"a": {"b": 1}}}',
    ],
)
def test_a_product_that_a_broken_line_names_stays(ten: Shop, desk: Desk, broken: bytes) -> None:
    lines = [json.dumps({"id": f"p{n}", "title": "Mug"}).encode() for n in range(8)]

    report = desk.products(b"\n".join([*lines, broken]), "--replace")

    assert report.count("rows rejected") == 1
    assert on_sale(ten) == {*(f"p{n}" for n in range(8)), "p9"}


def test_where_too_much_cannot_be_read_nothing_goes_unless_it_is_forced(
    ten: Shop, desk: Desk
) -> None:
    content = csv_of(*(f"p{n}" for n in range(9))) + "\n" + f"{'x' * 9_000},1\n" * 30

    with pytest.raises(CommandError, match="no id that can be read"):
        desk.products(content, "--replace")
    assert len(on_sale(ten)) == 10

    assert desk.products(content, "--replace", "--force").count("products taken off sale") == 1


@pytest.mark.parametrize("content", ["id,title\n", "id,title\n,Mug\n,Lamp\n", "", "[]", "id\n\n"])
def test_a_file_without_a_product_takes_nothing_off_sale(
    ten: Shop, desk: Desk, content: str
) -> None:
    with pytest.raises(CommandError):
        desk.products(content, "--replace", "--force")
    assert len(on_sale(ten)) == 10


def test_what_is_not_wanted_of_the_file_is_absent(ten: Shop, desk: Desk) -> None:
    report = desk.products(csv_of(*(f"p{n}" for n in range(10))), "--replace", "--where", "id!=p3")
    assert report.count("products taken off sale") == 1
    assert "p3" not in on_sale(ten)


def test_a_draft_is_taken_off_sale_and_a_product_of_several_rows_is_not(
    shop: Shop, desk: Desk
) -> None:
    header = "Handle,Title,Variant Price,Image Src,Status"
    mugs = [f"mug-{n},Mug {n},5,https://shop.example/{n}.jpg,active" for n in range(6)]
    more = [f"mug-{n},,6,https://shop.example/{n}b.jpg," for n in range(6)]
    desk.products("\n".join([header, *mugs, *more]))

    mugs[0] = mugs[0].replace("active", "draft")
    mugs[1] = mugs[1].replace(",5,", ",cheap,")
    desk.products("\n".join([header, *mugs, *more]), "--replace")

    assert on_sale(shop) == {f"mug-{n}" for n in range(1, 6)}


def test_force_alone_is_refused(shop: Shop, desk: Desk) -> None:
    with pytest.raises(CommandError, match="--force belongs to --replace"):
        desk.products(csv_of("a"), "--force")


@pytest.mark.parametrize(
    "form",
    [*shop_formats.FORMATS, *feed_formats.FORMATS, *public_formats.FORMATS],
    ids=lambda form: form.title,
)
def test_no_format_stumbles_over_a_row_of_which_nothing_can_be_read(form) -> None:
    assert not form.fields["id"].value({})


@pytest.mark.parametrize(
    "name",
    [
        *("amazon-2018.jsonl", "amazon-2023.jsonl", "google-atom.xml", "google.tsv", "google.xml"),
        *("hm-articles.csv", "meta.csv", "movielens-movies.csv", "movies.dat", "schema-org.jsonl"),
        *("shopify-2025.csv", "shopify.csv", "u.item", "woocommerce.csv", "retailrocket.csv"),
    ],
)
def test_of_every_format_the_same_file_keeps_what_it_has_brought(
    shop: Shop, desk: Desk, name: str
) -> None:
    sample = Path(__file__).with_name("samples") / name
    desk.products(sample)
    brought = on_sale(shop)
    shop.stock(other="Of no file")

    report = desk.products(sample, "--replace", "--force")

    assert report.count("products taken off sale") == 1
    assert on_sale(shop) == brought
