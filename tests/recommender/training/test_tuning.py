"""Settings of learners, by histories whose structure says which are right."""

from dataclasses import replace
from time import process_time

import numpy as np
import pytest

from recommender.behaviour import neighbours
from recommender.behaviour.settings import (
    AlsSettings,
    CooccurrenceSettings,
    EaseSettings,
    LearnerSettings,
)
from recommender.training import splits, tuning
from recommender.training.fitting import silent
from recommender.training.tuning import Effort, Halving, Replay
from tests.recommender.training import planted


@pytest.fixture(scope="module")
def replay() -> Replay:
    now = planted.snapshot(planted.interactions(users=120, products=60, events=10))
    split = max(
        (one for one in splits.plan(now.interactions).splits if not one.is_held_out),
        key=lambda one: one.labels.nnz,
    )
    return Replay.of(now, split)


def test_a_replay_asks_for_what_followed_and_was_new(replay: Replay) -> None:
    assert len(replay.users) >= 20
    assert not replay.relevant.multiply(replay.binary).nnz
    assert (np.diff(replay.relevant.indptr)[replay.users] > 0).all()
    assert (np.diff(replay.binary.indptr)[replay.users] > 0).all()


def test_lists_by_the_truth_have_ndcg_1_and_lists_by_its_opposite_0(replay: Replay) -> None:
    def truth(users: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuning.Floats:
        return replay.relevant[users].toarray()

    assert np.allclose(replay.ndcg(truth, 50), 1.0)
    assert replay.ndcg(lambda users: -truth(users), 50).mean() < 0.2


def test_what_is_not_in_stock_or_was_had_is_in_no_list(replay: Replay) -> None:
    sold_out = replace(replay, listable=np.zeros_like(replay.listable))
    by_own = replay.ndcg(lambda users: replay.binary[users].toarray(), 50)

    assert not sold_out.ndcg(lambda users: replay.relevant[users].toarray(), 50).any()
    assert by_own.mean() < 0.5, "the own products, which score highest, take no place"


def test_the_search_ends_with_one_of_those_that_were_tried_to_the_end(replay: Replay) -> None:
    found = tuning.search(replay, 600.0, silent)

    assert not found.unfinished
    assert list(found.trials) == ["co-occurrence", "EASE", "ALS"]
    chosen = (found.settings.cooccurrence, found.settings.ease, found.settings.als)
    for settings, (name, trials) in zip(chosen, found.trials.items(), strict=True):
        times = [trial.settings for trial in trials].count(settings)
        assert times == (1 if name == "EASE" else len(tuning.EFFORTS)), "EASE needs but one"
    figures = found.figures()
    assert LearnerSettings.from_json(figures["chosen"]) == found.settings  # type: ignore[arg-type]


def test_a_setting_that_is_better_beyond_noise_takes_the_place_of_the_default(
    replay: Replay,
) -> None:
    good, bad = EaseSettings(l2=1.0), EaseSettings(l2=2.0)

    def scorer(settings: EaseSettings, _effort: Effort) -> tuning.Scorer:
        sign = 1.0 if settings == good else -1.0
        return lambda users: np.asarray(sign * replay.relevant[users].toarray(), np.float32)

    for candidates, best in (((bad, good), good), ((good, bad), good), ((bad, bad), bad)):
        halving = Halving(replay, candidates, scorer, process_time() + 600)
        assert list(halving.trials())
        assert halving.best == best
        assert not halving.is_cut_short


def test_of_a_first_effort_that_ran_out_of_time_the_best_that_was_tried_serves(
    replay: Replay,
) -> None:
    candidates = tuple(EaseSettings(l2=float(l2)) for l2 in (1, 2, 3))

    def scorer(settings: EaseSettings, _effort: Effort) -> tuning.Scorer:
        if settings.l2 == 2:  # the last that there is time for
            while process_time() < deadline:
                pass
        sign = 1.0 if settings.l2 > 1 else -1.0
        return lambda users: np.asarray(sign * replay.relevant[users].toarray(), np.float32)

    deadline = process_time() + 1.0
    halving = Halving(replay, candidates, scorer, deadline)
    assert [trial.settings.l2 for trial in halving.trials()] == [1, 2]
    assert halving.is_cut_short
    assert halving.best == candidates[1]


def test_half_of_the_settings_go_on_with_more_effort_and_the_default_always(
    replay: Replay,
) -> None:
    candidates = tuple(EaseSettings(l2=float(l2)) for l2 in range(1, 10))

    def scorer(settings: EaseSettings, _effort: Effort) -> tuning.Scorer:
        rng = np.random.default_rng(int(settings.l2))
        noise = rng.random(replay.relevant.shape, dtype=np.float32)
        return lambda users: replay.relevant[users].toarray() + noise[users] * settings.l2

    trials = list(Halving(replay, candidates, scorer, process_time() + 600).trials())

    assert [trial.settings.l2 for trial in trials[:9]] == list(range(1, 10))
    assert len(trials) == 9 + 5 + 3
    assert {trials[0].settings, trials[9].settings, trials[14].settings} == {candidates[0]}


def test_without_time_the_defaults_stay_and_the_search_says_so(replay: Replay) -> None:
    found = tuning.search(replay, -1.0, silent)

    assert found.settings == LearnerSettings()
    assert found.unfinished == ("co-occurrence", "EASE", "ALS")
    assert not any(found.trials.values())


@pytest.mark.parametrize(
    "settings",
    [CooccurrenceSettings(), CooccurrenceSettings(user=0.5, own=0.8, target=0.3)],
)
def test_a_trial_of_co_occurrence_scores_as_the_neighbours_that_would_serve(
    replay: Replay, settings: CooccurrenceSettings
) -> None:
    users = replay.users[:20]
    tried = tuning._cooccurrence(replay, settings)(users)
    served = (
        replay.binary[users] @ neighbours.cooccurrence(replay.binary, 200, settings)
    ).toarray()

    new = replay.binary[users].toarray() == 0
    ratios = tried[new & (served > 0)] / served[new & (served > 0)]
    assert ratios.std() < 1e-4 * ratios.mean(), "but for one scale"
    assert not tried[new & (served == 0)].any()


def test_settings_come_back_from_json_as_they_were() -> None:
    settings = LearnerSettings(
        als=AlsSettings(dimension=64, regularization=1.0, alpha=2.0),
        cooccurrence=CooccurrenceSettings(user=0.5, own=0.8, target=0.3),
        ease=EaseSettings(l2=50.0),
    )

    assert LearnerSettings.from_json(settings.to_json()) == settings
    assert LearnerSettings.from_json({}) == LearnerSettings()
