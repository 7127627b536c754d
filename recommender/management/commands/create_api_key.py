"""`./kinship create_api_key`: a key for programs that use a catalog."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender import durations
from recommender.catalog import keys
from recommender.catalog.catalogs import find_catalog
from recommender.catalog.keys import KeyLimits
from recommender.models import ApiKey, Catalog

_MAX_LABEL = 100


def _made(catalog: Catalog, options: dict[str, Any]) -> tuple[ApiKey, str]:
    if options["rotate"]:
        overlap = timedelta(seconds=durations.seconds(options["overlap"]))
        return keys.rotate(keys.only(catalog, options["rotate"]), overlap)
    if options["scope"] is None:
        raise CommandError("Give --scope, or --rotate PREFIX.")
    limits = KeyLimits(
        origins=options["origin"],
        requests_per_minute=options["per_minute"],
        address_per_minute=options["per_address_minute"],
        requests_per_day=options["per_day"],
        placements=options["placement"],
        fields=options["field"],
    )
    if options["expires_in"]:
        span = timedelta(seconds=durations.seconds(options["expires_in"]))
        limits["expires_at"] = timezone.now() + span
    return keys.new_key(catalog, options["scope"], options["label"], **limits)


class Command(BaseCommand):
    """Makes a key and prints it, this once."""

    help = """\
Make an API key of a catalog. The key is printed once and stored hashed: keep it.
A browser key may only send events and read recommendations, a search key only search, an insight
key only read what the catalog tells, an embed key only use the embedding endpoints
(docs/drop-in.md), an admin key only manage placements, experiments, keys and settings. A key may
be bound to origins of pages, to placements and fields, to a number of requests, and to a time.
--rotate makes a key in the place of another, with its scope and limits; the other one ends after
--overlap. Scope token makes no key, but a secret: your server signs user tokens with it, by which a
browser key speaks for one user (docs/recommend.md). Revoke keys and secrets in the admin.

  ./kinship create_api_key shop --scope server --label "nightly sync"
  KEY=$(./kinship create_api_key shop --scope browser)
  export DASHSCOPE_API_KEY=$(./kinship create_api_key shop --scope embed)
  TOKEN_SECRET=$(./kinship create_api_key shop --scope token)
  ./kinship create_api_key shop --scope browser --origin https://shop.example.org \\
      --per-address-minute 120 --placement home --field title --field price
  ./kinship create_api_key shop --scope server --expires-in 90d --per-minute 6000
  ./kinship create_api_key shop --rotate kin_ser_Vx3a --overlap 7d
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("catalog", help="name of the catalog it belongs to")
        parser.add_argument("--scope", choices=ApiKey.Scope.values)
        parser.add_argument("--label", default="", help="a note on who uses it")
        add = parser.add_argument
        add("--origin", action="append", default=[], help="whose pages may use it; repeatable")
        add("--per-minute", type=int, help="requests in any 60 seconds")
        add("--per-address-minute", type=int, help="the same of one client's address")
        add("--per-day", type=int, help="requests in a day")
        add("--placement", action="append", default=[], help="it may ask for alone; repeatable")
        add("--field", action="append", default=[], help="its answers may carry; repeatable")
        add("--expires-in", metavar="TIME", help="when it ends by itself, as 90d")
        add("--rotate", metavar="PREFIX", help="first letters of the key whose place it takes")
        add("--overlap", metavar="TIME", default="1d", help="how long that one goes on (1d)")

    def handle(self, **options: Any) -> None:
        if len(options["label"]) > _MAX_LABEL:
            raise CommandError(f"--label is longer than {_MAX_LABEL} characters.")
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        try:
            made, key = _made(catalog, options)
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        except (ValueError, LookupError) as exc:
            raise CommandError(str(exc)) from exc
        if made.scope == ApiKey.Scope.TOKEN:
            self.stderr.write("This is the only time the secret is shown. Keep it on your server,")
            self.stderr.write("and sign user tokens with it, as docs/recommend.md shows.")
        else:
            self.stderr.write("This is the only time the key is shown. Send it as a header:")
            self.stderr.write("  Authorization: Bearer KEY")
        self.stdout.write(key)
