from dataclasses import replace

import numpy as np
import pytest

from recommender.models import Mode
from recommender.ranking import ranker
from recommender.ranking.fusion import FusionRanker
from recommender.training import fitting, gate, lessons
from recommender.training.behaviour import snapshot_of
from recommender.training.lessons import Lesson
from tests.recommender.ranking import tables
from tests.recommender.training import planted


def silent(_: str) -> None:
    """Tells nobody."""


def lesson(requests: int = 200, *, judges: bool, seed: int = 0) -> Lesson:
    """What users want is what behaviour speaks for and is new: fusion does not know the latter."""
    made = tables.examples(requests, seed=seed)
    return Lesson(
        table=made.table,
        labels=made.labels,
        truth=made.labels,
        wanted=np.full(requests, 3),
        judges=judges,
    )


def test_a_lead_within_one_standard_error_is_no_lead() -> None:
    random = np.random.default_rng(0)
    steady = random.uniform(0, 1, 400)
    noise = random.normal(0, 1, 400)
    noise = (noise - noise.mean()) / noise.std()
    # One standard error of the difference is 0.1 / 20.
    barely, clearly = (steady + lead + 0.1 * noise for lead in (0.0049, 0.0051))

    order = ("line", "trees")
    assert gate.steadiest({"line": steady, "trees": barely}, order) == "line"
    assert gate.steadiest({"line": steady, "trees": clearly}, order) == "trees"


def test_of_equals_the_first_ranks_and_the_last_only_where_it_is_better_by_far() -> None:
    same = np.linspace(0, 1, 50)
    order = ("first", "second", "last")

    assert gate.steadiest(dict.fromkeys(order, same), order) == "first"
    assert gate.steadiest({**dict.fromkeys(order, same), "last": same + 0.1}, order) == "last"


def test_what_is_learnt_ranks_where_it_is_better() -> None:
    taught = [lesson(judges=False), lesson(60, judges=True, seed=1)]

    verdict = gate.judge(taught, silent)

    assert verdict.ranker.kind != FusionRanker.kind
    assert verdict.users == 60
    assert set(verdict.figures) == {"fusion", "logistic", "lambdamart", "blend"}
    chosen = verdict.figures[verdict.ranker.kind]
    assert chosen.mean > verdict.figures["fusion"].mean
    assert verdict.reason.startswith(f"{verdict.ranker.kind} ranks: in the replay")


def test_nothing_of_what_the_gate_judges_by_is_learnt_before_it_has_judged() -> None:
    judge = lesson(60, judges=True, seed=1)
    nothing = replace(judge, labels=np.zeros_like(judge.labels))

    found = gate.judge([lesson(judges=False), nothing], silent)
    again = gate.judge([lesson(judges=False)], silent)

    assert found.users == 60
    assert again.users == 0, "nothing judges"
    assert isinstance(again.ranker, FusionRanker)


def test_with_too_few_users_to_judge_by_fusion_ranks_and_says_so() -> None:
    verdict = gate.judge([lesson(judges=False), lesson(19, judges=True, seed=1)], silent)

    assert isinstance(verdict.ranker, FusionRanker)
    assert verdict.figures == {}
    assert verdict.reason == (
        "What 19 users did next is known; at least 20 are needed to judge a learnt rank. Fusion "
        "ranks until then."
    )


def test_with_too_few_examples_fusion_ranks_and_says_so() -> None:
    judge = lesson(30, judges=True)
    unlabelled = replace(judge, labels=np.zeros_like(judge.labels))

    verdict = gate.judge([unlabelled, lesson(10, judges=False, seed=2)], silent)

    assert isinstance(verdict.ranker, FusionRanker)
    assert "Only 10 lists held a product" in verdict.reason


def test_a_perfect_rank_has_an_ndcg_of_one_and_what_is_no_candidate_is_missed() -> None:
    found = lesson(3, judges=True)
    scores = {"text:t:last": found.truth.astype(np.float32)}
    perfect = replace(found, table=tables.table_of(found.table.sizes, scores))

    assert gate.ndcg(FusionRanker(), perfect) == pytest.approx([1, 1, 1])
    missed = gate.ndcg(FusionRanker(), replace(perfect, wanted=np.array([3, 4, 40])))
    assert missed[0] == 1
    assert 1 > missed[1] > missed[2] > 0


def test_the_chosen_rank_lists_what_a_planted_taste_wants() -> None:
    now = planted.snapshot()
    split, _ = planted.halfway(now)
    then = fitting.fit(snapshot_of(now, split))
    found = lessons.lesson(then, split, Mode.NEW)

    verdict = gate.judge([replace(found, judges=False, labels=found.truth), found], silent)

    users = lessons.tested(lessons.new_only(split.truth, then), then, 1000)
    best = ranker.top(verdict.ranker.score(found.table), found.table.sizes, 3)
    of_taste = [
        (
            then.products.rows(found.table.products[rows]) % planted.TASTES == user % planted.TASTES
        ).mean()
        for user, rows in zip(users, best, strict=True)
    ]
    assert np.mean(of_taste) > 0.7, "by chance it were a quarter"
