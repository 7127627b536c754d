"""Looking into an upload, trying it and importing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import ModuleType
from typing import Any

from recommender.importing import command, event_arguments, product_arguments, uploads
from recommender.importing.formats import LeftOutError
from recommender.importing.importer import Import
from recommender.importing.progress import Intake
from recommender.importing.row import BadRowError, RefusedError, Row
from recommender.importing.uploads import Claim
from recommender.models import Upload

ROWS_SHOWN = 10
# Of a value; a description may be pages.
_LONGEST = 120

_ARGUMENTS: Mapping[str, ModuleType] = {
    Upload.Kind.PRODUCTS: product_arguments,
    Upload.Kind.EVENTS: event_arguments,
}
GONE = (
    "The file is no longer here: one that is not imported is removed after a day. Upload it again."
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file is taken for, before anything is written.

    Attributes:
        format: its title; of none, that the columns' names say all.
        notices: what was found out about it.
        mapped: the file's columns by the field that is read from them.
        unread: the columns that nothing is read from.
        fields: the names of what the rows below have.
        rows: the first rows as they are understood; of one that is rejected or left out, why.
    """

    format: str
    notices: Sequence[str]
    mapped: Mapping[str, Sequence[str]]
    unread: Sequence[str]
    fields: Sequence[str]
    rows: Sequence[Sequence[str] | str]


def formats_of(kind: str) -> Sequence[Any]:
    """The formats that a file of the kind may be in."""
    known: Sequence[Any] = _ARGUMENTS[kind].FORMATS
    return known


def check(kind: str, words: str) -> None:
    """See that options are some.

    Raises:
        RefusedError: they are not.
    """
    _ARGUMENTS[kind].make_intake(_ARGUMENTS[kind].parse(words) | {"replace": False})


def preview(upload: Upload) -> Preview:
    """What an upload is taken for.

    Raises:
        RefusedError: it cannot be read, or not like that; the message names no path.
    """
    try:
        wanted = _wanted(upload, dry_run=True)
        intake = wanted.intake
        with intake.source.path.open("rb") as file:
            first = list(islice(intake.source.rows(file), ROWS_SHOWN))
        told = [_understood(wanted, row) for row in first]
    except RefusedError as exc:
        raise RefusedError(_without_path(upload, str(exc))) from exc
    form, columns = intake.source.format, intake.source.columns.names
    read = {name for names in intake.mapped.values() for name in names}
    filled = [
        place
        for place in range(len(intake.columns))
        if any(not isinstance(row, str) and row[place] for row in told)
    ]
    return Preview(
        format=form.title if form else "columns by the names of the fields",
        notices=[_without_path(upload, text) for text in _notices(intake)],
        mapped=intake.mapped,
        unread=[name for name in columns if name not in read],
        fields=[list(intake.columns)[place] for place in filled],
        rows=[row if isinstance(row, str) else [row[place] for place in filled] for row in told],
    )


def carry_out(claim: Claim) -> None:
    """Try or import an upload that was claimed, and write what came of it.

    Raises:
        LockLostError: another process may be at it.
    """
    upload, said = claim.upload, list[str]()
    try:
        options = _options(upload, dry_run=upload.is_dry_run)
        arguments = _ARGUMENTS[upload.kind]
        summary = command.imported(
            arguments.FORMATS,
            options,
            upload.catalog,
            arguments.make_intake(options),
            said.append,
            partial(uploads.tell_progress, upload),
        )
    except RefusedError as exc:
        report = _without_path(upload, "\n".join(said))
        error = _without_path(upload, str(exc))
        uploads.finish(upload, Upload.Status.FAILED, report=report, error=error)
        return
    claim.check()
    done = Upload.Status.TRIED if upload.is_dry_run else Upload.Status.DONE
    failure = summary.failure if summary else ""
    uploads.finish(
        upload,
        Upload.Status.FAILED if failure else done,
        counts=summary.counts if summary else [],
        report=_without_path(upload, "\n".join(said)),
        error=_without_path(upload, failure),
    )


def _wanted(upload: Upload, *, dry_run: bool) -> Import:
    options, arguments = _options(upload, dry_run=dry_run), _ARGUMENTS[upload.kind]
    make_intake = arguments.make_intake(options)
    path = uploads.file_of(upload)
    return command.import_of(path, arguments.FORMATS, options, upload.catalog, make_intake)


def _options(upload: Upload, *, dry_run: bool) -> dict[str, Any]:
    """What the command would be told.

    Raises:
        RefusedError: the options are not right, or the file has gone.
    """
    if not uploads.has_file(upload):
        raise RefusedError(GONE)
    parsed: dict[str, Any] = _ARGUMENTS[upload.kind].parse(upload.options)
    return parsed | {
        "file": str(uploads.file_of(upload)),
        "format": upload.format,
        "replace": upload.replace,
        "force": False,
        "anew": False,
        "rejects": uploads.rejects_of(upload),
        "dry_run": dry_run,
    }


def _understood(wanted: Import, row: Row) -> list[str] | str:
    if row.problem:
        return f"Rejected: {row.problem}"
    try:
        values = wanted.intake.convert(row.values)
    except LeftOutError as exc:
        return f"Left out: {exc}"
    except BadRowError as exc:
        return f"Rejected: {exc}"
    return ["" if value is None else str(value)[:_LONGEST] for value in values]


def _notices(intake: Intake) -> Sequence[str]:
    return (*intake.source.notices, *intake.notices)


def _without_path(upload: Upload, text: str) -> str:
    """The text with the file as the person knows it, and no path of this machine."""
    text = text.replace(str(uploads.file_of(upload)), upload.name)
    return text.replace(str(uploads.rejects_of(upload)), "the file of rejects")
