import pytest

from recommender.importing import mapping
from recommender.importing.mapping import Columns
from recommender.importing.row import RefusedError

CSV = Columns(("sku", "title", "body", "image_url"), complete=True)


def test_the_last_equals_sign_belongs_to_the_column():
    assert mapping.parse(["id=a=b"]) == {"id": "a=b"}


def columns_of(given: dict[str, str], columns: Columns = CSV) -> dict[str, str]:
    reads = mapping.resolve(given, columns, mapping.PRODUCT_FIELDS)
    return {field: read.columns[0] for field, read in reads.items()}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["price"], "write field=column"),
        (["colour=Colour"], "no field 'colour'. Fields: id, title, .*, attributes.NAME"),
        (["attributes.=Colour"], "no field"),
        (["id=a", "id=b"], "gives 'id' twice"),
    ],
)
def test_a_word_that_says_nothing_is_refused(words, complaint):
    with pytest.raises(RefusedError, match=complaint):
        mapping.parse(words)


def test_fields_take_the_column_of_their_name_and_the_map_wins():
    columns = columns_of({"id": "sku", "description": "body"})
    assert columns == {
        "id": "sku",
        "description": "body",
        "title": "title",
        "image_urls": "image_url",
    }


def test_a_column_that_is_mapped_is_not_taken_for_another_field_too():
    columns = columns_of({"id": "sku", "description": "title"})
    assert columns["description"] == "title"
    assert "title" not in columns


def test_fields_of_the_other_command_are_passed_over():
    columns = columns_of({"id": "sku", "user": "nobody"})
    assert "user" not in columns


def test_a_mapped_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(RefusedError, match=r"no column 'Sku'.*columns are: sku, title, body"):
        mapping.resolve({"id": "Sku"}, CSV, mapping.PRODUCT_FIELDS)


def test_a_column_that_is_there_twice_is_refused():
    with pytest.raises(RefusedError, match="2 columns are called 'id'"):
        mapping.resolve({}, Columns(("id", "id"), complete=True), mapping.PRODUCT_FIELDS)


def test_later_lines_of_json_may_bring_fields_that_the_first_do_not_show():
    columns = columns_of({}, Columns(("id",), complete=False))
    assert columns["title"] == "title"
    assert columns["image_urls"] == "image_urls"
