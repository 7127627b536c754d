from dataclasses import replace

import numpy as np
import pytest

from recommender.models import Mode
from recommender.ranking import ranker
from recommender.ranking.ranker import FusionRanker
from recommender.training import fitting, model_selection, training_examples
from recommender.training.behaviour import snapshot_as_of
from recommender.training.training_examples import SplitExamples
from tests.recommender.ranking import tables
from tests.recommender.training import planted


def silent(_: str) -> None:
    """Tells nobody."""


def split_examples(requests: int = 200, *, is_held_out: bool, seed: int = 0) -> SplitExamples:
    """What users want is what behaviour speaks for and is new: fusion does not know the latter."""
    made = tables.examples(requests, seed=seed)
    return SplitExamples(
        users=np.arange(requests),
        table=made.table,
        labels=made.labels,
        relevant=made.labels,
        n_relevant=np.full(requests, 3),
        is_held_out=is_held_out,
    )


def test_a_lead_within_one_standard_error_is_no_lead() -> None:
    random = np.random.default_rng(0)
    steady = random.uniform(0, 1, 400)
    noise = random.normal(0, 1, 400)
    noise = (noise - noise.mean()) / noise.std()
    # One standard error of the difference is 0.1 / 20.
    barely, clearly = (steady + lead + 0.1 * noise for lead in (0.0049, 0.0051))

    order = ("line", "trees")
    assert model_selection.steadiest({"line": steady, "trees": barely}, order) == "line"
    assert model_selection.steadiest({"line": steady, "trees": clearly}, order) == "trees"


def test_of_equals_the_first_ranks_and_the_last_only_where_it_is_better_by_far() -> None:
    same = np.linspace(0, 1, 50)
    order = ("first", "second", "last")

    assert model_selection.steadiest(dict.fromkeys(order, same), order) == "first"
    assert (
        model_selection.steadiest({**dict.fromkeys(order, same), "last": same + 0.1}, order)
        == "last"
    )


def test_what_is_learnt_ranks_where_it_is_better() -> None:
    taught = [split_examples(is_held_out=False), split_examples(60, is_held_out=True, seed=1)]

    selection = model_selection.select(taught, silent)

    assert selection.ranker.kind != FusionRanker.kind
    assert selection.users == 60
    assert set(selection.figures) == {"fusion", "logistic", "lambdamart", "blend"}
    chosen = selection.figures[selection.ranker.kind]
    assert chosen.mean > selection.figures["fusion"].mean
    assert selection.reason.startswith(f"{selection.ranker.kind} ranks: in the replay")


def test_nothing_of_what_the_gate_judges_by_is_learnt_before_it_has_judged() -> None:
    judge = split_examples(60, is_held_out=True, seed=1)
    nothing = replace(judge, labels=np.zeros_like(judge.labels))

    selection = model_selection.select([split_examples(is_held_out=False), nothing], silent)
    again = model_selection.select([split_examples(is_held_out=False)], silent)

    assert selection.users == 60
    assert again.users == 0, "nothing judges"
    assert isinstance(again.ranker, FusionRanker)


def test_with_too_few_users_to_judge_by_fusion_ranks_and_says_so() -> None:
    selection = model_selection.select(
        [split_examples(is_held_out=False), split_examples(19, is_held_out=True, seed=1)], silent
    )

    assert isinstance(selection.ranker, FusionRanker)
    assert selection.figures == {}
    assert selection.reason == (
        "What 19 users did next is known; at least 20 are needed to validate a learnt rank. "
        "Fusion ranks until then."
    )


def test_with_too_few_examples_fusion_ranks_and_says_so() -> None:
    judge = split_examples(30, is_held_out=True)
    unlabelled = replace(judge, labels=np.zeros_like(judge.labels))

    others = split_examples(10, is_held_out=False, seed=2)
    selection = model_selection.select([unlabelled, others], silent)

    assert isinstance(selection.ranker, FusionRanker)
    assert "Only 10 lists held a product" in selection.reason


def test_a_perfect_rank_has_an_ndcg_of_one_and_what_is_no_candidate_is_missed() -> None:
    examples = split_examples(3, is_held_out=True)
    scores = {"text:t:last": examples.relevant.astype(np.float32)}
    perfect = replace(examples, table=tables.table_of(examples.table.sizes, scores))

    assert model_selection.ndcg(FusionRanker(), perfect) == pytest.approx([1, 1, 1])
    missed = model_selection.ndcg(FusionRanker(), replace(perfect, n_relevant=np.array([3, 4, 40])))
    assert missed[0] == 1
    assert 1 > missed[1] > missed[2] > 0


def test_the_chosen_rank_lists_what_a_planted_taste_wants() -> None:
    now = planted.snapshot()
    split, _ = planted.halfway(now)
    then = fitting.fit(snapshot_as_of(now, split))
    examples = training_examples.of_split(then, split, Mode.NEW)

    selection = model_selection.select(
        [replace(examples, is_held_out=False, labels=examples.relevant), examples], silent
    )

    users = training_examples.evaluable_users(
        training_examples.new_only(split.relevant, then), then, 1000
    )
    best = ranker.top(selection.ranker.score(examples.table), examples.table.sizes, 3)
    of_taste = [
        (
            then.products.rows(examples.table.products[rows]) % planted.TASTES
            == user % planted.TASTES
        ).mean()
        for user, rows in zip(users, best, strict=True)
    ]
    assert np.mean(of_taste) > 0.7, "by chance it were a quarter"
