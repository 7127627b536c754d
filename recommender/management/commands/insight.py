"""`./kinship insight`: find out what a catalog tells."""

import time
import types
from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError as ParameterError
from pydantic.fields import FieldInfo

from recommender.catalog.catalogs import find_catalog
from recommender.insight import findings, runs
from recommender.insight.findings import FoundRow
from recommender.insight.kind import InsightError, Kind, Parameters
from recommender.insight.kinds import KINDS
from recommender.insight.run import carry_out
from recommender.management.table import aligned
from recommender.management.waiting import Activity, worker_runs
from recommender.models import Catalog, InsightRun

_POLL_SECONDS = 0.5
# What a parameter is called among the options, which have names of Django's own.
_OF_KIND = "parameter_"
_INDENTED = orjson.OPT_INDENT_2


class Command(BaseCommand):
    """Runs a kind of insight."""

    help = f"""\
Find out what a catalog tells. Each kind is a run, which workers carry out; its results are kept,
and the admin and the API show them, too.

  ./kinship insight clusters --catalog shop              ask the workers and return
  ./kinship insight clusters --catalog shop --wait       show progress, and what was found
  ./kinship insight clusters --catalog shop --wait --json --findings 1000

Kinds: {", ".join(KINDS)}. `./kinship insight KIND --help` says what each takes.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        kinds = parser.add_subparsers(metavar="KIND", dest="kind", required=True)
        for kind in KINDS.values():
            _add_kind(
                kinds.add_parser(
                    kind.name,
                    help=kind.help,
                    description=_description(kind),
                    formatter_class=RawDescriptionHelpFormatter,
                ),
                kind,
            )

    def handle(self, **options: Any) -> None:
        kind = KINDS[options["kind"]]
        if options.get("picture") and not options["wait"]:
            raise CommandError("--picture needs --wait: only what is done can be drawn.")
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        run = _request(catalog, kind, _read(kind, options))
        if options["wait"]:
            with Activity(self) as activity:
                run = self._wait(run, options["patience"], activity)
        elif not options["json"]:
            self.stdout.write(
                f"{kind.title} of {catalog}, run {run.uuid}, is {run.status}. --wait shows "
                "progress and what was found; `./kinship up` runs the workers."
            )
            return
        self._tell(run, options)
        if run.status == InsightRun.Status.FAILED:
            raise CommandError(run.error)
        if run.status == InsightRun.Status.CANCELLED:
            raise CommandError("Somebody cancelled it.")
        if options.get("picture") and run.status == InsightRun.Status.DONE:
            _draw(kind, run, options["picture"])

    def _wait(self, run: InsightRun, patience: float, activity: Activity) -> InsightRun:
        """Until the run has ended; as it is then."""
        asked = time.monotonic()
        while True:
            is_waiting = run.status == InsightRun.Status.WAITING
            if is_waiting and not worker_runs():
                _do("No worker runs here", run, activity)
            elif is_waiting and time.monotonic() - asked > patience:
                _do("The workers have not begun yet", run, activity)
            runs.fail_dead_runs()
            now = InsightRun.objects.filter(pk=run.pk).defer("arrays").first()
            if now is None:
                raise CommandError("The catalog was deleted meanwhile.")
            run = now
            if run.status not in InsightRun.UNFINISHED:
                return run
            if run.progress:
                activity(run.progress["text"], run.progress["done"], run.progress["total"])
            time.sleep(_POLL_SECONDS)

    def _tell(self, run: InsightRun, options: dict[str, Any]) -> None:
        rows = findings.page(run, limit=options["findings"]) if options["findings"] else []
        if options["json"]:
            told = findings.run_document(run)
            told["findings"] = [findings.document(row) for row in rows]
            self.stdout.write(orjson.dumps(told, option=_INDENTED).decode())
            return
        if run.status != InsightRun.Status.DONE:
            return
        if rows:
            self.stdout.write(_table(rows))
        self.stdout.write(f"{run.summary} It took {run.seconds:.1f} s; run {run.uuid}.")


def _add_kind(parser: ArgumentParser, kind: Kind) -> None:
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--wait", action="store_true", help="wait until it is done")
    parser.add_argument("--json", action="store_true", help="print it all as JSON")
    parser.add_argument(
        "--findings", type=int, default=20, metavar="N", help="print so many findings (20)"
    )
    if kind.draw is not None:
        parser.add_argument(
            "--picture", type=Path, metavar="FILE.png", help="with --wait: draw it there"
        )
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="with --wait: do it in this process where the workers have not begun by then (60)",
    )
    own = parser.add_argument_group("what it takes")
    for name, field in kind.parameters.model_fields.items():
        own.add_argument(
            f"--{name.replace('_', '-')}",
            dest=f"{_OF_KIND}{name}",
            default=None,
            help=_help(field),
            **_form(name, field.annotation),
        )


def _help(field: FieldInfo) -> str:
    default = "" if field.default is None or field.is_required() else f" ({field.default})"
    return f"{field.description or ''}{default}".replace("%", "%%")


def _form(name: str, annotation: Any) -> dict[str, Any]:
    """How an option of a parameter is read; its value is checked by the kind."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if annotation is bool:
        return {"action": BooleanOptionalAction}
    if get_origin(annotation) in (list, tuple, set, frozenset):
        return {"nargs": "+", "metavar": name.upper()}
    if annotation is dict or get_origin(annotation) is dict:
        return {"type": orjson.loads, "metavar": "JSON"}
    return {"metavar": name.upper()}


def _description(kind: Kind) -> str:
    lines = [
        f"  ./kinship insight {kind.name} --catalog shop --wait{option and ' '}{option}"
        for option in ("", *kind.examples)
    ]
    return "\n".join([kind.help, "", *lines])


def _read(kind: Kind, options: dict[str, Any]) -> Parameters:
    if options["findings"] < 0:
        raise CommandError("--findings is 0 or more.")
    given = {
        name: options[f"{_OF_KIND}{name}"]
        for name in kind.parameters.model_fields
        if options[f"{_OF_KIND}{name}"] is not None
    }
    try:
        return kind.read(given)
    except ParameterError as exc:
        raise CommandError(_complaint(exc)) from exc


def _complaint(error: ParameterError) -> str:
    """What is wrong with options, one a line."""
    return "\n".join(
        f"--{'.'.join(map(str, fault['loc'])).replace('_', '-')}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    )


def _request(catalog: Catalog, kind: Kind, parameters: Parameters) -> InsightRun:
    try:
        return runs.request(catalog, kind, parameters)
    except (InsightError, runs.AlreadyRunningError) as exc:
        raise CommandError(str(exc)) from exc


def _do(reason: str, run: InsightRun, activity: Activity) -> None:
    """Carry it out in this process, unless a worker has just begun."""
    with runs.claimed(run.pk) as claim:
        if claim is not None:
            activity.say(f"{reason}: it is done in this process.")
            carry_out(claim, activity)


def _reason(row: FoundRow) -> str:
    """What a finding says of what has no title, such as a user or a search."""
    return str(orjson.loads(row.data).get("reason", ""))


def _draw(kind: Kind, run: InsightRun, out: Path) -> None:
    if kind.draw is None:
        return
    try:
        out.write_bytes(kind.draw(run))
    except OSError as exc:
        raise CommandError(f"Cannot write --picture {out}: {exc.strerror}.") from exc


def _table(rows: list[FoundRow]) -> str:
    told = [
        (f"{row.score:.4g}", row.group, row.product or row.user or "", row.title or _reason(row))
        for row in rows
    ]
    return aligned([("score", "group", "id", "title"), *told])
