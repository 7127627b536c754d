from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from recommender.effect import experiments, readout, verdict
from recommender.effect.experiments import ExperimentError
from recommender.engine import recommendation_log
from recommender.engine.answer_log import new_id
from recommender.engine.recommendation_log import Entry, Placed
from recommender.models import Experiment, User
from tests.recommender.effect.shown import did
from tests.shop import Shop

NOW = datetime.now(UTC)
START = NOW - timedelta(days=2)
HALVES = [{"name": "control", "share": 0.5}, {"name": "new", "share": 0.5}]


def planned(shop: Shop, name: str = "test", **fields: Any) -> Experiment:
    return Experiment.objects.create(
        catalog=shop.catalog, name=name, **({"variants": HALVES} | fields)
    )


def begun(shop: Shop, **fields: Any) -> Experiment:
    experiment = experiments.start(planned(shop, **fields))
    Experiment.objects.filter(pk=experiment.pk).update(started_at=START)
    return Experiment.objects.select_related("catalog").get(pk=experiment.pk)


def shown(shop: Shop, experiment: Experiment, users: list[str], only: str | None = None) -> None:
    """Each user is shown their own variant an hour after the start, or all this one."""
    entries = []
    for user in users:
        assigned = experiments.assign(experiment, user)
        assert assigned is not None
        label = experiments.label_of(experiment, only) if only else assigned.label
        entries.append(
            Entry(
                rec_id=new_id(START + timedelta(hours=1)),
                catalog_id=shop.catalog.pk,
                operation="for_user",
                placed=Placed("home", 1, label),
                user=user,
                items=[],
                spaces=(),
                ranker=None,
            )
        )
    recommendation_log.write(entries)


def variant_of(experiment: Experiment, user: str) -> str:
    assigned = experiments.assign(experiment, user)
    assert assigned is not None
    return assigned.variant.name


def test_users_are_assigned_only_while_it_runs_and_the_log_knows_the_variant(shop: Shop) -> None:
    experiment = planned(
        shop, variants=[*HALVES[:1], {"name": "none", "share": 0.5, "holdout": True}]
    )
    assert experiments.assign(experiment, "ann") is None
    experiment = experiments.start(experiment)
    users = [f"user {number}" for number in range(100)]
    seen = [experiments.assign(experiment, user) for user in users]
    assert {one.label for one in seen if one} == {"test/control", "test/none"}
    assert {one.variant.holdout for one in seen if one} == {True, False}
    assert experiments.running(shop.catalog) == [experiment]
    assert experiments.stop(experiment, "seen enough")
    assert not experiments.stop(experiment, "again")
    experiment.refresh_from_db()
    assert experiments.assign(experiment, "ann") is None
    assert experiment.end_reason == "seen enough"


def test_a_ramp_widens_and_never_narrows_and_an_end_is_final(shop: Shop) -> None:
    experiment = experiments.start(planned(shop, part_to=0.1))
    began = experiment.started_at
    experiment = experiments.start(experiment, 0.5)
    assert (experiment.part_to, experiment.started_at) == (0.5, began)
    with pytest.raises(ExperimentError, match="never narrowed"):
        experiments.start(experiment, 0.2)
    with pytest.raises(ExperimentError, match="no part"):
        experiments.start(planned(shop, "other", part_from=0.9), 0.5)
    experiments.stop(experiment, "")
    with pytest.raises(ExperimentError, match="has ended"):
        experiments.start(experiment)


def test_two_of_a_layer_do_not_run_for_the_same_users(shop: Shop) -> None:
    experiments.start(planned(shop, part_to=0.5))
    with pytest.raises(ExperimentError, match="overlap"):
        experiments.start(planned(shop, "clash", part_from=0.4))
    experiments.start(planned(shop, "beside", part_from=0.5))
    experiments.start(planned(shop, "elsewhere", layer="other"))
    assert len(experiments.running(shop.catalog)) == 3


def sold(shop: Shop, experiment: Experiment, number: int, chances: dict[str, float]) -> list[str]:
    """So many users see their variants and buy a mug by the chance of theirs."""
    rng = np.random.default_rng(7)
    users = [f"user {place}" for place in range(number)]
    shown(shop, experiment, users)
    shop.post(
        *(
            did("purchase", user, "mug", START + timedelta(hours=2), value=10)
            for user in users
            if rng.random() < chances[variant_of(experiment, user)]
        )
    )
    return users


def test_a_better_variant_is_found_and_told_in_words(shop: Shop) -> None:
    shop.stock(mug="Mug")
    experiment = begun(shop)
    users = sold(shop, experiment, 1200, {"control": 0.2, "new": 0.5})

    found = readout.read(experiment)

    assert sum(found.units.values()) == len(users)
    assert not found.is_ratio_off
    compared = found.metrics["orders"]["new"]
    assert compared is not None
    assert compared.is_better
    assert compared.difference.low < 0.3 < compared.difference.high
    told = verdict.document(experiment, found)
    assert told["text"][0].startswith("new is clearly better: orders a user +")
    assert any("revenue a user" in sentence for sentence in told["text"])


def test_what_was_bought_before_the_variant_was_seen_is_not_its_own(shop: Shop) -> None:
    shop.stock(mug="Mug")
    experiment = begun(shop)
    users = [f"user {number}" for number in range(300)]
    shown(shop, experiment, users)
    shop.post(*(did("purchase", user, "mug", START - timedelta(days=1)) for user in users))
    found = readout.read(experiment)
    assert found.metrics["orders"]["new"] is None, "nothing was bought, so nothing varies"
    assert "too little is known" in verdict.sentences(experiment, found)[0]


def test_users_of_two_variants_and_bots_do_not_count(shop: Shop) -> None:
    shop.catalog.exclude_bots = True
    shop.catalog.save()
    shop.stock(mug="Mug")
    experiment = begun(shop)
    users = [f"user {number}" for number in range(20)]
    shown(shop, experiment, users)
    other = "new" if variant_of(experiment, users[0]) == "control" else "control"
    shown(shop, experiment, users[:1], only=other)
    shop.visit(users[1], "mug", at=START)
    User.objects.filter(external_id=users[1]).update(exclusion=User.Exclusion.BOT)
    found = readout.read(experiment)
    assert sum(found.units.values()) == 18
    assert found.crossed == 1
    assert "1 users saw two variants" in verdict.sentences(experiment, found)[-1]


def test_users_that_come_in_other_shares_make_the_result_void(shop: Shop) -> None:
    experiment = begun(shop)
    shown(shop, experiment, [f"user {number}" for number in range(300)], only="new")
    found = readout.read(experiment)
    assert found.is_ratio_off
    assert "Trust no figure" in verdict.sentences(experiment, found)[0]


def test_a_variant_that_harms_what_is_guarded_ends_the_experiment(shop: Shop) -> None:
    shop.stock(mug="Mug")
    harmless = begun(shop, name="harmless", layer="other", guards=["orders"])
    experiment = begun(shop, metric="clicks", guards=["orders"])
    sold(shop, experiment, 1200, {"control": 0.5, "new": 0.2})
    assert [one.name for one in readout.watch()] == ["test"]
    experiment.refresh_from_db()
    harmless.refresh_from_db()
    assert (experiment.status, harmless.status) == ("ended", "running")
    assert "new has clearly fewer orders" in experiment.end_reason
    assert readout.watch() == []


def test_a_draft_shows_nothing(shop: Shop) -> None:
    experiment = planned(shop)
    found = readout.read(experiment)
    assert found.units == {"control": 0, "new": 0}
    assert verdict.sentences(experiment, found) == ["It has not begun."]
