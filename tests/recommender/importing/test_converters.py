import json
from datetime import UTC, datetime

import pytest

from recommender.catalog.values import BadValueError
from recommender.importing.converters import AttributeReader, time_reader
from recommender.importing.mapping import Columns, column
from recommender.importing.row import BadRowError, RefusedError


def test_times_are_read_by_the_format_that_is_given():
    read = time_reader(["%m/%d/%Y %H:%M"])
    assert read("12/1/2010 8:26") == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    with pytest.raises(BadValueError, match="is not a time"):
        read("2010-12-01T08:26")


def test_a_format_that_cannot_be_is_refused_at_once():
    with pytest.raises(RefusedError, match="--time-format %Q"):
        time_reader(["%Q"])


NUL = "\x00"


def of_json(declared: dict[str, str] | None = None) -> AttributeReader:
    columns = Columns(("attributes",), complete=False)
    return AttributeReader({"attributes": column("attributes")}, declared or {}, columns, "|")


def of_csv(declared: dict[str, str] | None = None) -> AttributeReader:
    columns = Columns(("Size",), complete=True, are_text=True)
    return AttributeReader({"attributes.size": column("Size")}, declared or {}, columns, "|")


def test_json_values_keep_their_types_and_the_first_decides():
    reader = of_json()
    values = {"colour": "red", "size": 4.5, "washable": True, "tags": ["a", "b"], "none": None}
    found = reader.read({"attributes": values})
    assert found is not None
    assert json.loads(found) == {name: value for name, value in values.items() if name != "none"}
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
    for start in range(0, 1_000, 200):
        reader.read({"attributes": {f"a{n}": n for n in range(start, start + 200)}})
    with pytest.raises(BadRowError, match="more than 1,000 different attributes"):
        reader.read({"attributes": {"one more": 1}})
