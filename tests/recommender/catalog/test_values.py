from datetime import UTC, datetime

import pytest

from recommender.catalog import values
from recommender.catalog.values import BadValueError


@pytest.mark.parametrize(
    ("value", "text"),
    [(" a ", "a"), (7, "7"), (2.5, "2.5"), ("", None), ("  ", None), (None, None)],
)
def test_texts_lose_blanks_around_them(value, text):
    assert values.text(value) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["a"], "is not text"),
        (True, "is not text"),
        ("a\x00b", "NUL"),
        ("x" * 256, "longer than 255 characters"),
    ],
)
def test_what_is_no_id_is_refused(value, problem):
    with pytest.raises(BadValueError, match=problem):
        values.identifier(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("2.55", 2.55),
        (" -3 ", -3.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        (4, 4.0),
        ("", None),
        (None, None),
    ],
)
def test_numbers_are_read_as_written(value, number):
    assert values.number(value) == number


@pytest.mark.parametrize(
    "value",
    ["nan", "inf", "-Infinity", "1e400", "1,5", "£3", "1_000", "0x10", "٣", "--1", True, [1]],
)
def test_what_is_not_a_finite_number_is_refused(value):
    with pytest.raises(BadValueError, match="is not a number"):
        values.number(value)


@pytest.mark.parametrize(("value", "problem"), [("-0.01", "is negative"), ("1e10", "is too large")])
def test_a_price_that_cannot_be_is_refused(value, problem):
    with pytest.raises(BadValueError, match=problem):
        values.price(value)


def test_a_path_loses_empty_steps():
    assert values.path(" Home / Kitchen//Cups / ") == "Home/Kitchen/Cups"
    assert values.path(" / ") is None


def test_a_currency_is_three_letters():
    assert values.currency("gbp") == "GBP"
    with pytest.raises(BadValueError, match="three letters"):
        values.currency("£")


@pytest.mark.parametrize(("value", "truth"), [("Yes", True), ("0", False), (1, True), ("", None)])
def test_a_yes_or_no_is_understood(value, truth):
    assert values.boolean(value) is truth


@pytest.mark.parametrize(
    ("value", "is_in_stock"),
    [
        *((17, True), ("3", True), ("0.5", True), (0, False), ("-2", False), ("0", False)),
        *((True, True), ("no", False), ("Yes", True), ("", None), (None, None)),
        *(("in stock", True), ("in_stock", True), ("out of stock", False), ("Sold out", False)),
        *(("preorder", True), ("backorder", True), ("https://schema.org/InStock", True)),
        ("http://schema.org/OutOfStock", False),
    ],
)
def test_stock_is_a_yes_a_quantity_or_a_word_of_shops(value, is_in_stock):
    assert values.stock(value) is is_in_stock


@pytest.mark.parametrize("value", ["perhaps", "nan", ["yes"], "/"])
def test_what_says_nothing_of_stock_is_refused(value):
    with pytest.raises(BadValueError):
        values.stock(value)


def test_what_is_neither_yes_nor_no_is_refused():
    with pytest.raises(BadValueError, match="neither yes nor no"):
        values.boolean("17")


@pytest.mark.parametrize(
    "value", ["https://a/1 https://a/2", "https://a/1|https://a/2", ["https://a/1", "https://a/2"]]
)
def test_addresses_come_as_text_or_as_a_list(value):
    assert values.urls(value) == ["https://a/1", "https://a/2"]


@pytest.mark.parametrize("value", ["picture.jpg", {"url": "https://a"}, 7, {}, 0, False])
def test_what_is_no_address_is_refused(value):
    with pytest.raises(BadValueError, match=r"http\(s\) addresses"):
        values.urls(value)


@pytest.mark.parametrize(
    "value",
    [
        "2015-06-02T05:02:12Z",
        "2015-06-02 07:02:12+02:00",
        "2015-06-02 05:02:12 UTC",
        "2015-06-02T05:02:12",
        "1433221332",
        1433221332,
        1433221332000,
        "1433221332000000",
        "1433221332.0",
    ],
)
def test_times_are_iso_8601_or_unix_time_and_in_utc_unless_they_say(value):
    assert values.time(value) == datetime(2015, 6, 2, 5, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("02/06/2015", "is not a time"),
        ("yesterday", "is not a time"),
        ("2015-13-01", "is not a time"),
        ("20151301", "is not a time"),
        ("0000-00-00", "is not a time"),
        ("12", "is too small a number for a time"),
        (2015, "is too small a number for a time"),
        (45_000.5, "is too small a number for a time"),
        ("9" * 30, "is beyond the year 9999"),
        ("1e99999999999999999999", "is beyond the year 9999"),
        ("1e-99999999999999999999", "is too small a number for a time"),
        (253402300800000000, "is beyond the year 9999"),
        ("0001-01-01T00:00+14:00", "is outside the years 1 to 9999"),
    ],
)
def test_what_is_no_time_is_refused(value, problem):
    with pytest.raises(BadValueError, match=problem):
        values.time(value)


def test_a_unix_time_is_exact_to_the_microsecond():
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert values.time(253_402_300_799_999_999) == last


@pytest.mark.parametrize("value", ["20220624", 20220624, "2022-06-24"])
def test_eight_digits_are_a_day(value):
    assert values.time(value) == datetime(2022, 6, 24, tzinfo=UTC)
