import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import TooLong
from embeddings.long_text import Fitted, Policy, Treatment, fit
from embeddings.spec import ModelSpec
from embeddings.tokens import estimate

HOSTED = ModelSpec(
    key="small", dimension=4, dimensions=(4,), max_rows=10, max_tokens=40, is_hosted=True
)
LOCAL = ModelSpec(key="here", dimension=4, dimensions=(4,), max_rows=10, max_tokens=40)
PROSE = "The quick brown fox jumps over the lazy dog near the old stone bridge. " * 8

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
