"""`python -m benchmarks.soak`; see `--help`."""

import json
import os
import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from rich.console import Console

from benchmarks.console import INTERRUPTED, Say
from benchmarks.options import positive, whole
from benchmarks.soak import mix
from benchmarks.soak.mix import Mix
from benchmarks.soak.phases import Measured, Row, measure
from recommender.stack.config import StackConfig
from tests.e2e.service import Service

_EXAMPLES = """\
examples:
  make soak                                    an hour, and some minutes
  make soak ARGS="--seconds 300 --products 5000"
"""
_ANSWERS = (
    *("test", "s", "asked/s", "good", "refused", "failed", "p50 ms", "p99 ms"),
    "refused within, p99 ms",
)
_PARTS = ("web", "worker", "beat", "valkey", "postgres")


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit code is 1 where anything failed that was within the limit."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Console(stderr=True)
    try:
        measured = _measured(options, lambda text: progress.print(text, highlight=False))
    except KeyboardInterrupt:
        return INTERRUPTED
    Console().print(_text(options, measured), markup=False, highlight=False, soft_wrap=True)
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(measured), indent=2) + "\n")
    within = [*measured.periods, *measured.beside]
    return int(any(row.failed or row.refused for row in within) or measured.overload.failed > 0)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Load a service of its own with lists, events and changes of products: for "
        "long at 80 % of its measured limit, then at twice the limit, then beside slow clients, "
        "idle connections and a body that drips.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seconds", type=positive, default=3600.0, help="at 80 %% of the limit (%(default)g)")
    add("--short", type=positive, default=20.0, help="of every other phase (%(default)g)")
    add("--products", type=whole(40), default=20_000, help="products (%(default)s)")
    add("--users", type=whole(1), default=1_000, help="users with a history (%(default)s)")
    add("--json", type=Path, metavar="FILE", help="write all figures to a file too")
    return parser


def _measured(options: Namespace, say: Say) -> Measured:
    with TemporaryDirectory(prefix="kinship-soak-") as directory:
        service = Service.under(Path(directory))
        say("service")
        try:
            service.manage("up", "--detach", "--port", str(service.port))
            with service.open_catalog("soak") as client:
                say("products and events")
                products = mix.fill(client, options.products, options.users)
                service.wait_until_embedded("soak", seconds=600)
                key = client.headers["Authorization"].removeprefix("Bearer ")
            config = StackConfig(service.data_dir, None, None)
            asked = Mix(service.url, key, products, options.users)
            return measure(asked, config, options.seconds, options.short, say)
        finally:
            service.manage("down")


def _text(options: Namespace, measured: Measured) -> str:
    """Tables as Markdown, and what they come to."""
    gigabytes = psutil.virtual_memory().total / 1024**3
    rows = [*measured.periods, measured.overload, *measured.beside]
    parts = [
        f"{options.products:,} products, {options.users:,} users; the limit is "
        f"{measured.limit:.0f} requests/s. {os.cpu_count()} cores and {gigabytes:.0f} GB for all.",
        _table(_ANSWERS, [_answers(row) for row in rows]),
        _table(("memory, MB", *_PARTS), [_memory(row) for row in measured.periods]),
        f"Memory of the second half, MB an hour: {_slopes(measured.periods)}.",
        f"Refused without Retry-After: {measured.overload.refused_without_when}. The last bad "
        f"answer came {measured.recovery:.1f} s after the last request of the overload.",
    ]
    return "\n\n".join(parts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _answers(row: Row) -> Sequence[str]:
    return (
        row.name,
        f"{row.seconds:.0f}",
        f"{row.asked:.0f}",
        f"{row.good:,}",
        f"{row.refused:,}",
        f"{row.failed:,}",
        f"{row.p50:.1f}",
        f"{row.p99:.1f}",
        "" if row.refused_p99 is None else f"{row.refused_p99:.0f}",
    )


def _memory(row: Row) -> Sequence[str]:
    return (row.name, *(f"{row.memory.get(part, 0):.0f}" for part in _PARTS))


def _slopes(periods: Sequence[Row]) -> str:
    """How fast each part grew, by a straight line through the second half."""
    late = periods[len(periods) // 2 :]
    hours = [number * row.seconds / 3600 for number, row in enumerate(late)]
    slopes = {
        part: np.polyfit(hours, [row.memory.get(part, 0) for row in late], 1)[0] for part in _PARTS
    }
    return ", ".join(f"{part} {slope:+.0f}" for part, slope in slopes.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
