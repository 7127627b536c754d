import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management.base import CommandError

from recommender.history.merge_products import merge_products
from recommender.models import Event, Product, ProductPopularity
from tests.recommender.importing.desk import told
from tests.shop import NOON, event

HEADER = "who,what,when,many\n"
SALES = HEADER + "u1,a,2025-06-01T10:00,1\nu1,b,2025-06-01T11:00,2\nu2,a,2025-06-02T10:00,1\n"
MAP = ("--type", "purchase", "--map", "user=who", "product=what", "at=when", "quantity=many")


@pytest.fixture
def stocked(shop):
    shop.stock(a="Red mug", b="Blue mug")
    return shop


def test_events_come_in_by_the_map(stocked, desk):
    report = desk.events(SALES, *MAP)
    assert told(stocked.catalog) == [
        ("u1", "a", "purchase"),
        ("u1", "b", "purchase"),
        ("u2", "a", "purchase"),
    ]
    assert report.count("events accepted") == 3
    pair = Event.objects.get(catalog=stocked.catalog, quantity=2)
    assert pair.at == datetime(2025, 6, 1, 11, tzinfo=UTC)


def test_events_of_a_merged_product_are_those_of_the_one_that_stayed(stocked, desk):
    merge_products(stocked.catalog, "a", "b")
    assert desk.events(SALES, *MAP).count("events accepted") == 3
    assert {product for _, product, _ in told(stocked.catalog)} == {"a"}


def test_a_second_run_adds_nothing(stocked, desk):
    desk.events(SALES, *MAP)
    version = stocked.user("u1").history_version
    report = desk.events(SALES, *MAP)
    assert (report.count("events accepted"), report.count("events there already")) == (0, 3)
    assert len(told(stocked.catalog)) == 3
    assert stocked.user("u1").history_version == version


def test_two_equal_lines_are_two_events_and_stay_two(stocked, desk):
    twice = HEADER + "u1,a,2025-06-01T10:00,1\n" * 2
    desk.events(twice, *MAP)
    desk.events(twice, *MAP)
    assert len(told(stocked.catalog)) == 2


def test_of_a_later_file_that_overlaps_only_the_new_comes_in(stocked, desk):
    line = "u1,a,2025-06-01T10:00,1\n"
    desk.events(HEADER + line * 2 + "u1,b,2025-06-02T10:00,1\n", *MAP)
    later = HEADER + "u1,b,2025-06-02T10:00,1\nu2,b,2025-06-03T10:00,1\n" + line * 3
    report = desk.events(later, *MAP)
    assert (report.count("events accepted"), report.count("events there already")) == (2, 3)


def test_equal_lines_of_two_orders_are_told_apart_by_the_order(stocked, desk):
    text = "order,who,what,when\n{},u1,a,2025-06-01\n"
    options = ("--type", "purchase", "--map", "user=who", "product=what", "at=when")
    desk.events(text.format(1), *options)
    assert desk.events(text.format(2), *options).count("events accepted") == 1
    assert desk.events(text.format(1), *options).count("events accepted") == 0


def test_the_time_zone_of_the_session_is_no_part_of_an_event(stocked, desk):
    desk.events(SALES, *MAP)
    same = SALES.replace("2025-06-01T10:00", "2025-06-01T12:00+02:00")
    assert desk.events(same, *MAP).count("events accepted") == 0


def test_json_lines_in_the_shape_of_the_api_need_no_map(stocked, desk):
    rating = {"type": "rating", "user": "u1", "product": "a", "at": "2025-06-01T10:00Z", "value": 4}
    lines = [json.dumps(rating | {"id": key}) for key in ("e1", "e2", "e1")]
    report = desk.events("\n".join(lines))
    assert (report.count("events accepted"), report.count("events there already")) == (2, 1)
    assert {stored.value for stored in Event.objects.filter(catalog=stocked.catalog)} == {4.0}


def test_a_repeat_over_the_api_of_an_imported_event_is_known(stocked, desk):
    desk.events(f"id,user,product,type,at\ne1,u1,a,view,{NOON.isoformat()}\n")
    assert stocked.post(event("u1", "a", id="e1")) == ["duplicate"]


def test_one_file_and_one_map_give_products_and_events(shop, desk):
    rows = ["a,Mug,1,u1,2025-06-01", "a,Mug,1,u2,2025-06-01", "b,Lamp,-1,u1,2025-06-01"]
    text = "\n".join(["Sku,Name,Price,who,when", *rows])
    one_map = ("--map", "id=Sku", "product=Sku", "title=Name", "price=Price", "user=who", "at=when")
    assert desk.products(text, *one_map).reasons == {4: "price is negative"}
    report = desk.events(text, *one_map, "--type", "purchase")
    assert told(shop.catalog) == [("u1", "a", "purchase"), ("u2", "a", "purchase")]
    assert report.reasons == {4: "price is negative"}


def test_a_mapped_id_that_is_not_the_products_is_the_events(stocked, desk):
    text = "key,user,product,at\nk,u1,a,2025-06-01\nk,u1,b,2025-06-01\n"
    report = desk.events(text, "--type", "view", "--map", "id=key")
    assert (report.count("events accepted"), report.count("events there already")) == (1, 1)


def test_every_bad_row_is_kept_with_its_line_and_reason_and_stops_nothing(stocked, desk):
    future = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    report = desk.events(
        "user,product,type,at,quantity,value,rec_id\n"
        "u1,a,purchase,2025-06-01,1,2.5,\n"
        ",a,purchase,2025-06-01,1,,\n"
        "u1,,purchase,2025-06-01,1,,\n"
        "u1,a,haggle,2025-06-01,1,,\n"
        "u1,a,,2025-06-01,1,,\n"
        "u1,a,purchase,,1,,\n"
        "u1,a,purchase,last week,1,,\n"
        f"u1,a,purchase,{future},1,,\n"
        "u1,a,purchase,1969-12-31,1,,\n"
        "u1,a,purchase,2025-06-01,-1,,\n"
        "u1,a,purchase,2025-06-01,0,,\n"
        "u1,a,purchase,2025-06-01,a few,,\n"
        "u1,a,purchase,2025-06-01,1,inf,\n"
        "u1,a,purchase,2025-06-01,1,-2,\n"
        "u1,a,purchase,2025-06-01,1,,x\n"
        "u1,nowhere,purchase,2025-06-01,1,,\n"
        f"{'x' * 256},a,purchase,2025-06-01,1,,\n"
        "u1,a,purchase\n"
        "u1,,search,2025-06-02,,,\n"
    )
    assert Event.objects.filter(catalog=stocked.catalog).count() == 2
    cancelled = "quantity is 0 or less: cancelled or returned"
    assert report.reasons == {
        3: "user is missing",
        4: "product is missing; only a search has none",
        5: f"type is not one of {', '.join(sorted(stocked.catalog.event_weights))}",
        6: "type is missing",
        7: "at is missing",
        8: "at is not a time",
        9: "at is in the future",
        10: "at is more than 14,610 days ago, which is as old as an event may be here",
        11: cancelled,
        12: cancelled,
        13: "quantity is not a number",
        14: "value is not a number",
        15: "value is negative: cancelled or returned",
        16: "rec_id is not a UUID",
        17: "unknown product",
        18: "user is longer than 255 characters",
        19: "malformed row: too few columns",
    }
    assert report.rejects[14]["row"] == "u1,nowhere,purchase,2025-06-01,1,,"
    assert report.count(cancelled) == 2


def test_rows_whose_product_was_unknown_come_in_once_it_is_there(shop, desk):
    with pytest.raises(CommandError, match="unknown product; import the products first"):
        desk.events(SALES, *MAP)
    shop.stock(a="Red mug", b="Blue mug")
    report = desk.events(SALES, *MAP)
    assert report.count("events accepted") == 3
    assert report.rejects == []


def test_a_deleted_product_is_unknown(stocked, desk):
    Product.objects.filter(external_id="a").update(deleted_at=datetime.now(UTC))
    assert desk.events(SALES, *MAP).reasons == {2: "unknown product", 4: "unknown product"}


def test_a_type_for_all_passes_over_a_column_of_that_name_that_is_not_mapped(stocked, desk):
    text = "user,product,at,type\nu1,a,2025-06-01,mug\nu1,b,2025-06-01,view\n"
    desk.events(text, "--type", "click")
    assert {kind for _, _, kind in told(stocked.catalog)} == {"click"}


def test_a_type_fills_the_gaps_of_a_mapped_column(stocked, desk):
    text = "user,product,at,kind\nu1,a,2025-06-01,\nu1,b,2025-06-01,like\n"
    desk.events(text, "--type", "click", "--map", "type=kind")
    assert set(told(stocked.catalog)) == {("u1", "a", "click"), ("u1", "b", "like")}


def test_times_in_another_format_are_read_by_it(stocked, desk):
    text = "user,product,at\nu1,a,12/1/2010 8:26\n"
    desk.events(text, "--type", "purchase", "--time-format", "%m/%d/%Y %H:%M")
    (only,) = Event.objects.filter(catalog=stocked.catalog)
    assert only.at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_the_popularity_of_the_products_follows(stocked, desk):
    desk.events(SALES, *MAP)
    total = ProductPopularity.objects.values_list("product__external_id", "total")
    assert dict(total) == {"a": 10.0, "b": 5.0}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--type", "purchase", "--map", "user=who", "at=when"), "gives the product.*who, what"),
        (("--type", "purchase", "--map", "user=who", "product=what"), "the time of the event"),
        (("--type", "purchase", "--map", "product=what", "at=when"), "gives the user"),
        (("--map", "user=who", "product=what", "at=when"), "or give all of them one: --type"),
        (("--type", "haggle", "--map", "user=who"), "no such type. Types: add_to_cart"),
    ],
)
def test_an_import_that_cannot_start_says_what_to_do(stocked, desk, options, complaint):
    with pytest.raises(CommandError, match=complaint):
        desk.events(SALES, *options)


def test_a_dry_run_counts_and_writes_nothing(stocked, desk):
    desk.events(HEADER + "u1,a,2025-06-01T10:00,1\n", *MAP)
    report = desk.events(SALES + "u1,nowhere,2025-06-01,1\n", *MAP, "--dry-run")
    assert report.count("events would be accepted") == 2
    assert report.count("events are there already") == 1
    assert report.reasons == {5: "unknown product"}
    assert len(told(stocked.catalog)) == 1
