import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls.long_text import Fitted, Policy, Treatment, fit, mean, sparse_mean
from embeddings.calls.tokens import estimate
from embeddings.errors import Rejected, TooLong
from embeddings.spec import ModelSpec
from embeddings.types import SparseVector

HOSTED = ModelSpec(
    key="small", dimension=4, dimensions=(4,), max_rows=10, max_tokens=40, is_hosted=True
)
LOCAL = ModelSpec(key="here", dimension=4, dimensions=(4,), max_rows=10, max_tokens=40)
PROSE = "The quick brown fox jumps over the lazy dog near the old stone bridge. " * 8
EAST = np.array([1, 0], np.float32)
NORTH = np.array([0, 1], np.float32)

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=600).filter(str.strip)
policies = st.sampled_from([Policy.TRUNCATE, Policy.SPLIT])


@pytest.mark.parametrize("policy", Policy)
def test_a_text_within_the_limit_is_left_as_it_is(policy: Policy) -> None:
    assert fit("Blue mug", HOSTED, policy) == Fitted(("Blue mug",))


@given(text=texts, policy=policies)
def test_every_part_is_within_the_limit_and_none_is_blank(text: str, policy: Policy) -> None:
    fitted = fit(text, HOSTED, policy)

    assert all(estimate(part) <= HOSTED.max_tokens for part in fitted.parts)
    assert all(part.strip() for part in fitted.parts) or not text.strip()


@given(text=texts)
def test_a_text_that_is_split_loses_nothing_but_spaces(text: str) -> None:
    parts = fit(text, HOSTED, Policy.SPLIT).parts

    assert "".join("".join(parts).split()) == "".join(text.split())


@given(text=texts)
def test_a_text_that_is_truncated_keeps_its_beginning(text: str) -> None:
    fitted = fit(text, HOSTED, Policy.TRUNCATE)

    (kept,) = fitted.parts
    assert text.strip().startswith(kept.strip())
    assert (fitted.treatment is None) == (estimate(text) <= HOSTED.max_tokens)


def test_prose_is_cut_between_words() -> None:
    words = set(PROSE.split())

    split = fit(PROSE, HOSTED, Policy.SPLIT)
    truncated = fit(PROSE, HOSTED, Policy.TRUNCATE)

    assert (split.treatment, truncated.treatment) == (Treatment.SPLIT, Treatment.TRUNCATED)
    assert len(split.parts) > 2
    for part in (*split.parts, *truncated.parts):
        assert set(part.split()) <= words
    assert all(estimate(part) > HOSTED.max_tokens * 0.7 for part in split.parts[:-1])


def test_a_text_without_spaces_is_cut_where_the_limit_is() -> None:
    parts = fit("茶" * 100, HOSTED, Policy.SPLIT).parts

    assert [len(part) for part in parts] == [40, 40, 20]


def test_a_text_over_the_limit_is_rejected_with_what_to_do() -> None:
    with pytest.raises(
        TooLong, match=r"about 1\d\d tokens, but small takes 40; shorten it, or let"
    ):
        fit(PROSE, HOSTED, Policy.REJECT)


def test_a_model_that_runs_here_cuts_by_itself_and_it_is_recorded() -> None:
    assert fit(PROSE, LOCAL, Policy.TRUNCATE) == Fitted((PROSE,), Treatment.TRUNCATED)


def test_a_model_that_took_less_than_it_says_gets_less() -> None:
    (kept,) = fit(PROSE, HOSTED, Policy.TRUNCATE, max_tokens=20).parts

    assert 10 < estimate(kept) <= 20


def test_a_megabyte_is_split_without_looking_at_all_of_it_for_each_part() -> None:
    text = "".join(f"word{number} " for number in range(100_000))

    parts = fit(text, HOSTED, Policy.SPLIT).parts

    assert " ".join(parts) == text.strip()


def test_a_heavier_part_weighs_more_and_the_mean_has_length_one() -> None:
    vector = mean([EAST, NORTH], [3, 1])

    np.testing.assert_allclose(vector, np.array([3, 1]) / np.sqrt(10), rtol=1e-6)
    assert vector.dtype == np.float32


def test_parts_that_cancel_out_are_refused() -> None:
    with pytest.raises(Rejected, match="cancel out"):
        mean([EAST, -EAST], [1, 1])


def test_a_token_s_weight_is_its_mean_and_tokens_stay_in_order() -> None:
    first = SparseVector((2, 7), (1.0, 0.5), ("mug", "tea"))
    second = SparseVector((1, 7), (0.8, 0.1), ("cup", "tea"))

    sparse = sparse_mean([first, second], [3, 1])

    assert sparse.indices == (1, 2, 7)
    assert sparse.values == pytest.approx((0.2, 0.75, 0.4))
    assert sparse.tokens == ("cup", "mug", "tea")


def test_without_the_tokens_texts_there_are_none() -> None:
    sparse = sparse_mean([SparseVector((1,), (1.0,)), SparseVector((1,), (0.0,))], [1, 1])

    assert sparse == SparseVector((1,), (0.5,))
