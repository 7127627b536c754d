from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.effect import experiments
from recommender.engine import recommendation_log
from recommender.engine.answer_log import new_id
from recommender.engine.recommendation_log import Entry, Placed
from recommender.models import Experiment
from tests.recommender.effect.shown import did
from tests.shop import Shop

from . import page

LIST = reverse("admin:recommender_experiment_changelist")
VARIANTS = [
    {"name": "control", "share": 0.5},
    {"name": "diverse", "share": 0.5, "overrides": {"diversity": 0.3}},
]


@pytest.fixture
def experiment(shop: Shop) -> Experiment:
    row = Experiment.objects.create(
        catalog=shop.catalog, name="more-diversity", placement="home", variants=VARIANTS
    )
    return experiments.start(row)


def change(row: Experiment) -> str:
    return reverse("admin:recommender_experiment_change", args=[row.pk])


def test_a_result_is_told_in_words_and_figures(
    admin_client: Client, shop: Shop, experiment: Experiment
) -> None:
    began = timezone.now() - timedelta(days=1)
    Experiment.objects.update(started_at=began)
    entries, events = [], []
    for number in range(1000):
        user, at = f"user {number}", began + timedelta(hours=1)
        assigned = experiments.assign(experiment, user)
        assert assigned is not None
        is_bought = number % 2 if assigned.variant.name == "diverse" else number % 10 == 0
        entries.append(
            Entry(
                rec_id=new_id(at),
                catalog_id=shop.catalog.pk,
                operation="for_user",
                placed=Placed("home", 1, assigned.label),
                user=user,
                items=[],
                spaces=(),
                ranker=None,
            )
        )
        if is_bought:
            events.append(did("purchase", user, "mug-1", at + timedelta(minutes=5)))
    recommendation_log.write(entries)
    shop.post(*events)

    text = page.text(admin_client.get(change(experiment)))
    assert "diverse is clearly better: orders a user +" in text
    assert '{"diversity": 0.3}' in text
    assert "Orders a user diverse" in text
    assert "more-diversity shop Running home control 50%, diverse 50%" in page.text(
        admin_client.get(LIST)
    )


def test_one_that_runs_is_stopped_once_confirmed(
    admin_client: Client, experiment: Experiment
) -> None:
    text = page.text(admin_client.get(change(experiment)))
    assert "too little is known of orders a user" in text
    stop = reverse("admin:recommender_experiment_stop", args=[experiment.pk])
    assert "Stop more-diversity?" in page.text(admin_client.get(stop))
    assert "has ended" in page.text(admin_client.post(stop, follow=True))
    experiment.refresh_from_db()
    assert (experiment.status, experiment.end_reason) == ("ended", "by admin in the admin")
    assert "does not run" in page.text(admin_client.post(stop, follow=True))


def test_who_may_only_look_stops_nothing(client: Client, experiment: Experiment) -> None:
    operator = get_user_model().objects.create_user("viewer", password="secret", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_experiment"))
    client.force_login(operator)
    assert "What it shows" in page.text(client.get(change(experiment)))
    client.post(reverse("admin:recommender_experiment_stop", args=[experiment.pk]))
    experiment.refresh_from_db()
    assert experiment.status == "running"
