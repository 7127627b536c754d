"""The command line of `make bench`."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SIMILAR, RECOMMENDATIONS, FILTERS, LISTS = "similar", "recommendations", "filters", "lists"
PARTS = (SIMILAR, RECOMMENDATIONS, FILTERS, LISTS)
# Not a part of the whole: it has data of its own, and takes minutes.
EMBEDDING = "embedding"

_EXAMPLES = """\
examples:
  make bench
  make bench ARGS="--only similar --seconds 2"
  make bench ARGS="--only lists"                 search, suggestions, rules, charts
  make bench ARGS="--only embedding"             how fast workers embed, and what failures cost
  make bench ARGS="--data-dir /tmp/bench --json figures.json"   keep the data for the next run
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to generate and how long to measure.

    Args:
        dimension: of the vectors.
        seconds: length of one round of load.
        data_dir: where the data are kept; None for a temporary directory.
    """

    products: int
    users: int
    dimension: int
    seconds: float
    rounds: int
    connections: int
    parts: tuple[str, ...]
    json: Path | None
    data_dir: Path | None


def parse(arguments: Sequence[str]) -> Options:
    """The options; leaves with a message where they are wrong."""
    given = vars(_parser().parse_args(arguments))
    only = given.pop("only")
    return Options(**given, parts=(only,) if only else PARTS)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Kinship over HTTP next to the same SQL through pgbench, and check "
        "that filtered answers are full and right. Uses generated data and a stack of its own.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--products", type=whole(40), default=100_000, help="products (%(default)s)")
    add("--users", type=whole(1), default=10_000, help="users with a history (%(default)s)")
    add("--dimension", type=whole(2), default=384, help="of the vectors (%(default)s)")
    add("--seconds", type=positive, default=8.0, help="length of a round (%(default)g)")
    add("--rounds", type=whole(1), default=3, help="rounds; the median counts (%(default)s)")
    add("--connections", type=whole(1), default=8, help="kept open at a time (%(default)s)")
    add("--only", choices=(*PARTS, EMBEDDING), help="measure this part alone")
    add("--json", type=Path, metavar="FILE", help="write all figures to a file too")
    add("--data-dir", type=Path, metavar="DIR", help="keep the data here and use them again")
    return parser


def whole(low: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number from `low` on."""

    def whole_number(text: str) -> int:
        number = int(text)
        if number < low:
            raise ArgumentTypeError(f"{number} is too few; give {low} or more")
        return number

    return whole_number


def positive(text: str) -> float:
    """The type of an argument that is a length of time, in seconds.

    Raises:
        ArgumentTypeError: it is none.
    """
    number = float(text)
    if number <= 0:
        raise ArgumentTypeError(f"{text} is no length of time; give more than 0 seconds")
    return number
