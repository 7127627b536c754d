from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from recommender.admin import training
from recommender.models import Catalog, TrainingRun
from recommender.training import runs
from tests.shop import NOON

from . import page

LIST = "admin:recommender_trainingrun_changelist"
STEPS = [
    {
        "name": "behaviour spaces",
        "outcome": "kept",
        "text": "als@2 does not win: NDCG@20 changes by −0.0100.",
        "seconds": 12.34,
        "figures": {"als": {"ndcg": {"mean": 0.1, "low": 0.09, "high": 0.11}}, "users": 1768},
    },
    {"name": "popularity", "outcome": "done", "text": "Anew.", "seconds": 0.5, "figures": {}},
]


@pytest.fixture
def run(catalog: Catalog) -> TrainingRun:
    return TrainingRun.objects.create(
        catalog=catalog,
        status="done",
        steps=STEPS,
        trained_until=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=1234.56),
    )


def change(run: TrainingRun) -> str:
    return reverse("admin:recommender_trainingrun_change", args=[run.pk])


def test_the_list_tells_what_each_training_came_to(admin_client: Client, run: TrainingRun) -> None:
    text = page.text(admin_client.get(reverse(LIST)))
    assert "shop Done 1 step kept, 1 step done 1 June 2025, 12:00 UTC 1,234.6 s" in text


def test_the_page_tells_every_step_and_why(admin_client: Client, run: TrainingRun) -> None:
    text = page.text(admin_client.get(change(run)))
    assert (
        "Behaviour spaces Kept als@2 does not win: NDCG@20 changes by −0.0100. "
        "als ndcg 0.1000 (0.0900 to 0.1100) users 1,768 12.3" in text
    )
    assert "Popularity Done Anew. - 0.5" in text


def test_a_training_that_waits_has_a_page(admin_client: Client, catalog: Catalog) -> None:
    run = TrainingRun.objects.create(catalog=catalog)
    assert "Waiting" in page.text(admin_client.get(change(run)))
    assert "Waiting no step yet" in page.text(admin_client.get(reverse(LIST)))


def test_one_that_goes_on_says_what_is_done_and_how_much_of_it() -> None:
    going_on = TrainingRun(
        status="running", progress={"text": "replaying users", "done": 1250, "total": 2000}
    )

    assert training.summary(going_on) == "replaying users: 1,250 of 2,000"


def test_one_whose_worker_died_says_so(admin_client: Client, catalog: Catalog) -> None:
    listed, looked_at = (
        TrainingRun.objects.create(catalog=catalog, status="running") for _ in range(2)
    )
    assert runs.DIED in page.text(admin_client.get(change(looked_at)))
    assert page.text(admin_client.get(reverse(LIST))).count(f"Failed {runs.DIED}") == 2
    listed.refresh_from_db()
    assert listed.status == "failed"


def test_nobody_edits_a_training(admin_client: Client, run: TrainingRun) -> None:
    assert admin_client.post(change(run), {"error": ""}).status_code == 403
    assert admin_client.get(reverse("admin:recommender_trainingrun_add")).status_code == 403


def test_more_trainings_take_no_more_queries(admin_client: Client, run: TrainingRun) -> None:
    few = page.queries(admin_client, reverse(LIST))
    for number in range(5):
        other = Catalog.objects.create(name=f"more-{number}")
        TrainingRun.objects.create(catalog=other)
    assert page.queries(admin_client, reverse(LIST)) == few


def test_the_page_is_titled_by_names_and_no_numbers(admin_client: Client, run: TrainingRun) -> None:
    TrainingRun.objects.update(created_at=NOON)
    text = page.text(admin_client.get(change(run)))
    assert "training of shop, 1 June 2025, 12:00 UTC" in text
