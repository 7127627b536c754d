"""`./kinship demo`: the sample store, running."""

import json
import os
import secrets
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from recommender.catalog import catalogs, sample
from recommender.models import ApiKey, Catalog
from recommender.spaces import switching
from recommender.stack import ensure_started, stop
from recommender.stack.embedded import missing_servers
from recommender.stack.launch import run_stack
from recommender.stack.preparation import prepare
from recommender.stack.service import Service

_ADMIN = "admin"
_SHOPPER = "sim-coffee-lover-01"
_LONGEST_WAIT_SECONDS = 60.0


class Credentials(TypedDict):
    """What the demo prints each time, kept under the data directory for that."""

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
        loaded: list[Catalog] = []
        run_stack(
            service,
            before_start=lambda: loaded.append(sample.load()),
            on_ready=lambda: self._announce(service, loaded[0]),
        )

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

    def _announce(self, service: Service, catalog: Catalog) -> None:
        _wait_until_embedded(catalog)
        known = _credentials(catalog)
        address = f"{service.url}/v1/users/{_SHOPPER}/recommendations?count=5&fields=title,price"
        self.stdout.write(
            f"""
Kinship is up with the sample store at {service.url}

  admin    {service.url}/admin/   user {_ADMIN}   password {known["password"]}
  API      {service.url}/docs
  API key  {known["key"]}

What the simulated shopper {_SHOPPER} may like next:

  curl -s -H 'Authorization: Bearer {known["key"]}' '{address}'

Ctrl-C stops everything; `make demo` starts it again with its data; `make demo-reset` clears it.
"""
        )
        self.stdout.flush()


def _wait_until_embedded(catalog: Catalog) -> None:
    """The first answers should be good ones; 400 products take the workers a second or two."""
    until = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        if all(backlog.done for backlog in switching.backlogs(catalog)):
            return
        time.sleep(0.1)


def _credentials_file() -> Any:
    return settings.STACK.data_dir / "demo.json"


def _credentials(catalog: Catalog) -> Credentials:
    """The login and key of the run before, or new ones where they no longer work."""
    path = _credentials_file()
    try:
        known: Credentials = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        known = {"password": "", "key": ""}
    users = get_user_model().objects
    user = users.filter(username=_ADMIN).first()
    if user is None:
        user = users.create_superuser(_ADMIN)
    if not known["password"] or not user.check_password(known["password"]):
        known["password"] = secrets.token_urlsafe(9)
        user.set_password(known["password"])
        user.save()
    if not known["key"] or catalogs.find_key(known["key"]) is None:
        known["key"] = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "demo")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
    return known
