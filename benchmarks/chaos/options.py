"""The command line of `make chaos`."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from benchmarks.chaos.faults import FAULTS, Fault

_EXAMPLES = """\
examples:
  make chaos                                          each fault 100 times: some hours
  make chaos ARGS="--times 3"
  make chaos ARGS="--only 'kill worker' --only 'kill web' --seed 7 --json chaos.json"

faults:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is done how often.

    Args:
        seed: of the moments, the victims and the lengths.
    """

    times: int
    faults: tuple[Fault, ...]
    seed: int
    json: Path | None


def parse(arguments: Sequence[str]) -> Options:
    """The options; leaves with a message where they are wrong."""
    given = vars(_parser().parse_args(arguments))
    only = given.pop("only")
    if given["seed"] is None:
        given["seed"] = SystemRandom().randrange(1_000_000)
    faults = tuple(fault for fault in FAULTS if not only or fault.name in only)
    return Options(**given, faults=faults)


def _parser() -> ArgumentParser:
    names = [fault.name for fault in FAULTS]
    width = max(map(len, names))
    parser = ArgumentParser(
        prog="python -m benchmarks.chaos",
        description="Harm a service of its own at random moments under a steady load of writes and "
        "reads, and look whether every acknowledged write is there once, what embedding cost is "
        "booked, lists are answered, and nothing is left running.",
        epilog=_EXAMPLES + "\n".join(f"  {fault.name:{width}}  {fault.what}" for fault in FAULTS),
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--times", type=_times, default=100, help="of each fault (%(default)s)")
    add(
        "--only",
        action="append",
        choices=names,
        metavar="FAULT",
        help="this fault alone; may be given several times",
    )
    add("--seed", type=int, help="of the chances; random, and printed, where left out")
    add("--json", type=Path, metavar="FILE", help="write every single trial to a file too")
    return parser


def _times(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is no number of times; give 1 or more")
    return number
