import json

import pytest

from recommender.importing.attribute_values import MAX_NAMES, AttributeReader
from recommender.importing.errors import BadRowError

NUL = "\x00"


def of_json(declared: dict[str, str] | None = None) -> AttributeReader:
    return AttributeReader({"attributes": "attributes"}, declared or {}, is_text=False)


def of_csv(declared: dict[str, str] | None = None) -> AttributeReader:
    return AttributeReader({"attributes.size": "Size"}, declared or {}, is_text=True)


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


def test_a_file_with_ids_as_names_does_not_flood_the_catalogue():
    reader = of_json()
    reader.read({"attributes": {f"a{n}": n for n in range(MAX_NAMES)}})
    with pytest.raises(BadRowError, match="more than 1,000 different attributes"):
        reader.read({"attributes": {"one more": 1}})
