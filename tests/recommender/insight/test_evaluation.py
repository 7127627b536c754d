"""Evaluations of small histories, checked by hand."""

from dataclasses import replace
from datetime import datetime
from math import log2
from typing import Literal

import numpy as np
import pytest

from recommender.insight import baselines, evaluation, measurement
from recommender.insight.evaluation import EvaluationError, evaluate
from recommender.insight.evaluation_result import Evaluation, MethodResult
from recommender.models import Catalog, EvaluationRun, Mode, Ranker, Space
from recommender.snapshot.snapshot import Snapshot
from recommender.training import training_examples
from recommender.training.fitting import silent
from tests.recommender.training import planted
from tests.shop import DAY, NOON, Shop, event

CUT = NOON + 20 * DAY


@pytest.fixture
def tiny(db: None) -> Shop:
    """Twenty users viewed a; then fifteen of them b, and five c. Before, b was ahead of c.

    Nobody ever viewed d. It is too little to learn from: the rank is fusion's.
    """
    shop = Shop.open("tiny", clock=Catalog.Clock.LAST_EVENT)
    shop.stock(a="Mug", b="Tent", c="Soap", d="Chair")
    shop.embed()
    before = [event(f"u{number}", "a", at=NOON + number * DAY / 2) for number in range(20)]
    crowd = [event(f"crowd{number}", "b", at=NOON) for number in range(3)]
    # Not on one day: such times would be taken for made up.
    after = [event(f"u{n}", "b" if n < 15 else "c", at=CUT + n * DAY / 8) for n in range(20)]
    shop.post(*before, *crowd, event("fan", "c", at=NOON), *after)
    return shop


def run(
    shop: Shop,
    *,
    split: datetime | Literal["last"] | None = CUT,
    k: int = 20,
    mode: Literal["new", "all"] = "new",
    baselines: bool = False,
) -> Evaluation:
    return evaluate(shop.catalog, split=split, k=k, mode=mode, baselines=baselines, progress=silent)


def method(result: Evaluation, name: str) -> MethodResult:
    return next(entry for entry in result.methods if entry.name == name)


def means(entry: MethodResult, *names: str) -> list[float]:
    return [
        interval.mean
        for interval in (entry.metrics[name] for name in names)
        if interval is not None
    ]


@pytest.mark.parametrize(
    ("name", "baselines"), [("popular:all", False), ("popular, all time", True)]
)
def test_a_methods_numbers_are_what_they_are_by_hand(
    tiny: Shop, name: str, baselines: bool
) -> None:
    result = run(tiny, baselines=baselines)

    # Everyone's list is b, c: right at once for fifteen, at the second place for five.
    measured = method(result, name)
    ndcg = (15 + 5 / log2(3)) / 20
    assert means(measured, "ndcg", "recall", "mrr", "hit_rate") == pytest.approx(
        [ndcg, 1.0, (15 + 5 / 2) / 20, 1.0]
    )
    assert means(measured, "coverage") == [0.5], "a and d are in no list"
    assert (result.users, result.products, result.k, result.mode) == (20, 4, 20, "new")
    assert (result.cut_off, result.split) == (CUT, "2025-06-21 12:00")


def test_a_list_of_one_place_is_cut_there(tiny: Shop) -> None:
    measured = method(run(tiny, k=1), "popular:all")

    assert means(measured, "ndcg", "recall", "mrr", "hit_rate") == pytest.approx([0.75] * 4)
    assert means(measured, "coverage") == [0.25]


def test_in_mode_all_what_users_had_is_listed_too(tiny: Shop) -> None:
    result = run(tiny, mode="all")

    # a, which twenty had, then b, then c.
    ndcg = (15 / log2(3) + 5 / log2(4)) / 20
    assert means(method(result, "popular:all"), "ndcg", "recall") == pytest.approx([ndcg, 1.0])
    repeat = method(result, "repeat:decayed")
    assert means(repeat, "ndcg", "recall", "coverage") == [0, 0, 0.25]


def test_the_last_event_of_each_user_is_to_be_found_where_that_is_asked_for(tiny: Shop) -> None:
    result = run(tiny, split="last")

    assert (result.split, result.cut_off) == ("last", None)
    assert "--split last" in result.command
    # Of those with one event nothing is held out, so that b's three and c's one are all there is.
    assert result.users == 20
    assert means(method(result, "popular:all"), "recall") == [1.0]


def test_no_split_is_the_historys_own_choice_and_cuts_before_the_last_event(tiny: Shop) -> None:
    tiny.post(*(event(f"u{n}", "d", at=CUT + (3 + n / 8) * DAY) for n in range(20)))

    result = run(tiny, split=None)

    assert result.cut_off is not None
    assert NOON < result.cut_off < CUT + 3 * DAY
    assert result.users == 20


def test_a_catalog_that_was_still_for_a_while_is_cut_before_its_last_event_all_the_same(
    tiny: Shop,
) -> None:
    there = run(tiny, split=None)
    tiny.post(event("passer-by", None, type="search", at=CUT + 25 * DAY))

    assert run(tiny, split=None).cut_off == there.cut_off


@pytest.mark.parametrize("split", [NOON - DAY, NOON + 90 * DAY, "last", None])
def test_too_little_on_one_side_of_the_split_is_an_error_that_says_what_is_needed(
    shop: Shop, split: datetime | Literal["last"] | None
) -> None:
    shop.stock(a="Mug", b="Tent")
    shop.post(*(event(f"u{n}", "a", at=NOON + n * DAY) for n in range(30)))

    words = (
        "of 30 users with events, 0 have both a history before the split and new products to be "
        "found after it, and at least 20 are needed. Import more history"
    )
    with pytest.raises(EvaluationError, match=words):
        run(shop, split=split)


def test_no_events_are_an_error_that_says_how_to_get_some(shop: Shop) -> None:
    with pytest.raises(EvaluationError, match=r"Import history with `\./kinship"):
        run(shop, split=None)


@pytest.mark.slow
def test_what_is_learnt_finds_planted_tastes_and_nothing_serves_otherwise_afterwards(
    db: None,
) -> None:
    shop = planted.open_shop()
    planted.visits(shop, users=40)

    result = run(shop, split=None, k=5, baselines=True)

    ranked, popular = (method(result, name) for name in (ranker_of(result), "popular, all time"))
    assert ranked.ndcg > 2 * popular.ndcg
    assert ranked.seconds is not None
    names = {entry.name for entry in result.methods}
    assert names >= {
        "item-kNN",
        "EASE",
        "ALS (implicit)",
        "BPR (implicit)",
        "mean profile",
        "fusion",
    }
    assert names >= {"behaviour:als:long_term", "together:all", "ease:all", "text:text:last"}
    assert result.ranked[0].ndcg == max(entry.ndcg for entry in result.methods)
    assert sum(segment.users for segment in ranked.by_history) == result.users
    assert not Space.objects.filter(kind=Space.Kind.BEHAVIOUR).exists()
    assert not Ranker.objects.exists()
    assert not EvaluationRun.objects.exists(), "whoever asks keeps it"


def ranker_of(result: Evaluation) -> str:
    (name,) = [entry.name for entry in result.methods if entry.kind == "ranker"]
    return name


ALWAYS = {
    *("popular, all time", "popular, 30 days", "item-kNN", "EASE", "ALS (implicit)"),
    *("BPR (implicit)", "fusion"),
}


def measured(now: Snapshot, mode: str, told: list[str] | None = None) -> dict[str, MethodResult]:
    split, then = planted.halfway(now)
    truth = training_examples.new_only(split.relevant, then) if mode == Mode.NEW else split.relevant
    users = training_examples.evaluable_users(truth, then, 1000)
    test = measurement.TestSet(
        k=5,
        relevant=[truth[[user]].indices.astype(np.int64) for user in users],
        history=then.interactions.positive().binary()[users],
        ages=np.full(40, 10.0),
        popularity=then.popularity["all"].astype(np.int64),
        training_users=80,
        listable=then.products.available,
        vectors=None,
    )
    said: list[str] = [] if told is None else told
    entries = evaluation.measured(
        then, users, test, mode=mode, progress=lambda text, *_: said.append(text)
    )
    return {entry.name: entry for entry in entries}


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot()


def test_every_method_is_measured_and_those_that_learn_beat_what_is_popular(now: Snapshot) -> None:
    told: list[str] = []

    methods = measured(now, Mode.NEW, told)

    assert methods.keys() == {*ALWAYS, "mean profile"}
    assert {entry.kind for entry in methods.values()} == {"baseline"}
    assert told == [f"baseline {name}" for name in methods]
    assert all(entry.seconds is not None for entry in methods.values())
    for name in ("item-kNN", "EASE", "ALS (implicit)"):
        assert methods[name].ndcg > methods["popular, all time"].ndcg


def test_repeating_is_a_method_where_what_users_had_may_be_listed(now: Snapshot) -> None:
    methods = measured(now, Mode.ALL)

    assert methods.keys() == {*ALWAYS, "mean profile", "repeat"}
    assert methods["repeat"].ndcg > methods["popular, all time"].ndcg


def test_without_content_there_is_no_mean_profile(now: Snapshot) -> None:
    assert measured(replace(now, spaces=()), Mode.NEW).keys() == ALWAYS


def test_a_method_that_cannot_be_fitted_says_why(
    now: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_EASE_PRODUCTS", 30)

    methods = measured(now, Mode.NEW)

    assert methods["EASE"].metrics == {}
    assert "more than the 30 that fit" in methods["EASE"].note
    assert methods["item-kNN"].metrics
