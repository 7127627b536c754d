import numpy as np
import pytest

from recommender.ranking import table
from recommender.ranking.table import CandidateTable
from tests.recommender.ranking.tables import table_of


def test_requests_that_do_not_make_up_the_candidates_are_refused():
    with pytest.raises(ValueError, match="3 candidates, but there are 2 products"):
        CandidateTable(
            sizes=np.array([1, 2]),
            products=np.arange(2),
            columns=table.columns((), ()),
            values=np.zeros((0, 2), np.float32),
        )


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2\), not \(1, 2\)"):
        CandidateTable(
            sizes=np.array([2]),
            products=np.arange(2),
            columns=table.columns(("text:a:last",), ()),
            values=np.zeros((2, 2), np.float32),
        )


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="must be distinct: toy:a, toy:a"):
        table.columns(("toy:a",), ("toy:a",))


def test_columns_are_filled_in_place():
    made = table.empty(table.columns(("text:a:last",), ("user:events",)), np.array([7, 9]))
    made["text:a:last"] = np.array([0.5, 0.25])
    made["user:events"] = 3.0
    np.testing.assert_array_equal(made.values, [[0.5, 0.25], [3, 3]])
    np.testing.assert_array_equal(made.scores, [[0.5, 0.25]])


def test_several_requests_become_one_table_and_each_can_be_taken_out_again():
    first, second = table_of([2], {"a:b": [1, 2]}), table_of([0], {"a:b": []})
    third = table_of([1], {"a:b": [3]})
    both = table.concatenated([first, second, third])
    assert both.sizes.tolist() == [2, 0, 1]
    assert both["a:b"].tolist() == [1, 2, 3]
    assert both.request(slice(2, 3))["a:b"].tolist() == [3]


def test_tables_of_other_columns_do_not_become_one():
    with pytest.raises(ValueError, match="same columns"):
        table.concatenated([table_of([1], {"a:b": [1]}), table_of([1], {"a:c": [1]})])


def test_no_request_makes_an_empty_table():
    assert table.concatenated([]).sizes.tolist() == []


def test_scores_without_features():
    alone = table_of([2], {"a:b": [1, 2]}, {"user:events": [3, 3]}).scores_alone()
    assert alone.columns.features == ()
    np.testing.assert_array_equal(alone.values, [[1, 2]])
