"""`python -m benchmarks.chaos`; see `--help`."""

import signal
import sys
from collections import deque
from collections.abc import Sequence

import httpx
import psycopg
from rich.console import Console

from benchmarks.chaos import options, report, surroundings
from benchmarks.chaos.faults import Fault, Scene
from benchmarks.chaos.options import Options
from benchmarks.chaos.report import Report
from benchmarks.chaos.surroundings import UnavailableError
from benchmarks.chaos.trial import repeated, running
from benchmarks.console import INTERRUPTED, Say, telling


def main(arguments: Sequence[str]) -> int:
    """Do all the harm; the exit code is 1 where something was lost, doubled or wrong."""
    chosen = options.parse(arguments)
    # A terminated run takes its service down as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    console.print(f"seed {chosen.seed}", highlight=False)
    found = Report(seed=chosen.seed)
    code = 0
    with telling(console, "service") as say:
        try:
            _run(chosen, found, say)
        except KeyboardInterrupt:
            code = INTERRUPTED
    report.show(found, chosen.faults, Console())
    if chosen.json is not None:
        report.write(found, chosen.json)
    return code or int(not found.passed)


def _run(chosen: Options, found: Report, say: Say) -> None:
    """Each fault, those that need the same surroundings at one service."""
    for need in dict.fromkeys(fault.need for fault in chosen.faults):
        waiting = deque(fault for fault in chosen.faults if fault.need is need)
        while waiting:
            try:
                with surroundings.made(need) as around:
                    _at_one_service(waiting, around, chosen, found, say)
            except UnavailableError as exc:
                found.skipped.update((fault.name, str(exc)) for fault in waiting)
                break


def _at_one_service(
    waiting: deque[Fault],
    around: surroundings.Surroundings,
    chosen: Options,
    found: Report,
    say: Say,
) -> None:
    """Take faults off the queue until none waits, or one has the service beyond use."""
    fault = waiting.popleft()
    try:
        with running(around, f"{chosen.seed} {fault.name}") as scene:
            _repeat(fault, scene, chosen, found, say)
            while waiting:
                fault = waiting.popleft()
                _repeat(fault, scene, chosen, found, say)
    except (AssertionError, LookupError, httpx.HTTPError, psycopg.Error) as exc:
        found.problems.append(f"{fault.name}: {type(exc).__name__}: {exc}")
        say(found.problems[-1])


def _repeat(fault: Fault, scene: Scene, chosen: Options, found: Report, say: Say) -> None:
    for trial in repeated(fault, chosen.times, scene, say):
        found.trials.append(trial)
        if not trial.passed:
            say(f"{fault.name}: {'; '.join(trial.problems) or 'writes are lost or doubled'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
