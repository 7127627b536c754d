"""How many products a worker claims at once."""

import math

from embeddings.spec import ModelSpec

# So much of the model's work makes a batch: long enough that claiming and storing cost little
# beside it, short enough that a killed worker loses little.
_SECONDS = 2.0
_FEWEST, _MOST = 32, 2_048
_FIRST = 256
_GROWTH = 4


class BatchSize:
    """Follows the rate at which a model embeds; starts with what its limits let expect."""

    def __init__(self, spec: ModelSpec) -> None:
        first = _FIRST
        if spec.requests_per_minute is not None:
            first = math.ceil(spec.requests_per_minute / 60 * spec.max_rows)
        self.rows = _between(first, _FIRST)

    def took(self, products: int, seconds: float) -> None:
        """A batch of so many products took so long."""
        expected = products / max(seconds, 0.001) * _SECONDS
        self.rows = _between(round(expected), min(_GROWTH * self.rows, _MOST))


def _between(rows: int, most: int) -> int:
    return max(_FEWEST, min(rows, most))
