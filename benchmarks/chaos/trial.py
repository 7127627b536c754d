"""One fault at a random moment, and what is found afterwards."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import httpx

from benchmarks.chaos import checks, traffic
from benchmarks.chaos.faults import Fault, Scene
from benchmarks.chaos.surroundings import Surroundings
from benchmarks.chaos.traffic import Ledger
from benchmarks.console import Say
from tests.e2e.service import Service
from tests.stub import Behaviour, Stub

_MODEL = "double"
_MODEL_ROWS, _MODEL_DIMENSION = 10, 64
# In seconds: before a fault, after the last refusal, and until all must be well again.
_SHORTEST_LEAD, _LONGEST_LEAD, _QUIET, _HOPELESS = 0.5, 3.0, 1.0, 180.0
_POLL = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fault and its end.

    Attributes:
        acknowledged: how many products and events were, and `refused` how many requests were, or
            not answered.
        lost: acknowledged products and events that are not there.
        doubled: events that are there more than once.
        paid_twice: rows that the provider counted more than once.
        answered, written, embedded: seconds, from when on the service could recover, until lists
            were answered, writes taken, and a product that came since had its vector; None where
            that never was.
        problems: all that is wrong besides, in words.
    """

    fault: str
    acknowledged: int
    refused: int
    lost: int
    doubled: int
    paid_twice: int
    answered: float | None
    written: float | None
    embedded: float | None
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all is as it must be."""
        return not (self.lost or self.doubled or self.problems)


@contextmanager
def running(surroundings: Surroundings, seed: str) -> Iterator[Scene]:
    """A service that embeds by a provider's double; taken down at the end.

    Raises:
        AssertionError: it cannot be started or taken down, or something of it is left.
    """
    weather = Behaviour(latency=0.02, max_rows=_MODEL_ROWS, dimension=_MODEL_DIMENSION)
    with Stub(weather, host=surroundings.outside) as provider:
        service = Service.under(
            surroundings.directory,
            _variables(provider) | dict(surroundings.variables),
            host=surroundings.host,
            within=surroundings.within,
        )
        scene = Scene(service, surroundings, provider, Random(seed))
        try:
            scene.up()
            yield scene
        finally:
            service.manage("down")
        if left := service.processes():
            raise AssertionError(f"After `down` there is left: {left}")


def _variables(provider: Stub) -> dict[str, str]:
    model = {
        "provider": "dashscope",
        "base_url": provider.native_url,
        "dimension": _MODEL_DIMENSION,
        "dimensions": [_MODEL_DIMENSION],
        "max_tokens": 8192,
        "max_rows": _MODEL_ROWS,
        "price": 0.1,
    }
    return {"KINSHIP_MODELS": json.dumps({_MODEL: model}), "DASHSCOPE_API_KEY": "any"}


def repeated(fault: Fault, times: int, scene: Scene, progress: Say) -> Iterator[Trial]:
    """Trials of a fault, in a catalog of its own."""
    name = fault.name.replace(" ", "-")
    with scene.service.open_catalog(name, "--model", _MODEL) as client:
        client.post("/v1/products/bulk", json=traffic.seeds(name)).raise_for_status()
        scene.service.wait_until_embedded(name)
        ledger = Ledger(name)
        for number in range(1, times + 1):
            progress(f"{fault.name}, {number} of {times}")
            yield _trial(fault, scene, client, ledger)


def _trial(fault: Fault, scene: Scene, client: httpx.Client, ledger: Ledger) -> Trial:
    ledger.attempts.clear()
    ledger.faults += 1
    before = ledger.acknowledged
    paid_before = _paid_twice(scene, ledger)
    key = client.headers["Authorization"].removeprefix("Bearer ")
    with traffic.flowing(ledger, scene.service.url, key, scene.random.randrange(1 << 30)):
        time.sleep(scene.random.uniform(_SHORTEST_LEAD, _LONGEST_LEAD))
        since = fault.strike(scene)
        embedded = _await_recovery(scene, ledger, since)
    problems = [] if embedded is not None else ["it does not recover"]
    if not _becomes(lambda: scene.service.stale(ledger.name) == 0):
        problems.append(f"{scene.service.stale(ledger.name)} products have no vector")
    known, ledger.found = ledger.found, checks.stored(scene, ledger)
    answered, written = (ledger.recovered(since, is_write=kind) for kind in (False, True))
    return Trial(
        fault=fault.name,
        acknowledged=ledger.acknowledged - before,
        refused=sum(not attempt.succeeded for attempt in ledger.attempts),
        lost=ledger.found.lost - known.lost,
        doubled=ledger.found.doubled - known.doubled,
        paid_twice=_paid_twice(scene, ledger) - paid_before,
        answered=answered and answered - since,
        written=written and written - since,
        embedded=embedded,
        problems=(*problems, *checks.problems(scene, ledger, client, fault)),
    )


def _paid_twice(scene: Scene, ledger: Ledger) -> int:
    return checks.paid(scene, ledger) - checks.paid(scene, ledger, once=True)


def _await_recovery(scene: Scene, ledger: Ledger, since: float) -> float | None:
    """Wait until all goes well again; the seconds until a new product was embedded, or None."""
    embedded: list[float] = []

    def is_well() -> bool:
        recoveries = [ledger.recovered(since, is_write=kind) for kind in (False, True)]
        answers = [moment for moment in recoveries if moment is not None]
        if len(answers) < 2:
            return False
        if not embedded and checks.has_vector(scene, ledger, since):
            embedded.append(time.monotonic() - since)
        return bool(embedded) and time.monotonic() > max(answers) + _QUIET

    return embedded[0] if _becomes(is_well) else None


def _becomes(condition: Callable[[], bool]) -> bool:
    """Whether it comes to hold before that is hopeless."""
    until = time.monotonic() + _HOPELESS
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL)
    return True
