import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import formula
from recommender.engine.formula import FormulaError

FIELDS = {"price", "rating"}


def value(text: str, relevance: float = 0.5, price: float = 20.0) -> float:
    checked = formula.check(text, FIELDS)
    given = {"relevance": relevance, "score": 2.0, "price": price, "rating": 3.0}
    arrays = {name: np.array([number]) for name, number in given.items()}
    return float(checked.relevance(arrays)[0])


def test_a_formula_is_arithmetic_over_relevance_score_and_numbers():
    assert value("relevance * (1 + 0.1 * rating)") == pytest.approx(0.65)
    assert value("max(relevance, 1) + min(score, price) - abs(-rating) / 3") == pytest.approx(2.0)
    assert value("log(exp(2)) + sqrt(price + 5) ** 2") == pytest.approx(27.0)
    assert formula.check("rating + rating + relevance", FIELDS).names == ("rating",)


@pytest.mark.parametrize("text", ["1 / (price - 20)", "log(0 - price)", "10 ** 400", "exp(9999)"])
def test_what_has_no_value_is_nan_and_no_error(text):
    assert math.isnan(value(text))


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "price.real", "[1][0]", "relevance if price else 1", "lambda: 1",
     "price @ 2", "'a' * 3", "True", "1j", "log(1, 2)", "log()", "log(x=1)", "print(1)", "", "1 +",
     "colour", "9" * 300 + "9", "(" * 100 + "1" + ")" * 100 + "+1" * 60, "f(price)", "1e999",
     "relevance := 1", "price < 3", "not price", "~1", "1; 2", "\x00"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(FormulaError):
        formula.check(text, FIELDS)


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text):
    try:
        checked = formula.check(text, FIELDS)
    except FormulaError:
        return
    numbers = {name: np.ones(2) for name in (*formula.GIVEN, *FIELDS)}
    assert checked.relevance(numbers).shape == (2,)
