"""`manage.py create_catalog`: a place for products, users and what they do."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from embeddings.errors import Misconfigured
from recommender.catalogue import catalogs
from recommender.models import Catalog


class Command(BaseCommand):
    """Makes a catalogue, or changes the settings of one."""

    help = """\
Make a catalogue, ready for products and events.

  manage.py create_catalog shop
  manage.py create_catalog gifts --clock last_event     historical data: now is its last event
  manage.py create_catalog gifts --update --clock now   change one that is there
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("name", help="lower-case letters, digits, - and _")
        parser.add_argument(
            "--clock",
            choices=Catalog.Clock.values,
            help="what now means for decay and popularity (a new one's: now)",
        )
        parser.add_argument(
            "--model", metavar="KEY", help="embedding model (a new one's: KINSHIP_DEFAULT_MODEL)"
        )
        parser.add_argument(
            "--half-life",
            type=float,
            metavar="DAYS",
            help="after so many days an event counts half (a new one's: 60)",
        )
        parser.add_argument(
            "--update", action="store_true", help="change the settings of one that is there"
        )

    def handle(self, **options: Any) -> None:
        name, model = options["name"], options["model"]
        given = {"clock": options["clock"], "half_life_days": options["half_life"]}
        try:
            if options["update"]:
                self._update(name, model, given)
            else:
                self._create(name, model, given)
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        except Misconfigured as exc:
            raise CommandError(str(exc)) from exc

    def _create(self, name: str, model: str | None, given: dict[str, Any]) -> None:
        if Catalog.objects.filter(name=name).exists():
            raise CommandError(
                f"There is a catalogue {name!r} already. Choose another name, or change its "
                "settings with --update."
            )
        catalogs.create_catalog(name, model=model, **given)
        self.stdout.write(f"Made the catalogue {name}.")
        self.stdout.write(
            f"Next: manage.py import_products FILE --catalog {name}\n"
            f"      manage.py create_api_key {name} --scope server"
        )

    def _update(self, name: str, model: str | None, given: dict[str, Any]) -> None:
        if model is not None:
            raise CommandError("--model is chosen when a catalogue is made; leave it out.")
        if all(value is None for value in given.values()):
            raise CommandError("Nothing to change: give --clock or --half-life.")
        catalogs.change_catalog(catalogs.find_catalog(name), **given)
        self.stdout.write(f"Changed the catalogue {name}.")
