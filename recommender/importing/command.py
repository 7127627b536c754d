"""What `./kinship import_products` and `./kinship import_events` share."""

import shlex
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from embeddings.media.addresses import without_user
from recommender.catalog.catalogs import find_catalog
from recommender.importing import conditions, fetching, formats, importer, mapping, source
from recommender.importing.formats import Format
from recommender.importing.importer import Import
from recommender.importing.progress import Intake, Summary, Watch
from recommender.importing.row import RefusedError
from recommender.importing.source import Options, Source
from recommender.importing.staging import default_rejects_path
from recommender.importing.survey import Forms
from recommender.models import Catalog

MakeIntake = Callable[[Catalog, Mapping[str, str], Source], Intake]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options that both commands take."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="CSV, JSON, JSON Lines, XML feed, .parquet or .xlsx; plain, .gz, .zst or .zip; or its "
        "http(s) address, which is fetched only where it has changed",
    )
    parser.add_argument("--catalog", metavar="NAME", help="where it goes")
    parser.add_argument(
        "--format",
        default="auto",
        metavar="NAME",
        help="of the file: auto (default) recognises it, plain takes columns by the fields' names, "
        "list shows all of them",
    )
    add_reading_arguments(parser)
    parser.add_argument(
        "--rejects",
        type=Path,
        metavar="PATH",
        help="where rejected rows go (default: a new file under the data directory)",
    )
    parser.add_argument(
        "--anew", action="store_true", help="fetch an address even if it has not changed"
    )
    parser.add_argument("--dry-run", action="store_true", help="count only, write nothing")


def add_reading_arguments(parser: ArgumentParser) -> None:
    """Declare the options on how a file is read that both commands and feeds take."""
    parser.add_argument(
        "--map",
        dest="mapping",
        action="extend",
        nargs="+",
        default=[],
        metavar="FIELD=COLUMN",
        help="which column gives a field (default: as the format says, or the column of the "
        "field's name); a path for nested values, such as product=items[].item_id; nothing, "
        "as in price=, to leave the field out",
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
        action="append",
        default=[],
        metavar="FORMAT",
        help="of times: as strptime takes it, such as '%%m/%%d/%%Y %%H:%%M', or day-first, "
        "month-first or excel; several are tried in turn (default: found out)",
    )
    parser.add_argument(
        "--decimal", choices=[".", ","], help="the decimal mark of numbers (default: found out)"
    )
    parser.add_argument(
        "--encoding", metavar="NAME", help="of the text, such as windows-1252 (default: found out)"
    )
    parser.add_argument(
        "--delimiter",
        metavar="MARK",
        help="between the cells of CSV, such as ';', tab or '::' (default: found out)",
    )
    parser.add_argument(
        "--header",
        metavar="NAMES",
        help="the columns of a CSV file without a header, such as user,product,at",
    )


def parse(words: str, declare: Callable[[ArgumentParser], None]) -> dict[str, Any]:
    """The options on how a file is read, from words as on the command line.

    Args:
        declare: adds the options of the kind of file.

    Raises:
        RefusedError: they are none.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_reading_arguments(parser)
    declare(parser)
    try:
        return vars(parser.parse_args(shlex.split(words)))
    except ValueError as exc:
        raise RefusedError(f"{words}: {exc}. Close the quotes.") from exc


class _Parser(ArgumentParser):
    """Says what is wrong to whoever asks, in place of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Refuse.

        Raises:
            RefusedError: always.
        """
        known = ", ".join(
            action.option_strings[0] for action in self._actions if action.option_strings
        )
        raise RefusedError(f"{message}. Options: {known}.")


def run(
    command: BaseCommand,
    known: Sequence[Format],
    options: Mapping[str, Any],
    make_intake: MakeIntake,
) -> Catalog | None:
    """Import a file and print the summary; the catalog it went to, or None where nothing did.

    Args:
        known: the formats of such files.
        options: the command's, as parsed.

    Raises:
        CommandError: the import cannot start or go on, or took no row.
    """
    if options["format"] == "list":
        command.stdout.write("\n".join(formats.listing(known)))
        return None
    if options["file"] is None or options["catalog"] is None:
        raise CommandError("Give a FILE and --catalog NAME.")
    try:
        catalog = find_catalog(options["catalog"])
        summary = imported(known, options, catalog, make_intake, command.stdout.write)
    except RefusedError as exc:
        raise CommandError(str(exc)) from exc
    except ValidationError as exc:
        raise CommandError("\n".join(exc.messages)) from exc
    except KeyboardInterrupt:
        command.stderr.write("Interrupted. The same command goes on from here.")
        raise
    if summary is None:
        return None
    if summary.failure:
        raise CommandError(summary.failure)
    return catalog


def imported(
    known: Sequence[Format],
    options: Mapping[str, Any],
    catalog: Catalog,
    make_intake: MakeIntake,
    say: Callable[[str], object],
    watch: Watch | None = None,
) -> Summary | None:
    """Import a file and say what was found out about it, and what came of it.

    Args:
        watch: told how far it is, now and then.

    Returns:
        None where it is at an address and has not changed.

    Raises:
        UnreachableError: the host of the address does not answer.
        RefusedError: the import cannot start or go on.
    """
    address = options["file"]
    if not fetching.is_address(address):
        return _imported(Path(address), known, options, catalog, make_intake, say, watch)
    identity = _identity(known, options, catalog)
    anew = options["anew"] or options["dry_run"]
    with fetching.fetched(catalog, address, identity, anew=anew, say=say) as found:
        if found.path is None:
            since = f"{found.since:%Y-%m-%d %H:%M} UTC" if found.since else "the last time"
            say(
                f"{without_user(address)} is not changed since {since}, when it was imported. "
                "Nothing was done; --anew imports it nevertheless."
            )
            return None
        try:
            summary = _imported(found.path, known, options, catalog, make_intake, say, watch)
        except RefusedError as exc:
            raise RefusedError(str(exc).replace(str(found.path), without_user(address))) from exc
        # An event that was rejected may be taken the next time: its product has come.
        is_final = known[0].kind == "products" or not summary.rejected
        if is_final and not (summary.failure or options["dry_run"]):
            found.remember()
        return summary


def _imported(
    path: Path,
    known: Sequence[Format],
    options: Mapping[str, Any],
    catalog: Catalog,
    make_intake: MakeIntake,
    say: Callable[[str], object],
    watch: Watch | None,
) -> Summary:
    wanted = import_of(path, known, options, catalog, make_intake)
    for notice in (*wanted.intake.source.notices, *wanted.intake.notices):
        say(notice)
    summary = importer.run(wanted, watch)
    if options["dry_run"]:
        say("Dry run: nothing was written.")
    for line in summary.lines():
        say(line)
    return summary


def said_forms(options: Mapping[str, Any]) -> Forms:
    """The forms of the file's values that the options say."""
    return Forms(times=tuple(options["time_format"]), decimal=options["decimal"])


# What, beside the file, makes an import this one and no other.
_SHAPING = (
    *("mapping", "where", "type", "types", "time_format", "decimal", "format", "header"),
    *("encoding", "delimiter", "category_separator", "list_separator", "rating_scale"),
    "replace",
)


def _identity(
    known: Sequence[Format], options: Mapping[str, Any], catalog: Catalog
) -> tuple[object, ...]:
    return (known[0].kind, catalog.pk, *(str(options.get(name)) for name in _SHAPING))


def import_of(
    path: Path,
    known: Sequence[Format],
    options: Mapping[str, Any],
    catalog: Catalog,
    make_intake: MakeIntake,
) -> Import:
    """What the options ask to be imported of a file; nothing is written.

    Raises:
        RefusedError: the file cannot be read, or not like that.
    """
    kept, dry_run = options["rejects"], options["dry_run"]
    kind = known[0].kind
    given = mapping.parse(options["mapping"])
    header = tuple(name.strip() for name in (options["header"] or "").split(",") if name.strip())
    said = Options(
        format=options["format"],
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        header=header,
    )
    # A map that says what a row is needs no format.
    is_said = given.get("id" if kind == "products" else "product")
    file = source.examine(path, said, () if is_said and said.format == "auto" else known)
    if kept is None and not dry_run:
        kept = default_rejects_path(settings.STACK.data_dir, catalog.name, kind, path.name)
    return Import(
        intake=make_intake(catalog, given, file),
        where=conditions.parse(options["where"], file.columns),
        identity=_identity(known, options, catalog),
        rejects=kept,
        dry_run=dry_run,
    )
