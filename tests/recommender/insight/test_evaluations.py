from datetime import timedelta

from django.utils import timezone

from recommender.insight import evaluations
from recommender.insight.evaluation_result import Evaluation
from recommender.models import Catalog, EvaluationRun
from tests.recommender.insight.evaluations import EVALUATION, UNMEASURED, evaluation, method
from tests.shop import DAY, Shop


def made(shop: Shop, result: Evaluation, days_ago: float) -> EvaluationRun:
    run = evaluations.store(shop.catalog, result)
    at = timezone.now() - timedelta(days=days_ago)
    EvaluationRun.objects.filter(pk=run.pk).update(made_at=at)
    return run


def test_the_trend_is_that_of_the_best_ranker_the_oldest_first(shop: Shop) -> None:
    made(shop, EVALUATION, 1)
    two = (method("blend", 0.3, "ranker"), method("fusion", 0.2, "ranker"), method("als", 0.4))
    made(shop, evaluation(*two), 2)

    points = evaluations.trend(shop.catalog.pk, "new", 10)

    assert [(point.ranker, point.ndcg.mean) for point in points] == [
        ("blend", 0.3),
        ("learned rank", 0.12),
    ]
    assert points[0].recall.low < points[0].recall.mean < points[0].recall.high
    assert [point.ranker for point in evaluations.trend(shop.catalog.pk, "new", 1)] == [
        "learned rank"
    ]
    assert evaluations.trend(shop.catalog.pk, "all", 10) == []


def test_an_evaluation_without_a_measured_ranker_is_no_point(shop: Shop) -> None:
    made(shop, evaluation(method("als", 0.4), UNMEASURED), 1)

    assert evaluations.trend(shop.catalog.pk, "new", 10) == []


def test_live_is_a_catalog_of_today_with_events_lately(shop: Shop) -> None:
    museum = Shop.open("museum", clock=Catalog.Clock.LAST_EVENT)
    quiet = Shop.open("quiet")
    now = timezone.now()
    for opened, days in ((shop, 6), (museum, 1), (quiet, 8)):
        opened.stock(mug="Mug")
        opened.visit("ann", "mug", at=now - days * DAY)

    assert evaluations.live() == [shop.catalog]


def test_the_latest_evaluations_of_each_catalog_are_kept(shop: Shop) -> None:
    rows = [
        EvaluationRun(catalog=shop.catalog, mode="new", document={})
        for _ in range(evaluations.KEPT + 2)
    ]
    stored = EvaluationRun.objects.bulk_create(rows)

    evaluations.prune()

    assert {run.pk for run in EvaluationRun.objects.all()} == {run.pk for run in stored[2:]}
