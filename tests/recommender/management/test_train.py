import re
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import BaseCommand, CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from recommender.management.waiting import Activity
from recommender.models import Heartbeat, Space, TrainingRun
from tests.recommender.training.planted import STEPS
from tests.shop import Shop
from tests.threads import meanwhile, wait_until
from tests.workers.broker import Broker


@pytest.fixture
def little(committed_shop: Shop, broker: Broker) -> Shop:
    """A shop with something that happened, but too little to learn a rank from."""
    committed_shop.stock(mug="Mug", tent="Tent")
    committed_shop.embed()
    committed_shop.visit("ann", "mug", "tent")
    broker.take()
    return committed_shop


@pytest.fixture
def workers_elsewhere(little: Shop, settings: Settings) -> None:
    """The shop has an external broker, whose workers have just said that they are alive."""
    settings.STACK = replace(settings.STACK, broker_url="redis://broker.example")
    Heartbeat.objects.create(worker="elsewhere", at=timezone.now())


def call(shop: Shop, *options: str) -> tuple[str, str]:
    """What is printed and what is told meanwhile."""
    printed, told = StringIO(), StringIO()
    call_command("train", "--catalog", shop.catalog.name, *options, stdout=printed, stderr=told)
    return printed.getvalue(), told.getvalue()


def test_the_workers_are_asked_and_it_is_said_how_to_look(little: Shop, broker: Broker) -> None:
    printed, _ = call(little)

    run = TrainingRun.objects.get()
    assert printed.startswith(f"Training {run.pk} of shop is waiting. --wait shows progress")
    assert broker.take() == [("train", [little.catalog.pk])]


def test_who_asks_twice_asks_for_one(little: Shop) -> None:
    assert call(little) == call(little)
    assert TrainingRun.objects.count() == 1


def test_without_a_worker_it_is_done_here_and_every_step_says_what_and_why(little: Shop) -> None:
    printed, told = call(little, "--wait")

    run = TrainingRun.objects.get()
    assert run.status == "done"
    assert "No worker runs here: training in this process." in told
    header, *rows = printed.splitlines()
    assert header.split() == ["step", "outcome", "seconds", "why"]
    for row, step in zip(rows, run.steps, strict=False):
        assert row.startswith(step["name"])
        assert step["outcome"] in row
        assert step["text"] in row
    assert len(run.steps) == 6
    assert f"Training {run.pk} of shop is done." in rows
    assert rows[-3].startswith("Next: ./kinship recommend --catalog shop --users all")


@pytest.mark.usefixtures("workers_elsewhere")
def test_where_a_worker_runs_its_steps_are_shown_as_they_come(little: Shop, broker: Broker) -> None:
    with meanwhile(lambda: wait_until(lambda: "train" in broker.work())):
        printed, told = call(little, "--wait")

    assert "in this process" not in told
    steps = [line.split(":")[0] for line in told.splitlines() if line.endswith(" s")]
    assert steps == STEPS
    assert "is done." in printed


@pytest.mark.usefixtures("workers_elsewhere")
def test_workers_that_do_not_begin_are_not_waited_for(little: Shop) -> None:
    printed, told = call(little, "--wait", "--patience", "0")

    assert "The workers have not begun yet: training in this process." in told
    assert "is done." in printed


@pytest.mark.usefixtures("workers_elsewhere")
def test_a_run_whose_worker_dies_is_said_with_its_reason(little: Shop) -> None:
    def die() -> None:
        """Begin and leave it so, as a killed worker does."""
        wait_until(lambda: TrainingRun.objects.update(status="running") == 1)

    with (
        meanwhile(die),
        pytest.raises(CommandError, match=r"Training \d+ of shop failed: Its worker died"),
    ):
        call(little, "--wait")


def test_a_second_training_makes_no_mess(little: Shop) -> None:
    call(little, "--wait")
    call(little, "--wait")

    assert [run.status for run in TrainingRun.objects.all()] == ["done", "done"]
    assert Space.objects.filter(status="active", name="text").count() == 1


def test_an_unknown_catalog_is_said_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"There is no catalog 'shpo' \(there are: shop\)"):
        call_command("train", "--catalog", "shpo")
    assert not TrainingRun.objects.exists()


class Terminal(StringIO):
    """What says that it is one, so that Django colours what it takes for an error."""

    def isatty(self) -> bool:
        return True


def test_progress_has_its_pace_and_the_time_left_every_so_often_and_is_no_error() -> None:
    told = StringIO()
    with Activity(BaseCommand(stderr=told, force_color=True), every=0.05) as activity:
        activity("reading history")
        activity("replaying users", 0, 1000)
        activity("replaying users", 250, 1000)
        wait_until(lambda: " left" in told.getvalue())
        activity("learning")
        wait_until(lambda: "learning: for" in told.getvalue())

    first, second, *between = told.getvalue().splitlines()
    assert (first, second) == ("reading history", "replaying users")
    counted = [line for line in between if line.startswith("replaying users: 250")]
    assert re.fullmatch(
        r"replaying users: 250 of 1,000 \(25%\), [\d,.]+ a second, \d+ s left", counted[-1]
    )
    assert "\x1b" not in told.getvalue(), "no colour of an error"


def test_on_a_terminal_steps_are_said_without_the_colour_of_an_error(little: Shop) -> None:
    told = Terminal()

    call_command("train", "--catalog", "shop", "--wait", stdout=StringIO(), stderr=told)

    assert "\x1b[31" not in told.getvalue()
