from dataclasses import replace

import numpy as np
import pytest

from recommender.effect.logged_answers import LoggedAnswers
from recommender.ranking.ranker import FusionRanker
from recommender.training import logged_replay, model_selection, storage
from recommender.training.training_examples import SplitExamples
from tests.recommender.training.test_model_selection import silent, split_examples
from tests.shop import NOON

COUNT = 6


def logged(examples: SplitExamples, scores: np.ndarray) -> LoggedAnswers:
    """Of each user the best by these scores, of which what is relevant is clicked."""
    ends = np.cumsum(examples.table.sizes)
    best = [
        start + np.argsort(-scores[start:end], kind="stable")[:COUNT]
        for start, end in zip(ends - examples.table.sizes, ends, strict=True)
    ]
    rows = np.concatenate(best)
    lengths = [len(of_user) for of_user in best]
    return LoggedAnswers(
        since=NOON,
        answers=np.repeat(np.arange(len(best)), lengths),
        users=np.repeat(examples.users, lengths),
        products=examples.table.products[rows],
        places=np.concatenate([np.arange(length) for length in lengths]),
        propensities=np.ones(len(rows)),
        clicks=examples.relevant[rows].astype(np.float64),
    )


def keyed(examples: SplitExamples) -> SplitExamples:
    """With users whose keys are not their rows, and products that several users may have."""
    return replace(examples, users=examples.users * 3 + 50)


@pytest.fixture(scope="module")
def examples() -> SplitExamples:
    return keyed(split_examples(120, is_held_out=True, seed=1))


def test_the_rank_that_was_logged_earns_what_its_lists_did(examples: SplitExamples) -> None:
    random = np.random.default_rng(0)
    scores = {
        name: examples.relevant * weight + random.random(len(examples.relevant))
        for name, weight in (("one", 0.5), ("two", 0.0))
    }
    log = logged(examples, scores["one"])

    found = logged_replay.replay(examples, scores, log)

    one, two = (found.estimates[name] for name in ("one", "two"))
    assert one.support == 1
    assert one.doubly_robust is not None
    assert one.doubly_robust.mean == pytest.approx(1000 * log.clicks.mean())
    assert one.users == one.answers == 120
    assert two.support < 1
    assert found.figures()["one"]["support"] == 1
    assert found.text.startswith(
        "Off-policy, by 120 lists that 120 of them were given since 2025-06-01 and that had"
    )


def test_a_log_of_others_says_so_and_gives_no_figure(examples: SplitExamples) -> None:
    log = logged(examples, np.zeros(len(examples.relevant)))
    others = replace(log, users=log.users + 1)

    for of in (others, replace(log, **{name: getattr(log, name)[:0] for name in ARRAYS})):
        found = logged_replay.replay(examples, {"one": np.zeros(len(examples.relevant))}, of)
        assert found.figures() == {}
        assert found.text == (
            "Nothing is told off-policy: the log has no list for these users since 2025-06-01."
        )


ARRAYS = ("answers", "users", "products", "places", "propensities", "clicks")


def test_products_that_are_no_candidates_are_shown_but_in_no_rank(examples: SplitExamples) -> None:
    scores = np.arange(len(examples.relevant), dtype=np.float64)
    log = logged(examples, scores)
    unknown = replace(log, products=np.where(log.places < 3, 10**9 + log.places, log.products))

    found = logged_replay.replay(examples, {"one": scores}, unknown).estimates["one"]

    assert found.support == pytest.approx((log.places >= 3).mean(), abs=0.01)
    assert found.observed == pytest.approx(1000 * log.clicks.mean())


def test_selection_tells_it_beside_ndcg_of_each_kind_and_decides_as_before(
    examples: SplitExamples,
) -> None:
    taught = [keyed(split_examples(is_held_out=False)), examples]
    log = logged(examples, FusionRanker().score(examples.table))

    told = model_selection.select(taught, silent, log)
    plain = model_selection.select(taught, silent)

    assert plain.replayed is None
    assert storage.told(plain) == plain.reason == told.reason
    assert told.ranker.kind == plain.ranker.kind
    assert told.replayed is not None
    assert set(told.replayed.estimates) == set(told.figures)
    figures = storage.run_figures(told)
    assert set(figures) == {*told.figures, "off_policy"}
    assert "off_policy" not in storage.run_figures(plain)
    assert figures["off_policy"]["fusion"]["support"] == 1
    assert storage.told(told).startswith(told.reason + " Off-policy, by 120 lists")
