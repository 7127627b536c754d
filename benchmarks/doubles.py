"""The hosted models of the embedding benchmark, played by the stub."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.stub import Behaviour, Stub

# Their keys.
STEADY, UNWELL = "steady", "unwell"
DIMENSION = 256
# A word that the unwell one never takes.
POISON = "contraband"
# Held in every second, by the stub as by the vendors.
REQUESTS_PER_MINUTE = 6_000

_ROWS_A_CALL = 10
_STEADY = Behaviour(
    dimension=DIMENSION,
    max_rows=_ROWS_A_CALL,
    latency=0.05,
    requests_per_minute=REQUESTS_PER_MINUTE,
)
_UNWELL = Behaviour(
    dimension=DIMENSION,
    max_rows=_ROWS_A_CALL,
    failing=0.1,
    dropping=0.05,
    poison={POISON: "DataInspectionFailed"},
)


@dataclass(frozen=True, slots=True)
class Doubles:
    """Two providers: one keeps to its limits, the other fails, cuts off and refuses."""

    steady: Stub
    unwell: Stub

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is told, so that it finds them."""
        models = {
            STEADY: _entry(self.steady) | {"requests_per_minute": REQUESTS_PER_MINUTE},
            UNWELL: _entry(self.unwell),
        }
        return {"KINSHIP_MODELS": json.dumps(models), "DASHSCOPE_API_KEY": "any"}


@contextmanager
def serving() -> Iterator[Doubles]:
    """Both, answering."""
    with Stub(_STEADY) as steady, Stub(_UNWELL) as unwell:
        yield Doubles(steady, unwell)


def _entry(stub: Stub) -> dict[str, object]:
    return {
        "provider": "dashscope",
        "base_url": stub.native_url,
        "dimension": DIMENSION,
        "dimensions": [DIMENSION],
        "max_tokens": 8192,
        "max_rows": _ROWS_A_CALL,
    }
