import json
from datetime import UTC, datetime

import pytest

from recommender.importing import values
from recommender.importing.row import BadRowError, BadValueError, RefusedError
from recommender.importing.values import MAX_NAMES, AttributeReader


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


def test_what_is_neither_yes_nor_no_is_refused():
    with pytest.raises(BadValueError, match="neither yes nor no"):
        values.boolean("17")


@pytest.mark.parametrize(
    "value", ["https://a/1 https://a/2", "https://a/1|https://a/2", ["https://a/1", "https://a/2"]]
)
def test_addresses_come_as_text_or_as_a_list(value):
    assert values.json_urls(value) == '["https://a/1","https://a/2"]'


@pytest.mark.parametrize("value", ["picture.jpg", {"url": "https://a"}, 7])
def test_what_is_no_address_is_refused(value):
    with pytest.raises(BadValueError, match=r"http\(s\) addresses"):
        values.json_urls(value)


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
    ],
)
def test_times_are_iso_8601_or_unix_time_and_in_utc_unless_they_say(value):
    assert values.time_reader(None)(value) == datetime(2015, 6, 2, 5, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["02/06/2015", "yesterday", "2015-13-01", "12", "9" * 30, "0000-00-00"]
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(BadValueError, match="is not a date or time"):
        values.time_reader(None)(value)


def test_times_are_read_by_the_format_that_is_given():
    read = values.time_reader("%m/%d/%Y %H:%M")
    assert read("12/1/2010 8:26") == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    with pytest.raises(BadValueError, match="is not a date or time"):
        read("2010-12-01T08:26")


def test_a_format_that_cannot_be_is_refused_at_once():
    with pytest.raises(RefusedError, match="--time-format %Q"):
        values.time_reader("%Q")


NUL = "\x00"


def of_json(declared: dict[str, str] | None = None) -> AttributeReader:
    return AttributeReader({"attributes": "attributes"}, declared or {}, is_text=False)


def of_csv(declared: dict[str, str] | None = None) -> AttributeReader:
    return AttributeReader({"attributes.size": "Size"}, declared or {}, is_text=True)


def test_json_values_keep_their_types_and_the_first_decides():
    reader = of_json()
    values = {"colour": "red", "size": 4.5, "washable": True, "tags": ["a", "b"], "none": None}
    attributes = reader.read({"attributes": values})
    assert attributes is not None
    assert json.loads(attributes) == {
        name: value for name, value in values.items() if name != "none"
    }
    assert reader.kinds == {
        "colour": "string",
        "size": "number",
        "washable": "boolean",
        "tags": "strings",
    }


def test_a_value_of_another_type_than_the_first_is_rejected_and_decides_nothing():
    reader = of_json()
    reader.read({"attributes": {"size": 4}})
    with pytest.raises(BadRowError, match="attribute 'size' is declared as number"):
        reader.read({"attributes": {"size": "four", "new": 1}})
    assert reader.kinds == {"size": "number"}


@pytest.mark.parametrize(
    "value",
    [{"size": {"eu": 44}}, {"sizes": [1, 2]}, {"text": f"a{NUL}b"}, {f"a{NUL}": 1}, [1], "{"],
)
def test_what_is_no_attribute_is_rejected(value):
    with pytest.raises(BadRowError, match="attribute"):
        of_json().read({"attributes": value})


def test_a_backslash_before_u0000_is_no_nul():
    assert of_json().read({"attributes": {"path": r"c:\u0000"}}) is not None


def test_a_text_is_a_string_unless_it_is_declared():
    assert of_csv().read({"Size": "44"}) == '{"size":"44"}'
    assert of_csv({"size": "number"}).read({"Size": "44"}) == '{"size":44.0}'
    assert of_csv({"size": "boolean"}).read({"Size": "no"}) == '{"size":false}'
    assert of_csv({"size": "strings"}).read({"Size": "S | M"}) == '{"size":["S","M"]}'
    assert of_csv().read({"Size": " "}) is None


def test_a_text_that_is_not_what_is_declared_is_rejected():
    with pytest.raises(BadRowError, match=r"attributes\.size is not a number"):
        of_csv({"size": "number"}).read({"Size": "large"})


def test_a_file_with_ids_as_names_does_not_flood_the_catalog():
    reader = of_json()
    reader.read({"attributes": {f"a{n}": n for n in range(MAX_NAMES)}})
    with pytest.raises(BadRowError, match="more than 1,000 different attributes"):
        reader.read({"attributes": {"one more": 1}})
