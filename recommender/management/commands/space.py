"""`./kinship space`: versions of a catalog's spaces, from the first vector to the last."""

import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from embeddings.errors import Misconfigured
from recommender.catalog.catalogs import announce_space, find_catalog
from recommender.insight.comparison import compare
from recommender.management import waiting
from recommender.management.table import comparison_report, space_table
from recommender.models import Catalog, Space
from recommender.spaces import lifecycle, switching
from recommender.spaces.estimate import estimate
from recommender.spaces.lifecycle import find_space
from recommender.spaces.partitions import SpaceError
from recommender.spaces.template import TemplateError

_CREATE = """\
Make a new version of a space beside the one that serves. The workers start to embed it at once;
--dry-run makes nothing and says what it would take.

  ./kinship space create --catalog shop --model all-minilm-l6-v2 --dry-run
  ./kinship space create --catalog shop --model text-embedding-v4 --dimension 1024
  ./kinship space create --catalog shop --model wordllama-256 --template "{title}. {brand}"
"""
_BUILD = """\
Have the workers embed what a space lacks, and build its index.

  ./kinship space build text@2 --catalog shop --wait
"""
_COMPARE = """\
Put two versions side by side: coverage, disk, cost, index, how alike the similar products are, and
how well each would have recommended to users whose later history is known.

  ./kinship space compare text@1 text@2 --catalog shop
  ./kinship space compare text@1 text@2 --catalog shop --json comparison.json
"""
_ACTIVATE = """\
Have a version serve from the next answer on. The one that served is kept: roll back to it, or
retire it.

  ./kinship space activate text@2 --catalog shop
  ./kinship space activate text@2 --catalog shop --force    though it is not complete
"""
_ROLLBACK = """\
Have the version serve that did before. What changed meanwhile is embedded then.

  ./kinship space rollback --catalog shop
  ./kinship space rollback --catalog shop --name picture
"""
_RETIRE = """\
Drop the vectors, profiles and index of a version that does not serve. There is no way back.

  ./kinship space retire text@1 --catalog shop
"""
_LIST = """\
Every version of every space of a catalog.

  ./kinship space list --catalog shop
"""

_FIRST_CLAUSE = re.compile(r"[:.]\s")
_Run = Callable[[Catalog, dict[str, Any]], None]


class Command(BaseCommand):
    """Creates, builds, compares, switches and retires spaces."""

    help = """\
A new embedding model, dimension, template or instruction is a new version of a space: it is built
while the old one serves, compared with it, switched to at once, and back if need be.

  ./kinship space create --catalog shop --model all-minilm-l6-v2
  ./kinship space build text@2 --catalog shop --wait
  ./kinship space compare text@1 text@2 --catalog shop
  ./kinship space activate text@2 --catalog shop
  ./kinship space rollback --catalog shop
  ./kinship space retire text@1 --catalog shop
  ./kinship space list --catalog shop

`./kinship space SUBCOMMAND --help` says more.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        subcommands = parser.add_subparsers(metavar="SUBCOMMAND", required=True)

        def add(name: str, description: str, run: _Run) -> ArgumentParser:
            subcommand: ArgumentParser = subcommands.add_parser(
                name,
                help=_FIRST_CLAUSE.split(description, maxsplit=1)[0].replace("\n", " "),
                description=description,
                formatter_class=RawDescriptionHelpFormatter,
            )
            subcommand.add_argument("--catalog", required=True)
            subcommand.set_defaults(run=run)
            return subcommand

        _add_design(add("create", _CREATE, self._create))
        build = add("build", _BUILD, self._build)
        build.add_argument("space", metavar="SPACE", help="such as text@2")
        build.add_argument("--wait", action="store_true", help="wait until all is done")
        both = add("compare", _COMPARE, self._compare)
        both.add_argument("first", metavar="SPACE_A", help="such as text@1")
        both.add_argument("second", metavar="SPACE_B", help="such as text@2")
        both.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
        activate = add("activate", _ACTIVATE, self._activate)
        activate.add_argument("space", metavar="SPACE", help="such as text@2")
        activate.add_argument(
            "--force", action="store_true", help="even while products lack vectors or it an index"
        )
        add("rollback", _ROLLBACK, self._rollback).add_argument(
            "--name", default="text", help="the space's name without its version (%(default)s)"
        )
        add("retire", _RETIRE, self._retire).add_argument(
            "space", metavar="SPACE", help="such as text@1"
        )
        add("list", _LIST, self._list)

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
            options["run"](catalog, options)
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        except (Misconfigured, SpaceError, TemplateError) as exc:
            raise CommandError(str(exc)) from exc

    def _create(self, catalog: Catalog, options: dict[str, Any]) -> None:
        design = {name: options[name] for name in _DESIGN}
        if options["dry_run"]:
            with lifecycle.undone():
                space = lifecycle.create_space(catalog, **design)
                expected = estimate(space)
            self.stdout.write(f"{space} would be made: {expected}")
            return
        space = lifecycle.create_space(catalog, **design)
        self.stdout.write(f"Made {space}: {estimate(space)}")
        announce_space(space)
        self.stdout.write(
            "The workers embed it now.\n"
            f"Next: ./kinship space build {space} --catalog {catalog} --wait"
        )

    def _build(self, catalog: Catalog, options: dict[str, Any]) -> None:
        space = find_space(catalog, options["space"])
        if space.status not in lifecycle.LIVING:
            raise CommandError(
                f"{space} is {space.get_status_display().lower()}, and only a space that serves "
                "or is being built is embedded. A standby is brought up to date by `space "
                "rollback`."
            )
        backlog = switching.backlog(space)
        self.stdout.write(f"{space}: {backlog.products} products to embed")
        # A person asks: what is said of it from now on is new.
        lifecycle.resume(space)
        announce_space(space)
        if options["wait"]:
            waiting.wait_for([space], self)
            self._tell_what_follows(space)
        else:
            self.stdout.write("Enqueued. --wait shows progress; `./kinship up` runs the workers.")

    def _tell_what_follows(self, space: Space) -> None:
        if space.status != Space.Status.BUILDING:
            return
        steps = [f"activate {space}"]
        if serving := lifecycle.active_space(space.catalog_id, space.name):
            steps.insert(0, f"compare {serving} {space}")
        lines = [f"./kinship space {step} --catalog {space.catalog}" for step in steps]
        self.stdout.write("Next: " + "\n      ".join(lines))

    def _compare(self, catalog: Catalog, options: dict[str, Any]) -> None:
        spaces = [find_space(catalog, options[side]) for side in ("first", "second")]
        comparison = compare(*spaces)
        if options["json"]:
            try:
                options["json"].write_bytes(orjson.dumps(comparison, option=orjson.OPT_INDENT_2))
            except OSError as exc:
                raise CommandError(f"Cannot write {options['json']}: {exc.strerror}.") from exc
        self.stdout.write(comparison_report(comparison))

    def _activate(self, catalog: Catalog, options: dict[str, Any]) -> None:
        space = find_space(catalog, options["space"])
        before = lifecycle.active_space(catalog.pk, space.name)
        switching.activate(space, force=options["force"])
        announce_space(space)
        self.stdout.write(f"{space} serves now.")
        if before is not None:
            self.stdout.write(f"Back to {before}: ./kinship space rollback --catalog {catalog}")

    def _rollback(self, catalog: Catalog, options: dict[str, Any]) -> None:
        space = switching.rollback(catalog, options["name"])
        announce_space(space)
        stale = switching.backlog(space).products
        self.stdout.write(f"{space} serves again; {stale} products to embed, enqueued.")

    def _retire(self, catalog: Catalog, options: dict[str, Any]) -> None:
        space = find_space(catalog, options["space"])
        freed = lifecycle.retire(space)
        self.stdout.write(f"Retired {space}: {filesizeformat(freed)} of disk freed.")

    def _list(self, catalog: Catalog, options: dict[str, Any]) -> None:  # noqa: ARG002
        spaces = Space.objects.filter(catalog=catalog)
        self.stdout.write(space_table(list(spaces)))


# What a person chooses of a new space: the option's destination is the column's name.
_DESIGN = (
    "model",
    "dimension",
    "name",
    "kind",
    "template",
    "instruction",
    "output",
    "long_text",
)


def _add_design(parser: ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="KEY", help="embedding model")
    parser.add_argument(
        "--dimension", type=int, metavar="N", help="length of the vectors (the model's own)"
    )
    parser.add_argument("--name", default="text", help="the space's name (%(default)s)")
    parser.add_argument(
        "--kind", choices=Space.Kind.values, default="text", help="what is embedded (%(default)s)"
    )
    parser.add_argument(
        "--template", metavar="T", help="how a product becomes text, such as '{title}. {brand}'"
    )
    parser.add_argument(
        "--instruction", metavar="I", default="", help="what a query is for, for models that ask"
    )
    parser.add_argument(
        "--output", choices=Space.Output.values, default="dense", help="vectors (%(default)s)"
    )
    parser.add_argument(
        "--long-text",
        choices=Space.LongText.values,
        default="truncate",
        help="what becomes of a text over the model's limit (%(default)s)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it would take, and make nothing"
    )
