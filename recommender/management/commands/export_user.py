"""`./kinship export_user`: everything that is held about a user."""

import os
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.rights import export
from recommender.rights.export import UnknownUserError


class Command(BaseCommand):
    """Writes one JSON object."""

    help = """\
Write everything that is held about a user as one JSON object: their attributes, what they did, the
lists that were made for them, the vectors of their taste, and what was found out about them.

  ./kinship export_user customer-7 --catalog shop --output customer-7.json
  ./kinship export_user customer-7 --catalog shop | jq '.events | length'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("user", help="the user's id")
        parser.add_argument("--catalog", metavar="NAME", required=True)
        parser.add_argument(
            "--output",
            metavar="FILE.json",
            type=Path,
            help="a file that you alone can read (default: print it)",
        )

    def handle(self, **options: Any) -> None:
        try:
            pieces = export.document(find_catalog(options["catalog"]), options["user"])
            first = next(pieces)
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        except UnknownUserError as exc:
            raise CommandError(f"nothing is held about a user {options['user']!r}.") from exc
        if options["output"] is None:
            for piece in chain((first,), pieces):
                self.stdout.write(piece.decode(), ending="")
            return
        try:
            written = _write(options["output"], first, pieces)
        except OSError as exc:
            raise CommandError(f"Cannot write {options['output']}: {exc.strerror}.") from exc
        self.stdout.write(f"{written:,} bytes: {options['output']}")


def _write(path: Path, first: bytes, pieces: Iterator[bytes]) -> int:
    """Write a file; how many bytes it has. What was there stays until all is written."""
    partial = path.with_name(f"{path.name}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as file:
            written = file.write(first) + sum(map(file.write, pieces))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return written
