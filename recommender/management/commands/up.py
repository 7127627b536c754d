"""`./kinship up`: run Kinship."""

import secrets
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand

from recommender.models import Catalog
from recommender.stack.launch import AlreadyRunningError, run_stack, start_detached
from recommender.stack.privileges import web_has_root
from recommender.stack.service import Service

FIRST_OPERATOR = "admin"

_AS_ROOT = (
    "Web and workers run as root: a fault in one would have the whole machine. {log} says why; "
    "where that matters, mend it, or run Kinship as an ordinary user."
)


class Command(BaseCommand):
    """Starts the servers that are embedded, and web, worker and beat."""

    help = """\
Run Kinship: its own PostgreSQL and Valkey unless DATABASE_URL and BROKER_URL name others,
the web, the Celery worker and beat. The first time it makes the user admin of the admin, and
prints the password once. Ctrl-C, or `./kinship down`, stops all of it.

  ./kinship up                             run here; Ctrl-C stops
  ./kinship up --detach --port 9000        run in the background
  ./kinship up --host 0.0.0.0              let other machines in (set KINSHIP_HOSTS too)
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--detach", action="store_true", help="return once it answers, and leave it running"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address of the web (%(default)s)")
        parser.add_argument(
            "--port",
            type=int,
            default=settings.PORT,
            help="port of the web (KINSHIP_PORT, else 8000)",
        )
        parser.add_argument(
            "--workers", type=int, help="processes of the Celery worker (default: one per core)"
        )

    def handle(
        self, *, detach: bool, host: str, port: int, workers: int | None, **_options: object
    ) -> None:
        service = Service(config=settings.STACK, host=host, port=port, workers=workers)
        if detach:
            self._detach(service)
        else:
            run_stack(service, on_ready=lambda: self._announce(service, "Ctrl-C stops it"))

    def _detach(self, service: Service) -> None:
        try:
            start_detached(service)
        except AlreadyRunningError as exc:
            self.stdout.write(str(exc))
        else:
            self._announce(service, "./kinship down stops it")

    def _announce(self, service: Service, how_to_stop: str) -> None:
        self.stdout.write(self.style.SUCCESS(f"Kinship is up at {service.url}"))
        self.stdout.write(
            f"  admin {service.url}/admin/   API {service.url}/docs\n"
            f"  logs  {service.config.layout.logs}"
        )
        if (password := first_operator()) is not None:
            self.stdout.write(
                f"  user  {FIRST_OPERATOR}   password {password}\n"
                f"        shown this once; a new one: ./kinship changepassword {FIRST_OPERATOR}"
            )
        self.stdout.write(f"  {how_to_stop}")
        if web_has_root(service.config):
            self.stderr.write(_AS_ROOT.format(log=service.config.layout.log("supervisor")))
        if not Catalog.objects.exists():
            self.stdout.write("Next: ./kinship create_catalog NAME")
        self.stdout.flush()


def first_operator() -> str | None:
    """Make the first administrator of the admin; their password, or None where there is one."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(9)
    _, is_new = users.get_or_create(
        username=FIRST_OPERATOR,
        defaults={
            "password": make_password(password),
            "is_staff": True,
            "is_superuser": True,
        },
    )
    return password if is_new else None
