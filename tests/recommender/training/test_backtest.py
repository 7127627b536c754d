"""Lists as of a past moment come from what was known then, through the tables."""

import numpy as np
import pytest

from recommender.engine import batch
from recommender.engine.answer import Query
from recommender.engine.batch import Recommendation, Recommender
from recommender.models import Event, Mode, Ranker, Space
from recommender.snapshot import reading
from recommender.training import backtest
from recommender.training.fitting import silent
from tests.recommender.training import planted
from tests.shop import DAY, NOON, Shop, event

pytestmark = pytest.mark.slow

THEN = planted.at(40)


def learnt(shop: Shop) -> Recommender:
    return backtest.recommender_as_of(shop.catalog, THEN, Mode.NEW, silent)


def lists(shop: Shop, source: Recommender) -> list[Recommendation]:
    query = Query(count=10, before=THEN)
    return list(batch.recommend_many(source, batch.all_users(shop.catalog), query))


def test_nothing_that_happened_later_changes_what_was_learnt_or_listed(db: None) -> None:
    shop = planted.open_shop()
    planted.visits(shop, users=40)
    shop.post(*(event("later", f"p{n}", at=planted.at(50) + n * DAY) for n in range(9)))
    source = learnt(shop)
    before = lists(shop, source)

    Event.objects.filter(catalog=shop.catalog, at__gte=THEN).delete()

    again = learnt(shop)
    assert again.ranker.kind == source.ranker.kind
    assert again.ranker.to_bytes() == source.ranker.to_bytes()
    for one, other in zip(again.snapshot.spaces, source.snapshot.spaces, strict=True):
        assert np.array_equal(one.vectors, other.vectors), one.name
    assert lists(shop, again) == before
    assert not Space.objects.filter(kind=Space.Kind.BEHAVIOUR).exists(), "nothing is stored"
    assert not Ranker.objects.exists()


def test_before_anything_happened_there_is_nothing_to_learn_and_a_list_still(db: None) -> None:
    shop = planted.open_shop()
    planted.visits(shop)
    source = backtest.recommender_as_of(shop.catalog, NOON - DAY, Mode.NEW, silent)

    answers = lists(shop, source)

    assert len(source.snapshot.interactions) == 0
    assert reading.read(shop.catalog, NOON - DAY).users.tolist() == []
    assert {len(answer.items) for answer in answers} == {10}
