import gzip
import json

import pytest
from django.core.management.base import CommandError

from recommender.models import Product

LIST = "Sku,Name,Price\na,Red mug,4.50\nb,Blue mug,5\n"
MAP = ("--map", "id=Sku", "title=Name", "price=Price")


def stocked(shop) -> dict[str, tuple[str, float | None]]:
    products = Product.objects.filter(catalog=shop.catalog)
    return {
        product.external_id: (product.title, product.price and float(product.price))
        for product in products
    }


def test_products_come_in_by_the_map(shop, desk):
    report = desk.products(LIST, *MAP)
    assert stocked(shop) == {"a": ("Red mug", 4.5), "b": ("Blue mug", 5.0)}
    assert report.count("products added") == 2
    assert report.rejects == []


def test_a_second_run_adds_and_changes_nothing(shop, desk):
    desk.products(LIST, *MAP)
    before = shop.product("a").updated_at
    report = desk.products(LIST, *MAP)
    assert report.count("products added") == report.count("products changed") == 0
    assert report.count("products unchanged") == 2
    assert shop.product("a").updated_at == before


def test_a_product_is_no_larger_than_the_api_takes_it(shop, desk, settings):
    settings.PRODUCT_BYTES = 3000
    rows = [
        {"id": "a", "attributes": {f"a{n}": "ü" * 100 for n in range(15)}},
        {"id": "b", "attributes": {f"a{n}": "ü" * 100 for n in range(10)}},
    ]
    file = desk.file("\n".join(map(json.dumps, rows)), "file.jsonl")
    report = desk.products(file)
    assert set(stocked(shop)) == {"b"}
    assert "KINSHIP_PRODUCT_KB" in report.reasons[1]


def test_what_the_file_does_not_have_keeps_its_value(shop, desk):
    shop.put({"id": "a", "title": "old", "brand": "Acme", "in_stock": False, "price": 1})
    report = desk.products(LIST, *MAP)
    product = shop.product("a")
    assert (product.title, product.brand, product.in_stock) == ("Red mug", "Acme", False)
    assert report.count("products changed") == 1


def test_an_empty_cell_clears_its_field(shop, desk):
    shop.put({"id": "a", "title": "old", "price": 1})
    desk.products("id,title,price\na,,\n")
    assert stocked(shop) == {"a": ("", None)}


def test_a_file_of_ids_alone_adds_products_and_changes_none(shop, desk):
    shop.put({"id": "a", "title": "kept"})
    report = desk.products("id\na\nb\n")
    assert stocked(shop) == {"a": ("kept", None), "b": ("", None)}
    assert (report.count("products added"), report.count("products unchanged")) == (1, 1)


def test_of_several_rows_the_latest_with_the_commonest_title_counts(shop, desk):
    rows = ["a,Mug,1", "a,mug?,9", "a,Mug,2", "a,,3", "a,,4", "a,,5", "b,Old,1", "b,New,2"]
    report = desk.products("\n".join(["id,title,price", *rows]))
    assert stocked(shop) == {"a": ("Mug", 2.0), "b": ("New", 2.0)}
    assert report.count("further rows of these products") == 6


def test_every_bad_row_is_kept_with_its_line_and_reason_and_stops_nothing(shop, desk):
    report = desk.products(
        "id,title,price,in_stock,currency\n"
        "a,Mug,1,yes,EUR\n"
        ",Nameless,1,yes,EUR\n"
        "b,Lamp,cheap,yes,EUR\n"
        "c,Lamp,-1,yes,EUR\n"
        "d,Lamp,nan,yes,EUR\n"
        "e,Lamp,1,perhaps,EUR\n"
        "f,Lamp,1,yes,€\n"
        f"{'x' * 256},Lamp,1,yes,EUR\n"
        "g,Lamp\n"
        "h,La\x00mp,1,yes,EUR\n"
        "z,Last,2,no,\n"
    )
    assert stocked(shop) == {"a": ("Mug", 1.0), "z": ("Last", 2.0)}
    assert report.reasons == {
        3: "id is missing",
        4: "price is not a number",
        5: "price is negative",
        6: "price is not a number",
        7: "in_stock is neither yes nor no, nor a quantity",
        8: "currency is not a code of three letters",
        9: "id is longer than 255 characters",
        10: "malformed row: too few columns",
        11: "title holds a NUL character",
    }
    assert report.rejects[2]["row"] == "c,Lamp,-1,yes,EUR"
    assert report.rejects[-1]["row"] == "h,La␀mp,1,yes,EUR"
    assert report.count("price is not a number") == 2
    assert report.count("rows rejected") == 9


def test_a_row_in_another_encoding_is_kept_as_far_as_it_can_be_shown(shop, desk):
    content = "id,title\na,Mug\nb,Café\n".encode("latin-1")
    report = desk.products(content, "--encoding", "utf-8")
    assert set(stocked(shop)) == {"a"}
    assert report.rejects == [{"line": "3", "reason": "not UTF-8", "row": r"b,Caf\xe9"}]


# A spreadsheet in Japanese calculates these, too.
WIDE = [f"{chr(ord(sign) + 0xFEE0)}1" for sign in "=+-@"]


def test_a_rejected_row_is_no_formula_and_for_nobody_else(shop, desk):
    rows = ['=HYPERLINK("http://x.example";"a")', "+1", "-1", "@a", "\t=1", *WIDE, "a=1", "12-3"]
    report = desk.products("id,title\nok,Mug\n" + "".join(f"{row}\n" for row in rows))
    assert [row["row"] for row in report.rejects] == [f"'{row}" for row in rows[:9]] + rows[9:]
    assert (desk.directory / "rejects.csv").stat().st_mode & 0o777 == 0o600


def test_no_rejects_file_stays_where_nothing_is_rejected(shop, desk):
    assert desk.products("id\nb\n,\n").rejects != []
    assert desk.products("id\na\n").rejects == []


def test_rows_that_are_not_wanted_are_counted_and_not_rejected(shop, desk):
    report = desk.products(LIST, *MAP, "--where", "Price>4.75", "Name")
    assert set(stocked(shop)) == {"b"}
    assert report.count("rows left out by --where") == 1
    assert report.rejects == []


def test_gzipped_json_lines_in_the_shape_of_the_api_need_no_map(shop, desk):
    product = {
        "id": 7,
        "title": "Red mug",
        "category": "Kitchen / Mugs",
        "price": 4.5,
        "image_urls": ["https://shop.example/7.jpg"],
        "released_at": "2025-01-01T00:00:00Z",
        "attributes": {"volume_ml": 300, "tags": ["gift"]},
    }
    desk.products(gzip.compress(json.dumps(product).encode()))
    stored = shop.product("7")
    assert (stored.title, stored.category, stored.price) == ("Red mug", "Kitchen/Mugs", 4.5)
    assert stored.image_urls == ["https://shop.example/7.jpg"]
    assert stored.attributes == {"volume_ml": 300, "tags": ["gift"]}
    assert stored.released_at.isoformat() == "2025-01-01T00:00:00+00:00"


def test_the_attributes_of_the_file_are_declared(shop, desk):
    report = desk.products(
        '{"id": "a", "attributes": {"size": 4}}\n{"id": "b", "attributes": {"size": "four"}}\n'
    )
    shop.catalog.refresh_from_db()
    assert shop.catalog.attributes == {"size": "number"}
    assert report.reasons == {2: "attribute 'size' is declared as number, not string"}


def test_a_column_gives_one_attribute_and_leaves_the_others(shop, desk):
    shop.put({"id": "a", "title": "Mug", "attributes": {"100%": "x", "colour": "red", "size": 1}})
    desk.products("id,Tint,attributes.100%\na,blue,\n", "--map", "attributes.colour=Tint")
    assert shop.product("a").attributes == {"colour": "blue", "size": 1}
    assert shop.product("a").title == "Mug"


def test_fields_that_only_later_lines_have_come_in_too(shop, desk):
    lines = [f'{{"id": "p{n}"}}' for n in range(1500)]
    desk.products("\n".join([*lines, '{"id": "last", "brand": "Acme"}']))
    assert shop.product("last").brand == "Acme"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--map", "title=Name"), "Nothing gives the product's id.*--map id=COLUMN.*Sku, Name"),
        (("--map", "id=sku"), "no column 'sku'"),
        (("--map", "id=Sku", "colour=Tint"), "no field 'colour'"),
        (("--map", "id=Sku", "--where", "Stock>0"), "no column 'Stock'"),
        (("--map", "id=Sku", "--rejects", "{file}"), "is the imported file"),
        (("--map", "id=Sku", "--rejects", "/proc/nowhere/r.csv"), "cannot be written"),
        (("--map", "id=Sku", "--catalog", "nowhere"), "create_catalog nowhere"),
    ],
)
def test_an_import_that_cannot_start_says_what_to_do(shop, desk, options, complaint):
    file = desk.file(LIST)
    with pytest.raises(CommandError, match=complaint):
        desk.products(file, *(option.format(file=file) for option in options))
    assert stocked(shop) == {}


def test_a_dry_run_counts_and_writes_nothing(shop, desk):
    shop.stock(a="Red mug")
    report = desk.products(LIST + "c\n", *MAP, "--dry-run")
    assert report.count("products would be added") == 1
    assert report.count("products are there already") == 1
    assert report.reasons == {4: "malformed row: too few columns"}
    assert set(stocked(shop)) == {"a"}
