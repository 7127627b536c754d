"""`python -m tests.stub`: the stub as a process of its own."""

import argparse
import signal
import sys

from tests.stub.behaviour import Behaviour
from tests.stub.provider import Stub

_EXAMPLES = """examples:
  python -m tests.stub --port 9009 --latency 0.05
  python -m tests.stub --failing 0.1 --dropping 0.05 --poison POISON
  python -m tests.stub --requests-per-minute 6000 --tokens-per-minute 1000000

GET / answers with what was counted so far.
"""


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Stub(_behaviour(options), port=options.port) as stub:
        print(f"{stub.native_url} and {stub.compatible_url}; Ctrl-C stops it.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print(stub.record.summary())


def _behaviour(options: argparse.Namespace) -> Behaviour:
    return Behaviour(
        max_rows=options.max_rows,
        latency=options.latency,
        failing=options.failing,
        throttling=options.throttling,
        dropping=options.dropping,
        seed=options.seed,
        poison=dict.fromkeys(options.poison, "DataInspectionFailed"),
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stub",
        description="A double of an embedding provider, DashScope-native and OpenAI-compatible.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="any free one where left out")
    parser.add_argument("--max-rows", type=int, default=10, help="of a call; 10 by default")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each call")
    for name, reply in (("failing", "a 500"), ("throttling", "a 429"), ("dropping", "no answer")):
        parser.add_argument(
            f"--{name}", type=float, default=0.0, help=f"share of calls, 0 to 1, that get {reply}"
        )
    parser.add_argument("--seed", type=int, default=0, help="of the draw of those calls")
    parser.add_argument(
        "--poison", action="append", default=[], help="a word that has its whole call refused"
    )
    parser.add_argument("--requests-per-minute", type=int, help="held in every second")
    parser.add_argument("--tokens-per-minute", type=int)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
