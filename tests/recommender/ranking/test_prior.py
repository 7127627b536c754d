"""Whoever turned something down is not shown its like, whatever was learnt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking import blend, lambdamart, logistic, prior
from recommender.ranking.features import Examples, sample
from recommender.ranking.prior import REFUSED
from recommender.ranking.ranker import FusionRanker, Ranker
from recommender.ranking.table import CandidateTable
from tests.recommender.ranking.tables import examples, table_of

CHANNELS = ("behaviour:als:long_term", "text:titles:last")


def taught(refused: np.ndarray | float = 0.0, seed: int = 0) -> Examples:
    """Examples whose candidates are so much like what their user turned down."""
    made = examples(seed=seed)
    given_columns = {name: made.table[name] for name in made.table.columns.features}
    told = np.zeros(len(made.labels)) + refused
    table = table_of(
        made.table.sizes,
        {name: made.table[name] for name in CHANNELS},
        {**given_columns, REFUSED: told},
    )
    return Examples(table, made.labels)


RANDOM = np.random.default_rng(3)
NOBODY = taught()
EVERYBODY = taught(RANDOM.random(len(NOBODY.labels)))
# Where likeness to what was refused goes with being chosen.
PERVERSE = taught(np.where(NOBODY.labels > 0, RANDOM.random(len(NOBODY.labels)), 0.0))
LESSONS = {"none": NOBODY, "of chance": EVERYBODY, "perverse": PERVERSE}
LEARNT: dict[tuple[str, str], Ranker] = {
    (kind, lesson): fit(sample([given_examples]))
    for lesson, given_examples in LESSONS.items()
    for kind, fit in (
        ("logistic", logistic.fit),
        ("lambdamart", lambdamart.fit),
        ("blend", blend.fit),
    )
}


def one_of(likeness: float, liked: float = 0.9) -> CandidateTable:
    """Four candidates; of the first all channels speak best, and it is like what was refused."""
    return table_of(
        [4],
        {CHANNELS[0]: [liked, 0.6, 0.5, 0.4], CHANNELS[1]: [0.9, 0.6, 0.5, 0.4]},
        {
            "product:age": [10, 10, 10, 10],
            "product:price": [0.1] * 4,
            "user:events": [5] * 4,
            REFUSED: [likeness, 0, 0, 0],
        },
    )


@pytest.mark.parametrize("kind", ["logistic", "lambdamart", "blend", "fusion"])
def test_where_no_example_tells_of_dislikes_they_push_all_the_same(kind: str) -> None:
    ranker = FusionRanker() if kind == "fusion" else LEARNT[kind, "none"]

    assert ranker.score(one_of(0.0)).argmax() == 0
    assert ranker.score(one_of(0.9)).argmax() != 0


@pytest.mark.parametrize("of", LEARNT.keys(), ids=" ".join)
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_dislike_never_raises(of: tuple[str, str], one: float, other: float) -> None:
    ranker = LEARNT[of]
    less, more = sorted((one, other))
    scores = [ranker.score(one_of(likeness))[0] for likeness in (less, more)]

    assert scores[1] <= scores[0] + 1e-9


@pytest.mark.parametrize("of", LEARNT.keys(), ids=" ".join)
def test_what_dislikes_take_is_told_and_the_parts_add_up(of: tuple[str, str]) -> None:
    table = one_of(0.9)
    scored = LEARNT[of].scored(table)
    parts = scored.explain(np.arange(4))

    assert [sum(given.values()) for given in parts] == pytest.approx(scored.scores.tolist())
    if of[1] == "none":
        assert parts[0]["refused"] < min(given.get("refused", 0.0) for given in parts[1:])


def test_fusion_takes_away_a_share_of_all_that_speaks_for_a_candidate() -> None:
    whole, halved = FusionRanker().score(one_of(0.0)), FusionRanker().scored(one_of(0.5))

    assert halved.scores[0] == pytest.approx(whole[0] / 2)
    assert halved.scores[1:] == pytest.approx(whole[1:])
    first = halved.explain(np.array([0]))[0]
    assert first["refused"] == pytest.approx(-whole[0] / 2)


def test_the_more_users_turned_things_down_the_less_is_held_before() -> None:
    few, many = (float(prior.slopes(sample([made])).min()) for made in (NOBODY, EVERYBODY))

    assert few == -4
    assert few < many < 0


@pytest.mark.parametrize("of", LEARNT.keys(), ids=" ".join)
def test_it_is_stored_with_the_rank(of: tuple[str, str]) -> None:
    ranker = LEARNT[of]
    again = type(ranker).from_bytes(ranker.to_bytes())

    np.testing.assert_array_equal(again.score(one_of(0.7)), ranker.score(one_of(0.7)))


def test_where_nothing_was_turned_down_trees_are_those_that_know_nothing_of_it() -> None:
    """What no example tells must not change the rank of others."""
    without = lambdamart.fit(sample([examples()]))
    table = taught(seed=1).table

    np.testing.assert_allclose(
        LEARNT["lambdamart", "none"].score(table), without.score(examples(seed=1).table), rtol=1e-9
    )
