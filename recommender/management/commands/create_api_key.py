"""`./kinship create_api_key`: a key for programs that use a catalog."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import create_key, find_catalog
from recommender.models import ApiKey

_MAX_LABEL = 100


class Command(BaseCommand):
    """Makes a key and prints it, this once."""

    help = """\
Make an API key of a catalog. The key is printed once and stored hashed: keep it.
A browser key may only send events and read recommendations, an embed key only use the embedding
endpoints (docs/drop-in.md). Scope token makes no key, but a secret: your server signs user tokens
with it, by which a browser key speaks for one user (docs/recommend.md). To change it, make another,
sign with that, and revoke the old one a day later. Revoke keys and secrets in the admin.

  ./kinship create_api_key shop --scope server --label "nightly sync"
  KEY=$(./kinship create_api_key shop --scope browser)
  export DASHSCOPE_API_KEY=$(./kinship create_api_key shop --scope embed)
  TOKEN_SECRET=$(./kinship create_api_key shop --scope token)
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("catalog", help="name of the catalog it belongs to")
        parser.add_argument("--scope", required=True, choices=ApiKey.Scope.values)
        parser.add_argument("--label", default="", help="a note on who uses it")

    def handle(self, **options: Any) -> None:
        if len(options["label"]) > _MAX_LABEL:
            raise CommandError(f"--label is longer than {_MAX_LABEL} characters.")
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        key = create_key(catalog, options["scope"], options["label"])
        if options["scope"] == ApiKey.Scope.TOKEN:
            self.stderr.write("This is the only time the secret is shown. Keep it on your server,")
            self.stderr.write("and sign user tokens with it, as docs/recommend.md shows.")
        else:
            self.stderr.write("This is the only time the key is shown. Send it as a header:")
            self.stderr.write("  Authorization: Bearer KEY")
        self.stdout.write(key)
