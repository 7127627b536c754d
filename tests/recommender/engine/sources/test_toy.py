"""What a source needs to serve: a file and a line in the table, and nothing else."""

import numpy as np
import pytest

from recommender.engine import batch, sources
from recommender.engine.answer import Item, Query
from recommender.engine.recommend import recommend
from recommender.insight.evaluation import evaluate
from recommender.models import Mode
from recommender.ranking import features
from recommender.training import fitting, training_examples
from recommender.training.fitting import silent
from tests.recommender.engine.sources import toy
from tests.recommender.training import planted
from tests.shop import Shop

QUERY = Query(count=10)


@pytest.fixture(autouse=True)
def toy_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the table."""
    monkeypatch.setattr(sources, "SOURCES", [*sources.SOURCES, toy.sources])


def next_of(shop: Shop, product: str) -> list[str]:
    key = shop.product(product).pk
    rows = shop.catalog.products.filter(pk__gt=key, pk__lte=key + toy.NEXT).order_by("pk")
    return list(rows.values_list("external_id", flat=True))


def given(items: tuple[Item, ...]) -> list[str]:
    """What the toy gives something for, the most first."""
    scored = [item for item in items if item.contributions.get("toy", 0) > 0]
    return [item.id for item in sorted(scored, key=lambda item: -item.contributions["toy"])]


def test_it_serves_live_and_explains(stocked: Shop) -> None:
    stocked.visit("u1", "mug-red")
    answer = recommend(stocked.catalog, "u1", Query(count=20))
    assert given(answer.items) == next_of(stocked, "mug-red")
    for item in answer.items:
        assert sum(item.contributions.values()) == pytest.approx(item.score)
        if item.source == "toy":
            assert item.because == ("mug-red",)
    assert "toy" in {item.source for item in answer.items}


def test_it_alone_makes_a_list(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", [toy.sources])
    stocked.visit("u1", "mug-red")
    answer = recommend(stocked.catalog, "u1", Query(count=toy.NEXT))
    assert [item.id for item in answer.items] == next_of(stocked, "mug-red")
    assert answer.fallback is None


def test_it_serves_batches(stocked: Shop) -> None:
    stocked.visit("u1", "mug-red")
    query = Query(count=20)
    recommender = batch.serving(stocked.catalog, query)
    (answer,) = batch.recommend_many(recommender, iter(["u1"]), query)
    assert given(answer.items) == next_of(stocked, "mug-red")


def test_a_rank_learns_from_it() -> None:
    now = planted.snapshot()
    split, then = planted.halfway(now)
    lesson = training_examples.of_split(fitting.fit(then), split, Mode.NEW)
    assert "toy:next" in features.names(lesson.table.columns)


@pytest.mark.slow
def test_it_is_evaluated(shop: Shop) -> None:
    shop.stock(**{f"p{number}": f"Article {number}" for number in range(40)})
    shop.embed()
    planted.visits(shop, users=60, products=40, events=8)
    evaluation = evaluate(
        shop.catalog, split=None, k=10, mode=Mode.ALL, baselines=False, progress=silent
    )
    (method,) = [method for method in evaluation.methods if method.name == "toy:next"]
    assert 0 <= method.metrics["recall"].mean < 1
    assert np.isfinite(method.metrics["ndcg"].mean)
