from dataclasses import replace

import pytest

from embeddings.errors import Misconfigured, Rejected
from embeddings.spec import EVERYTHING, ModelSpec
from embeddings.types import Input, Output

SPEC = ModelSpec(key="m", dimension=256, dimensions=(256, 64), max_rows=2, max_tokens=100)


def test_a_spec_changes_to_another_of_its_dimensions() -> None:
    assert SPEC.at(64).dimension == 64
    assert SPEC.at(None).dimension == 256


def test_a_dimension_the_model_does_not_give_is_refused_with_those_it_gives() -> None:
    with pytest.raises(Misconfigured, match="does not give 100 dimensions; use one of: 256, 64"):
        SPEC.at(100)


def test_a_model_without_a_list_gives_any_dimension_but_none() -> None:
    free = replace(SPEC, dimensions=())

    assert free.at(17).dimension == 17
    with pytest.raises(Misconfigured, match="use one of: 1 or more"):
        free.at(0)


def test_what_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(Misconfigured, match="gives no sparse vectors"):
        SPEC.check_output(Output.BOTH)
    with pytest.raises(Misconfigured, match="takes no instruction"):
        SPEC.check_output(Output.DENSE, "Find a gift")
    replace(SPEC, has_sparse=True, has_instruction=True).check_output(Output.SPARSE, "Find a gift")


def test_a_row_of_a_kind_the_model_does_not_read_is_named() -> None:
    rows = [Input(text="mug"), Input(text="rug", images=("http://a/b.png",))]

    with pytest.raises(Rejected, match="Row 1 holds image, but m reads text only"):
        SPEC.check(rows)
    replace(SPEC, modalities=EVERYTHING).check(rows)


def test_more_rows_than_a_call_takes_are_refused() -> None:
    SPEC.check([Input(text="mug")] * 2)
    with pytest.raises(Rejected, match="3 inputs in one call, but m takes 2 at most"):
        SPEC.check([Input(text="mug")] * 3)


def test_the_price_is_for_a_million_tokens() -> None:
    assert replace(SPEC, price=0.07).cost(500_000) == pytest.approx(0.035)
    assert SPEC.cost(500_000) == 0
