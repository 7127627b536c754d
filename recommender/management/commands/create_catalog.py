"""`./kinship create_catalog`: a place for products, users and what they do."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from embeddings.errors import Misconfigured
from recommender.catalog import attributes, catalogs, values
from recommender.catalog.values import BadValueError
from recommender.management.waiting import next_step
from recommender.models import Catalog
from recommender.models.catalog import DEFAULT_BROWSER_EVENT_TYPES, LANGUAGES


class Command(BaseCommand):
    """Makes a catalog, or changes the settings of one."""

    help = """\
Make a catalog, ready for products and events.

  ./kinship create_catalog shop
  ./kinship create_catalog gifts --clock last_event     historical data: now is its last event
  ./kinship create_catalog gifts --update --clock now   change one that is there
  ./kinship create_catalog films --rating-scale 0.5-5   ratings from half a star to five
  ./kinship create_catalog shop --update --monthly-budget 20    stop embedding at $20 a month
  ./kinship create_catalog shop --update --attribute-types ends_at=time      filter it by time
  ./kinship create_catalog shop --update --public-attributes colour,size     pages may read these
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
            "--language",
            choices=("recognised", *LANGUAGES),
            metavar="NAME",
            help="what the products are written in, such as german, for search; 'simple': words "
            "are not reduced to their stems (a new one's: recognised from the texts)",
        )
        parser.add_argument(
            "--model", metavar="KEY", help="embedding model (a new one's: KINSHIP_DEFAULT_MODEL)"
        )
        parser.add_argument(
            "--dimension", type=int, metavar="N", help="length of the vectors (the model's own)"
        )
        parser.add_argument(
            "--monthly-budget",
            type=_budget,
            metavar="DOLLARS",
            help="what embedding may cost in a calendar month (UTC), or 'none' (a new one's: none)",
        )
        parser.add_argument(
            "--half-life",
            type=float,
            metavar="DAYS",
            help="after so many days an event counts half (a new one's: 60)",
        )
        parser.add_argument(
            "--rating-scale",
            type=_scale,
            metavar="WORST-BEST",
            help="the ratings that users give, such as 1-10 (a new one's: 0-5)",
        )
        parser.add_argument(
            "--attribute-types",
            type=_types,
            metavar="NAME=TYPE,NAME=TYPE",
            help=f"types of attributes ({', '.join(attributes.KINDS)}), whatever they were; a "
            "value of another type is none (a new one's: those of the first values)",
        )
        parser.add_argument(
            "--public-attributes",
            type=_names,
            metavar="NAME,NAME",
            help="attributes that browser keys may read and filter by, or 'none' (a new one's: "
            "none)",
        )
        parser.add_argument(
            "--browser-events",
            type=_names,
            metavar="TYPE,TYPE",
            help="what a browser key may send without a user token, or 'none' (a new one's: "
            f"{','.join(DEFAULT_BROWSER_EVENT_TYPES)})",
        )
        parser.add_argument(
            "--update", action="store_true", help="change the settings of one that is there"
        )

    def handle(self, **options: Any) -> None:
        name = options["name"]
        space = {"model": options["model"], "dimension": options["dimension"]}
        given = {
            "clock": options["clock"],
            "language": "" if options["language"] == "recognised" else options["language"],
            "half_life_days": options["half_life"],
            "monthly_budget": options["monthly_budget"],
            "rating_scale": options["rating_scale"],
            "attribute_types": options["attribute_types"],
            "public_attributes": options["public_attributes"],
            "browser_event_types": options["browser_events"],
        }
        try:
            if options["update"]:
                self._update(name, space, given)
            else:
                self._create(name, given | space)
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        except Misconfigured as exc:
            raise CommandError(str(exc)) from exc

    def _create(self, name: str, given: dict[str, Any]) -> None:
        if Catalog.objects.filter(name=name).exists():
            raise CommandError(
                f"There is a catalog {name!r} already. Choose another name, or change its "
                "settings with --update."
            )
        catalog = catalogs.create_catalog(name, **given)
        self.stdout.write(f"Made the catalog {name}.")
        self.stdout.write(
            f"{next_step(catalog)}\n"
            f"      ./kinship create_api_key {name} --scope server      to send them over REST"
        )

    def _update(self, name: str, space: dict[str, Any], given: dict[str, Any]) -> None:
        if any(value is not None for value in space.values()):
            raise CommandError(
                "--model and --dimension are chosen when a catalog is made; leave them out. "
                f"Another model is another space: ./kinship space create --catalog {name}"
            )
        if all(value is None for value in given.values()):
            raise CommandError(
                "Nothing to change: give --clock, --language, --half-life, --monthly-budget, "
                "--rating-scale, --attribute-types, --public-attributes or --browser-events."
            )
        catalogs.change_catalog(catalogs.find_catalog(name), **given)
        self.stdout.write(f"Changed the catalog {name}.")


def _scale(text: str) -> tuple[float, float]:
    try:
        return values.rating_scale(text)
    except BadValueError as exc:
        raise ArgumentTypeError(f"{text!r} {exc}.") from exc


def _names(text: str) -> list[str]:
    """Names separated by commas; none of them for 'none'."""
    names = [] if text == "none" else [name.strip() for name in text.split(",")]
    if not all(names):
        raise ArgumentTypeError(f"{text!r} has an empty name; write NAME,NAME or none.")
    return list(dict.fromkeys(names))


def _types(text: str) -> dict[str, str]:
    """The types of attributes by name."""
    kinds = {}
    for one in text.split(","):
        name, _, kind = one.rpartition("=")
        if not name.strip() or len(name) > values.MAX_NAME or kind.strip() not in attributes.KINDS:
            known = ", ".join(attributes.KINDS)
            raise ArgumentTypeError(f"{one!r} is no NAME=TYPE; the types are {known}.")
        kinds[name.strip()] = kind.strip()
    return kinds


def _budget(text: str) -> Decimal:
    """US dollars; NO_LIMIT for none."""
    if text == "none":
        return catalogs.NO_LIMIT
    try:
        budget = Decimal(text.removeprefix("$"))
    except InvalidOperation as exc:
        raise ArgumentTypeError(f"{text!r} is no number of dollars; write 20 or none.") from exc
    if not budget.is_finite():
        raise ArgumentTypeError(f"{text!r} is no number of dollars; write 20 or none.")
    return budget
