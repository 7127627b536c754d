"""What `manage.py import_products` and `manage.py import_events` share."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.importing import conditions, importer, mapping, source
from recommender.importing.importer import Import
from recommender.importing.mapping import Columns
from recommender.importing.progress import Intake
from recommender.importing.row import RefusedError
from recommender.importing.staging import default_rejects_path
from recommender.models import Catalog

MakeIntake = Callable[[Catalog, Mapping[str, str], Columns], Intake]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options that both commands take."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or JSON Lines, plain or .gz")
    parser.add_argument("--catalog", required=True, metavar="NAME", help="where it goes")
    parser.add_argument(
        "--map",
        dest="mapping",
        action="extend",
        nargs="+",
        default=[],
        metavar="FIELD=COLUMN",
        help="which column gives a field (default: the column of the field's name)",
    )
    parser.add_argument(
        "--where",
        action="extend",
        nargs="+",
        default=[],
        metavar="EXPR",
        help="leave out rows for which it does not hold: Column (not empty), Column=text, "
        "!=, ~ and !~ (regular expression), >, >=, <, <= (numbers or times)",
    )
    parser.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="of times, as strptime takes it, such as '%%m/%%d/%%Y %%H:%%M' "
        "(default: ISO 8601 or Unix time)",
    )
    parser.add_argument(
        "--rejects",
        type=Path,
        metavar="PATH",
        help="where rejected rows go (default: a new file under the data directory)",
    )
    parser.add_argument("--dry-run", action="store_true", help="count only, write nothing")


def run(
    command: BaseCommand, kind: str, options: Mapping[str, Any], make_intake: MakeIntake
) -> Catalog:
    """Import a file and print the summary; the catalog it went to.

    Args:
        kind: products or events.
        options: the command's, as parsed.

    Raises:
        CommandError: the import cannot start or go on, or took no row.
    """
    try:
        catalog = find_catalog(options["catalog"])
        summary = importer.run(_import_of(kind, options, catalog, make_intake))
    except RefusedError as exc:
        raise CommandError(str(exc)) from exc
    except ValidationError as exc:
        raise CommandError("\n".join(exc.messages)) from exc
    except KeyboardInterrupt:
        command.stderr.write("Interrupted. The same command goes on from here.")
        raise
    if options["dry_run"]:
        command.stdout.write("Dry run: nothing was written.")
    for line in summary.lines():
        command.stdout.write(line)
    if summary.is_all_rejected:
        raise CommandError(summary.refusal())
    return catalog


def _import_of(
    kind: str, options: Mapping[str, Any], catalog: Catalog, make_intake: MakeIntake
) -> Import:
    path, kept, dry_run = options["file"], options["rejects"], options["dry_run"]
    file = source.examine(path)
    if kept is None and not dry_run:
        kept = default_rejects_path(settings.STACK.data_dir, catalog.name, kind, path.name)
    shaping = ("mapping", "where", "type", "time_format")
    return Import(
        source=file,
        intake=make_intake(catalog, mapping.parse(options["mapping"]), file.columns),
        where=conditions.parse(options["where"], file.columns),
        identity=(kind, catalog.pk, *(options.get(name) for name in shaping)),
        rejects=kept,
        dry_run=dry_run,
    )
