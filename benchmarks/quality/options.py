"""The command line of `make leaderboard`."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.formats import FORMATS
from benchmarks.quality.methods import METHODS
from benchmarks.quality.results import PRODUCT
from recommender.stack.config import PROJECT_DIR

METHOD_NAMES = (PRODUCT, *(method.name for method in METHODS))

_EXAMPLES = """\
examples:
  make leaderboard ARGS="DIR --dry-run"               which sets are there, and how long they take
  make leaderboard ARGS="DIR"                         all sets, Kinship and all baselines
  make leaderboard ARGS="DIR --only citeulike-a --only gowalla"
  make leaderboard ARGS="DIR --method Kinship"        the product alone; baselines stay as they were
  make leaderboard ARGS="DIR --only ml-100k-clicks --cross-check"

DIR is a set's folder, or one that has a folder for each set. A set is recognised by its files,
each of which may be gzipped where its publisher has it so:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is measured, and where it is written.

    Args:
        folder: with the sets; None where only the page is to be written.
        only: names of sets; empty for all that are there.
        methods: names of methods.
        figures: the file that keeps what was measured, of which the page is made.
        keep: where the files for import and the product's lists are left; None for nowhere.
    """

    folder: Path | None
    only: tuple[str, ...]
    methods: tuple[str, ...]
    cross_check: bool
    dry_run: bool
    page: Path
    figures: Path
    keep: Path | None


def parse(arguments: Sequence[str]) -> Options:
    """The options; leaves with a message where they are wrong."""
    given = vars(_parser().parse_args(arguments))
    methods = tuple(given.pop("method")) or METHOD_NAMES
    return Options(**given | {"only": tuple(given["only"])}, methods=methods)


def _parser() -> ArgumentParser:
    formats = "".join(f"  {one.files}\n" for one in FORMATS)
    parser = ArgumentParser(
        prog="python -m benchmarks.quality",
        description="Measure Kinship's lists on public data sets, with nothing set by hand, beside "
        "published methods that are tuned for each set, and write the leaderboard.",
        epilog=_EXAMPLES + formats,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "folder",
        type=Path,
        metavar="DIR",
        nargs="?",
        help="the folder with the sets; without it the page is made of what was measured before",
    )
    add("--only", action="append", default=[], metavar="SET", help="measure this set; may repeat")
    add(
        "--method",
        action="append",
        default=[],
        choices=METHOD_NAMES,
        help="measure this method; may repeat",
    )
    add("--dry-run", action="store_true", help="say what would run, and roughly how long")
    add(
        "--cross-check",
        action="store_true",
        help="hold metrics and a baseline to those of other packages, in environments of their own",
    )
    add("--keep", type=Path, metavar="DIR", help="leave imported files and lists here")
    add(
        "--page",
        type=Path,
        metavar="FILE",
        default=PROJECT_DIR / "docs" / "leaderboard.md",
        help="the page (docs/leaderboard.md)",
    )
    add(
        "--figures",
        type=Path,
        metavar="FILE",
        default=Path(__file__).with_name("figures.json"),
        help="what was measured, of which the page is made (benchmarks/quality/figures.json)",
    )
    return parser
