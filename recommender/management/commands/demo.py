"""`./kinship demo`: the sample store, running."""

import json
import os
import secrets
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from recommender.catalog import catalogs, keys, sample
from recommender.effect import sample_visits
from recommender.models import ApiKey, Catalog, TrainingRun
from recommender.spaces import switching
from recommender.stack import ensure_started, stop
from recommender.stack.embedded import missing_servers
from recommender.stack.launch import AlreadyRunningError, run_stack
from recommender.stack.preparation import prepare
from recommender.stack.record import read_record
from recommender.stack.service import Service
from recommender.stack.supervisor import not_ready
from recommender.training import runs

_ADMIN = "admin"
_SHOPPER = "sim-coffee-lover-01"
# A busy machine takes minutes.
_LONGEST_WAIT_SECONDS = 300.0
_POLL_SECONDS = 0.1


class Credentials(TypedDict):
    """What the demo prints each time, kept under the data directory for that.

    `password` is empty where somebody else chose it.
    """

    password: str
    key: str


class Command(BaseCommand):
    """Runs Kinship with the sample store."""

    help = """\
Run Kinship with a sample store: 400 products and 200 simulated shoppers. Loaded once; a second
run keeps its data.

  ./kinship demo                 run here; Ctrl-C stops
  ./kinship demo --port 9000
  ./kinship demo --reset-only    delete the sample store and start nothing
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--reset-only", action="store_true", help="delete the sample store and stop"
        )

    def handle(self, *, port: int, reset_only: bool, **_options: Any) -> None:
        if reset_only:
            self._reset()
            return
        service = Service(config=settings.STACK, host="127.0.0.1", port=port)
        try:
            run_stack(
                service,
                before_start=self._load,
                on_ready=lambda: self._announce(
                    service.url,
                    "Ctrl-C stops everything; `make demo` starts it again with its data; "
                    "`make demo-reset` clears it.",
                ),
            )
        except AlreadyRunningError:
            url = _url_of_running(service)
            if url is None:
                raise
            self._load()
            self._announce(url, "It was running already; `./kinship down` stops it.")

    def _load(self) -> None:
        if not Catalog.objects.filter(name=sample.NAME).exists():
            self._tell("Loading the sample store: 400 products and 200 simulated shoppers")
        sample.load()

    def _reset(self) -> None:
        were_stopped = bool(missing_servers(settings.STACK))
        ensure_started(settings.STACK)
        prepare(settings.STACK)
        removed = sample.remove()
        _credentials_file().unlink(missing_ok=True)
        if were_stopped:
            stop(settings.STACK)
        self.stdout.write(
            "The sample store is gone; `make demo` makes it anew."
            if removed
            else "There is no sample store; `make demo` makes it."
        )

    def _announce(self, url: str, how_to_stop: str) -> None:
        catalog = Catalog.objects.get(name=sample.NAME)
        self._embed(catalog)
        self._train(catalog)
        sample_visits.visit(catalog)
        known = _credentials(catalog)
        password = known["password"] or f"as you set it; anew: ./kinship changepassword {_ADMIN}"
        address = f"{url}/v1/users/{_SHOPPER}/recommendations?count=5&fields=title,price"
        self._tell(
            f"""
Kinship is up with the sample store at {url}

  shop     {_shop(url, catalog)}
  admin    {url}/admin/   user {_ADMIN}   password {password}
  API      {url}/docs
  API key  {known["key"]}

What the simulated shopper {_SHOPPER} may like next:

  curl -s -H 'Authorization: Bearer {known["key"]}' '{address}'

{how_to_stop}
"""
        )

    def _embed(self, catalog: Catalog) -> None:
        """The first answers should be good ones; 400 products take the workers a second or two."""
        if not _is_embedded(catalog):
            self._tell("Embedding the products")
            _wait_for(lambda: _is_embedded(catalog))

    def _train(self, catalog: Catalog) -> None:
        """Once, and later as the nights do."""
        trained = TrainingRun.objects.filter(catalog=catalog, status=TrainingRun.Status.DONE)
        if trained.exists():
            return
        self._tell("Learning from what the shoppers did, which takes half a minute or so")
        run = runs.request(catalog)
        if not _wait_for(lambda: _is_finished(run)) or run.status == TrainingRun.Status.FAILED:
            self._tell(
                f"That has not worked ({run.error or 'it goes on'}); until it does, lists come "
                f"from content and popularity. See: ./kinship train --catalog {catalog} --wait"
            )

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _shop(url: str, catalog: Catalog) -> str:
    """Where the store can be seen; why not where it is not shown."""
    if not settings.SHOP:
        return "off: KINSHIP_SHOP"
    return f"{url}/shop/{catalog.name}/" if catalog.in_shop else "off: the catalog is not in it"


def _url_of_running(service: Service) -> str | None:
    """Where the service of this data directory answers; None where it does not yet."""
    record = read_record(service.config.layout)
    url = record.url if record is not None else None
    return url if url is not None and not_ready(url) is None else None


def _is_embedded(catalog: Catalog) -> bool:
    return all(backlog.done for backlog in switching.backlogs(catalog))


def _is_finished(run: TrainingRun) -> bool:
    run.refresh_from_db()
    return run.status not in runs.UNFINISHED


def _wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until something is so, within reason; whether it is."""
    until = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _credentials_file() -> Path:
    data_dir: Path = settings.STACK.data_dir
    return data_dir / "demo.json"


def _read_credentials(path: Path) -> Credentials:
    """What is kept there; nothing of it where it is damaged."""
    try:
        kept = json.loads(path.read_bytes())
        password, key = kept["password"], kept["key"]
    except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
        password = key = ""
    are_words = all(type(word) is str and word.isascii() for word in (password, key))
    if not are_words:
        password = key = ""
    return Credentials(password=password, key=key)


def _credentials(catalog: Catalog) -> Credentials:
    """The login and key of the run before, or new ones where they are gone.

    A password that was chosen since, or by `up`, stays and is not known here.
    """
    path = _credentials_file()
    known = _read_credentials(path)
    users = get_user_model().objects
    user = users.filter(username=_ADMIN).first()
    if user is None:
        known["password"] = secrets.token_urlsafe(9)
        users.create_superuser(_ADMIN, password=known["password"])
    elif not user.check_password(known["password"]):
        known["password"] = ""
    if not known["key"] or keys.find_key(known["key"]) is None:
        known["key"] = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "demo")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
    return known
