"""What `apply` and `diff` share: a file read and brought about, and what came of it in words."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError

from recommender.api.config import applying, change
from recommender.api.config.change import ADD, CHANGE, REMOVE, Change, ConfigError
from recommender.management import yaml_file
from recommender.management.yaml_file import YamlError

_SIGNS = {ADD: "+", CHANGE: "~", REMOVE: "-"}
_STANDARD_INPUT = "-"


def add_arguments(parser: ArgumentParser) -> None:
    """Which file, and how."""
    parser.add_argument("file", metavar="FILE", help="YAML or JSON; - for standard input")
    parser.add_argument(
        "--prune", action="store_true", help="remove what the file's sections do not name"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def changes(options: dict[str, Any], *, dry_run: bool) -> list[Change]:
    """What the file of these options changes, or would.

    Raises:
        CommandError: the file cannot be read or applied; each fault with its line.
    """
    name = options["file"]
    try:
        document = yaml_file.read(_text(name))
    except YamlError as exc:
        raise CommandError(f"{name}:{exc.line}: {exc}") from exc
    try:
        given = applying.checked({} if document.value is None else document.value)
        return applying.apply(given, prune=options["prune"], by="apply", dry_run=dry_run)
    except ConfigError as exc:
        told = [
            f"{name}:{document.line(fault.path)}: "
            f"{'.'.join(map(str, fault.path)) or 'the file'}: {fault.message}"
            for fault in exc.faults
        ]
        raise CommandError("\n".join(told)) from exc


def _text(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == _STANDARD_INPUT else Path(name).read_bytes()
        return raw.decode()
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise CommandError(f"{name}: it is not UTF-8.") from exc


def told(found: Sequence[Change]) -> Iterator[str]:
    """A line for each change, and one for each part of it below."""
    for one in found:
        catalog = f"{one.catalog}: " if one.catalog else ""
        yield f"{_SIGNS[one.sign]} {catalog}{one.what}"
        yield from (f"    {words}" for words in one.words)


def as_json(found: Sequence[Change]) -> str:
    """The same for programs."""
    return orjson.dumps(change.as_json(found), option=orjson.OPT_INDENT_2).decode()
