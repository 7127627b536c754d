"""What can be read in two ways is decided by the whole column, and said."""

import pytest
from django.core.management.base import CommandError

from recommender.models import Event
from tests.recommender.importing.desk import Desk
from tests.shop import Shop

HEADER = "user;product;type;at\n"


def days(shop: Shop) -> list[str]:
    events = Event.objects.filter(catalog=shop.catalog).order_by("at")
    return [event.at.isoformat()[:16] for event in events]


def rows(*times: str) -> str:
    return HEADER + "".join(f"u;a;view;{time}\n" for time in times)


@pytest.mark.parametrize(
    ("times", "order", "expected"),
    [
        (("03/04/2025 10:00", "24/08/2025 02:19"), "day", ["2025-04-03T10:00", "2025-08-24T02:19"]),
        (("03/04/2025", "08/24/2025 2:19 PM"), "month", ["2025-03-04T00:00", "2025-08-24T14:19"]),
        (("03.04.2025", "04.03.25"), "day", ["2025-03-04T00:00", "2025-04-03T00:00"]),
    ],
)
def test_a_date_that_can_be_read_in_one_way_decides_for_the_others(
    shop: Shop, desk: Desk, times: tuple[str, ...], order: str, expected: list[str]
) -> None:
    shop.stock(a="Mug")
    report = desk.events(rows(*times))
    assert f"Dates are read with the {order} first" in report.output
    assert days(shop) == expected


def test_where_no_row_tells_the_day_from_the_month_the_import_asks(shop: Shop, desk: Desk) -> None:
    shop.stock(a="Mug")
    with pytest.raises(CommandError, match=r"'03/04/2025' .line 2.*--time-format day-first or"):
        desk.events(rows("03/04/2025"))
    desk.events(rows("03/04/2025"), "--time-format", "month-first")
    assert days(shop) == ["2025-03-04T00:00"]


def test_days_and_months_in_both_orders_are_refused(shop: Shop, desk: Desk) -> None:
    with pytest.raises(CommandError, match=r"Line 2 has the day first .* line 3 the month"):
        desk.events(rows("24/08/2025", "08/24/2025"))


def test_several_forms_of_times_are_tried_in_turn(shop: Shop, desk: Desk) -> None:
    shop.stock(a="Mug")
    forms = ("--time-format", "excel", "--time-format", "%d.%m.%Y")
    desk.events(rows("45658.5", "02.01.2025"), *forms)
    assert days(shop) == ["2025-01-01T12:00", "2025-01-02T00:00"]


def test_months_by_name_and_years_first_need_no_word(shop: Shop, desk: Desk) -> None:
    shop.stock(a="Mug")
    desk.events(rows("24 Aug 2025 02:19", "Sep 1, 2025", "2025/09/02 10:00"))
    assert days(shop) == ["2025-08-24T02:19", "2025-09-01T00:00", "2025-09-02T10:00"]


def prices(shop: Shop, *ids: str) -> list[float]:
    return [float(shop.product(product_id).price or -1) for product_id in ids]


def test_a_decimal_comma_is_found_and_marks_are_left_out(shop: Shop, desk: Desk) -> None:
    report = desk.products("id;price\na;1.299,00 €\nb;12,50 EUR\nc;1.500\nd;-3,00\n")
    assert "Numbers have a decimal comma, as '1.299,00 €' in line 2." in report.output
    assert prices(shop, "a", "b", "c") == [1299.0, 12.5, 1500.0]
    assert shop.product("a").currency == "EUR"
    assert report.reasons == {5: "price is negative"}


def test_thousands_are_told_from_decimals_by_another_row_or_asked_for(
    shop: Shop, desk: Desk
) -> None:
    report = desk.products("id;price\na;$1,299\nb;$12.50\n")
    assert "'$1,299' in line 2 is $1299" in report.output
    assert prices(shop, "a", "b") == [1299.0, 12.5]

    with pytest.raises(CommandError, match=r"'1,299' .line 2.*--decimal , or --decimal \."):
        desk.products("id;price\na;1,299\n")
    desk.products("id;price\na;1,299\n", "--decimal", ",")
    assert prices(shop, "a") == [1.299]


def test_what_is_no_amount_is_rejected(shop: Shop, desk: Desk) -> None:
    report = desk.products("id;price\na;3 for 10\nb;free\nc;1e3\nd;5\n")
    assert report.reasons == {2: "price is not a number", 3: "price is not a number"}
    assert prices(shop, "c", "d") == [1000.0, 5.0]
