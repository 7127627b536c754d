from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.insight import evaluations
from recommender.models import Catalog, EvaluationRun
from tests.recommender.insight.evaluations import EVALUATION, UNMEASURED, evaluation

from . import page

LIST = "admin:recommender_evaluationrun_changelist"


@pytest.fixture
def run(catalog: Catalog) -> EvaluationRun:
    return evaluations.store(catalog, EVALUATION)


def change(run: EvaluationRun) -> str:
    return reverse("admin:recommender_evaluationrun_change", args=[run.pk])


def test_the_list_shows_the_ranker_of_each(admin_client: Client, run: EvaluationRun) -> None:
    response = admin_client.get(reverse(LIST))
    text = page.text(response)
    score = "0.1200 0.1100 to 0.1300"
    assert (
        "shop New products 20 products, split 1 October 2011, 00:00 UTC 1,768 learned rank "
        f"{score} {score}" in text
    )
    assert change(run) in page.hrefs(response)


def test_the_page_is_titled_by_names_and_no_numbers(
    admin_client: Client, run: EvaluationRun
) -> None:
    assert "evaluation of shop (new products), " in page.text(admin_client.get(change(run)))


def test_the_trend_of_each_catalog_and_mode_stands_above(
    admin_client: Client, catalog: Catalog, run: EvaluationRun
) -> None:
    EvaluationRun.objects.update(made_at=timezone.now() - timedelta(days=2))
    evaluations.store(catalog, EVALUATION)
    other = Catalog.objects.create(name="other")
    evaluations.store(other, EVALUATION)

    response = admin_client.get(reverse(LIST))
    text = page.text(response)
    assert text.index("other: new products") < text.index("shop: new products")
    assert "NDCG@20 Recall@20 NDCG@20, 95 % interval Recall@20, 95 % interval" in text
    other_chart, shop_chart = page.charts(response)
    assert [len(dataset["data"]) for dataset in other_chart["datasets"]] == [1, 1, 1, 1]
    assert [len(dataset["data"]) for dataset in shop_chart["datasets"]] == [2, 2, 2, 2]
    assert shop_chart["datasets"][2]["data"][0]["y"] == [0.11, 0.13]

    filtered = admin_client.get(reverse(LIST), {"catalog__id__exact": other.pk})
    assert "shop: new products" not in page.text(filtered)
    assert len(page.charts(filtered)) == 1


def test_an_evaluation_without_a_ranker_is_listed(admin_client: Client, catalog: Catalog) -> None:
    evaluations.store(catalog, evaluation(UNMEASURED))
    response = admin_client.get(reverse(LIST))
    assert "1,768 - - -" in page.text(response)
    assert page.charts(response) == []


def test_the_page_shows_every_method(admin_client: Client, run: EvaluationRun) -> None:
    text = page.text(admin_client.get(change(run)))
    assert "learned rank ranker: chosen by selection 0.1200 0.1100 to 0.1300" in text
    assert "EASE baseline: too many products - - - - - - - - -" in text
    assert text.index("learned rank") < text.index("popular baseline")
    assert "A sample of <users>." in text
    assert "./kinship evaluate --catalog 'tea & cups'" in text


def test_no_evaluation_is_promised_where_the_broker_is_down(
    admin_client: Client, catalog: Catalog, settings: LazySettings
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    one = reverse("admin:recommender_catalog_evaluate", args=[catalog.pk])
    every = reverse("admin:recommender_evaluationrun_evaluate_all")
    catalogs = "admin:recommender_catalog_changelist"
    chosen = {"action": "evaluate_selected", "_selected_action": [catalog.pk]}
    for address, data in ((one, {}), (every, {}), (reverse(catalogs), chosen)):
        text = page.text(admin_client.post(address, data, follow=True))
        assert "Nothing was started, the broker does not answer" in text
        assert "free worker" not in text


def test_no_evaluation_yet_is_no_trouble(admin_client: Client, catalog: Catalog) -> None:
    assert "0 evaluation runs" in page.text(admin_client.get(reverse(LIST)))


def test_more_evaluations_take_no_more_queries(
    admin_client: Client, catalog: Catalog, run: EvaluationRun
) -> None:
    few = page.queries(admin_client, reverse(LIST))
    for _ in range(5):
        evaluations.store(catalog, EVALUATION)
    assert page.queries(admin_client, reverse(LIST)) == few
