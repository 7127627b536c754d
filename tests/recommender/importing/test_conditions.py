import pytest

from recommender.importing import conditions
from recommender.importing.mapping import Columns
from recommender.importing.row import BadRowError, RefusedError

COLUMNS = Columns(("id", "n", "at", "a>b", "n of m"), complete=True)


def holds(expression: str, **row: object) -> bool:
    return conditions.hold(conditions.parse([expression], COLUMNS), row)


@pytest.mark.parametrize(
    ("expression", "passing", "failing"),
    [
        ("n", "0", " "),
        ("n=1", " 1 ", "10"),
        ("n != 1", "", "1"),
        ("n>1", "1.5", "1"),
        ("n>=1", "1", "0.9"),
        ("n<1", "-2e3", ""),
        ("n<=1", "1.0", "1.01"),
        ("n~^[0-9]", "85123A", "POST"),
        ("n!~^C", "536365", "C536365"),
        ("at<2011-10-01", "2011-09-30T23:59:59", "2011-10-01T00:00:00"),
        ("at>=2011-10-01", "2011-10-01T02:00:00+02:00", "2011-10-01T01:59:59+02:00"),
    ],
)
def test_a_condition_tells_rows_apart(expression, passing, failing):
    column = "at" if expression.startswith("at") else "n"
    assert holds(expression, **{column: passing})
    assert not holds(expression, **{column: failing})


def test_a_column_may_be_called_what_looks_like_a_condition():
    assert not holds("a>b", **{"a>b": ""})
    assert holds("a>b=c", **{"a>b": "c"})
    assert holds("n of m>2", **{"n": "1", "n of m": "3"})


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (None, ""), (7, "7"), ([1], "[1]")])
def test_json_values_compare_as_they_are_written(value, text):
    assert holds(f"n={text}", n=value)


def test_a_value_that_cannot_be_compared_makes_the_row_bad():
    with pytest.raises(BadRowError, match="n is not a number"):
        holds("n>1", n="many")


def test_a_row_that_fails_for_sure_is_left_out_whatever_else_is_wrong_with_it():
    both = conditions.parse(["n>1", "id"], COLUMNS)
    assert not conditions.hold(both, {"n": "many", "id": ""})


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("m>1", "no column 'm'.*columns are: id, n, at"),
        ("N", "no column 'N'"),
        ("n>many", "neither a number nor a time"),
        ("n>", "neither a number nor a time"),
        ("n~[", "not a regular expression"),
    ],
)
def test_a_condition_that_cannot_be_checked_is_refused(expression, complaint):
    with pytest.raises(RefusedError, match=complaint):
        conditions.parse([expression], COLUMNS)
