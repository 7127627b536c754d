import numpy as np
import pytest

from benchmarks import truth
from benchmarks.truth import Judge, Recall, Truth

# On a quarter circle, one step further from the first each; `c` and `d` lie together.
_ANGLES = np.array([0.0, 0.1, 0.2, 0.2, 0.3])
_FIRST = np.array([0])


@pytest.fixture
def judge() -> Judge:
    store = Truth(
        ids=("a", "b", "c", "d", "e"),
        vectors=np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32),
        prices=np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        brands=np.array(["x", "x", "x", "y", "y"]),
        buckets=np.array([0, 1, 2, 3, 4]),
        in_stock=np.array([True, True, True, True, False]),
    )
    return truth.judge(store, _FIRST)


def test_the_exact_neighbours_have_full_recall(judge: Judge) -> None:
    assert judge.recall({}, [["b", "c"]], 2) == Recall(share=1.0, fewest=2, full=1.0)


def test_a_tie_is_as_right_as_what_it_ties_with(judge: Judge) -> None:
    assert judge.recall({}, [["b", "d"]], 2).share == 1.0


def test_a_farther_product_is_no_right_answer(judge: Judge) -> None:
    assert judge.recall({}, [["c", "d"]], 1).share == 0.0


def test_the_seed_itself_is_no_right_answer(judge: Judge) -> None:
    assert judge.recall({}, [["a", "b"]], 2).share == 0.5


def test_what_does_not_pass_the_filter_is_no_right_answer(judge: Judge) -> None:
    assert judge.recall({"brand": ["y"]}, [["b"]], 1).share == 0.0
    assert judge.recall({"price": {"lte": 2.0}}, [["b"]], 1).share == 1.0
    assert judge.recall({"bucket": {"lt": 2}}, [["c"]], 1).share == 0.0


def test_what_is_out_of_stock_is_no_right_answer(judge: Judge) -> None:
    assert judge.recall({"brand": ["y"]}, [["e"]], 1).share == 0.0


def test_a_short_answer_is_full_where_no_more_pass(judge: Judge) -> None:
    assert judge.recall({"brand": ["y"]}, [["d"]], 3) == Recall(share=1.0, fewest=1, full=1.0)
    assert judge.recall({}, [["b"]], 3).full == 0.0
