"""`./kinship up`: run Kinship."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from django.conf import settings
from django.core.management.base import BaseCommand

from recommender.stack.launch import AlreadyRunningError, run_stack, start_detached
from recommender.stack.service import Service


class Command(BaseCommand):
    """Starts the servers that are embedded, and web, worker and beat."""

    help = """\
Run Kinship: its own PostgreSQL and Valkey unless DATABASE_URL and BROKER_URL name others,
the web, the Celery worker and beat. Ctrl-C, or `./kinship down`, stops all of it.

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
            f"  logs  {service.config.layout.logs}\n"
            f"  {how_to_stop}"
        )
        self.stdout.flush()
