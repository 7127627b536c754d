"""`./kinship train`: learn from history what serves."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.management.table import aligned
from recommender.management.waiting import Activity, next_step, worker_runs
from recommender.models import TrainingRun
from recommender.training import runs
from recommender.training.run import train

_POLL_SECONDS = 0.5
_HEADER = ("step", "outcome", "seconds", "why")


class Command(BaseCommand):
    """Trains a catalog."""

    help = """\
Learn from a catalog's history: behaviour spaces, popularity, co-occurrence and the ranker, in
this order. What is learnt serves only where it does better in a replay of the last days of
history; else what served before stays, and the table and the admin say why.

  ./kinship train --catalog shop           ask the workers and return
  ./kinship train --catalog shop --wait    show each step until all are done; where no worker
                                           takes it up, it is done by this process
  ./kinship train --catalog shop --wait --patience 600    leave busy workers ten minutes to begin
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument("--wait", action="store_true", help="wait until all is done")
        parser.add_argument(
            "--patience",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="with --wait: train in this process where the workers have not begun by then (60)",
        )

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        run = runs.request(catalog)
        if not options["wait"]:
            self.stdout.write(
                f"Training {run.pk} of {catalog} is {run.status}. --wait shows progress, the "
                "admin's page of trainings what comes of it; `./kinship up` runs the workers."
            )
            return
        with Activity(self) as activity:
            self._wait(run, options["patience"], activity)
        self.stdout.write(_table(run))
        if run.status == TrainingRun.Status.FAILED:
            raise CommandError(f"Training {run.pk} of {catalog} failed: {run.error}")
        self.stdout.write(f"Training {run.pk} of {catalog} is done.")
        self.stdout.write(next_step(catalog))

    def _wait(self, run: TrainingRun, patience: float, activity: Activity) -> None:
        """Until the run has ended, telling what the workers do and every step that they end."""
        asked, told = time.monotonic(), 0
        while True:
            is_waiting = run.status == TrainingRun.Status.WAITING
            if is_waiting and not worker_runs():
                self._train("No worker runs here", run, activity)
            elif is_waiting and time.monotonic() - asked > patience:
                self._train("The workers have not begun yet", run, activity)
            runs.fail_dead_runs()
            run.refresh_from_db()
            for step in run.steps[told:]:
                activity.say(f"{step['name']}: {step['outcome']}, {step['seconds']:.1f} s")
            told = len(run.steps)
            if run.status not in runs.UNFINISHED:
                return
            if run.progress:
                activity(run.progress["text"], run.progress["done"], run.progress["total"])
            time.sleep(_POLL_SECONDS)

    def _train(self, reason: str, run: TrainingRun, activity: Activity) -> None:
        """Train in this process, unless a worker has just begun."""
        with runs.claimed(run.catalog_id) as claim:
            if claim is not None:
                activity.say(f"{reason}: training in this process.")
                train(claim.run.catalog, claim.run, activity, claim.check)


def _table(run: TrainingRun) -> str:
    rows = [
        (step["name"], step["outcome"], f"{step['seconds']:.1f}", step["text"])
        for step in run.steps
    ]
    return aligned([_HEADER, *rows])
