from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import ranking
from recommender.engine.ranking import Candidate

IDS = [f"p{n}" for n in range(12)]


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """A channel's list: distinct products, the best first."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True))
    because = st.none() | st.sampled_from(IDS)
    return [Candidate(each, float(-place), draw(because)) for place, each in enumerate(ids)]


channels = st.dictionaries(st.sampled_from(["text", "popular", "repeat", "image"]), candidates())


@given(channels, st.integers(0, 20))
def test_a_fused_list_is_no_longer_than_asked_and_names_no_product_twice(channels, count):
    fused = ranking.fuse(channels, count)
    proposed = {each.id for found in channels.values() for each in found}
    assert len(fused) == min(count, len(proposed))
    assert len({each.id for each in fused}) == len(fused)


@given(channels)
def test_the_parts_add_up_to_the_score(channels):
    for each in ranking.fuse(channels, 20):
        assert isclose(sum(each.parts.values()), each.score)
        assert each.parts[each.channel] == max(each.parts.values())


@given(channels)
def test_every_part_is_what_the_place_in_its_channel_is_worth(channels):
    for each in ranking.fuse(channels, 20):
        for name, part in each.parts.items():
            place = [candidate.id for candidate in channels[name]].index(each.id)
            assert part == pytest.approx(1 / (60 + place + 1))


@given(channels)
def test_a_fused_list_is_ordered_by_score(channels):
    scores = [each.score for each in ranking.fuse(channels, 20)]
    assert scores == sorted(scores, reverse=True)


@given(channels)
def test_what_led_to_a_product_is_told_once(channels):
    for each in ranking.fuse(channels, 20):
        told = {
            candidate.because
            for found in channels.values()
            for candidate in found
            if candidate.id == each.id and candidate.because is not None
        }
        assert sorted(each.because) == sorted(told)


@given(channels, st.randoms(use_true_random=False), st.integers(0, 20))
def test_the_order_of_the_channels_does_not_matter(channels, random, count):
    names = list(channels)
    random.shuffle(names)
    fused = ranking.fuse(channels, count)
    shuffled = ranking.fuse({name: channels[name] for name in names}, count)
    assert [(each.id, each.score) for each in shuffled] == [(each.id, each.score) for each in fused]


def test_no_rounding_decides_between_products_of_equal_places():
    places = {"b": (7, 2, 1), "a": (1, 7, 2)}  # added up in this order, b has an ulp more
    channels = {
        name: [
            Candidate(next((k for k in places if places[k][number] == place), f"{name}{place}"), 0)
            for place in range(1, 8)
        ]
        for number, name in enumerate(("text", "popular", "repeat"))
    }
    assert [each.id for each in ranking.fuse(channels, 2)] == ["a", "b"]


def test_what_several_channels_propose_rises():
    first, second, both = (Candidate(name, 1.0) for name in ("first", "second", "both"))
    fused = ranking.fuse({"text": [first, both], "popular": [second, both]}, 3)
    assert [each.id for each in fused] == ["both", "first", "second"]


proposals = st.lists(
    st.tuples(st.sampled_from(IDS), st.floats(0, 1), st.none() | st.sampled_from(IDS))
)


@given(proposals)
def test_a_products_scores_of_several_searches_add_up(proposals):
    pooled = ranking.pool(proposals)
    for each in pooled:
        assert isclose(
            each.score, sum(score for product, score, _ in proposals if product == each.id)
        )
    assert {each.id for each in pooled} == {product for product, _, _ in proposals}
    assert pooled == sorted(pooled, key=lambda each: (-each.score, each.id))


@given(proposals)
def test_the_search_that_gave_most_names_what_led_to_a_product(proposals):
    for each in ranking.pool(proposals):
        own = [(score, because) for product, score, because in proposals if product == each.id]
        assert each.because == max(own, key=lambda one: one[0])[1]
