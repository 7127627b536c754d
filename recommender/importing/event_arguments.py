"""The words by which an import of events is asked for: by the command, and of an upload."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from recommender.catalog import values
from recommender.catalog.values import BadValueError
from recommender.importing import command, event_formats
from recommender.importing.command import MakeIntake
from recommender.importing.events import EventIntake, EventOptions
from recommender.importing.row import RefusedError

FORMATS = event_formats.FORMATS


def add_arguments(parser: ArgumentParser) -> None:
    """Declare how a file of events is read, beside what all files need."""
    parser.add_argument(
        "--type", help="the type of every row that has none of its own, such as purchase"
    )
    parser.add_argument(
        "--types",
        action="extend",
        nargs="+",
        default=[],
        metavar="WORD=TYPE",
        help="the type that a word of the file stands for; nothing, as in scroll=, to leave "
        "such rows out",
    )
    parser.add_argument(
        "--rating-scale",
        metavar="LOW-HIGH",
        help="the worst and the best rating, such as 0.5-5 (default: the catalog's, or found "
        "out where that was never set)",
    )


def make_intake(options: Mapping[str, Any]) -> MakeIntake:
    """What takes in a file with these options, as parsed.

    Raises:
        RefusedError: types or the scale of ratings are not right.
    """
    how = EventOptions(
        type=options["type"],
        types=_types(options["types"]),
        forms=command.said_forms(options),
        rating_scale=_rating_scale(options["rating_scale"]),
    )
    return partial(EventIntake, options=how)


def parse(words: str) -> dict[str, Any]:
    """The options on how a file is read, from words as on the command line.

    Raises:
        RefusedError: they are none.
    """
    return command.parse(words, add_arguments)


def _rating_scale(given: str | None) -> tuple[float, float] | None:
    try:
        return values.rating_scale(given) if given else None
    except BadValueError as exc:
        raise RefusedError(f"--rating-scale {given} {exc}.") from exc


def _types(given: Sequence[str]) -> dict[str, str]:
    """Types by the file's words, in lower case."""
    words = [word.partition("=") for word in given]
    if wrong := [word for word, sign, _ in words if not (word and sign)]:
        raise RefusedError(f"--types {wrong[0]}: write WORD=TYPE, such as buy=purchase.")
    return {word.lower(): event_type for word, _, event_type in words}
