"""A hosted model for tests, without a server: it counts what it is asked and must be paid for."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from embeddings.errors import EmbeddingError, Rejected
from embeddings.local import fake
from embeddings.local.fake import FakeEmbedder
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Output, Role

SPEC = replace(
    fake.SPEC,
    key="hosted",
    provider="tests",
    dimension=8,
    max_rows=10,
    price=1000.0,  # a tenth of a cent a token
    is_hosted=True,
)


class Hosted:
    """Implements `Embedder`. `asked` counts texts, `tokens` what they must be paid for."""

    def __init__(
        self,
        spec: ModelSpec = SPEC,
        *,
        output: Output = Output.DENSE,
        instruction: str = "",
        refused: Sequence[str] = (),
        seconds: float = 0.0,
    ) -> None:
        """`refused`: texts it never takes. `seconds`: how long an answer takes."""
        self._fake = FakeEmbedder.of(spec, instruction, output)
        self.spec, self.output, self.instruction = spec, output, instruction
        self.error: EmbeddingError | None = None
        self._refused, self._seconds = frozenset(refused), seconds
        self._lock = threading.Lock()
        self.calls, self.tokens, self.asked = 0, 0, Counter[str]()

    def embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        self.spec.check(inputs)
        time.sleep(self._seconds)
        if self.error is not None:
            raise self.error
        if any(row.text in self._refused for row in inputs):
            raise Rejected("Data inspection failed; change the text.", code="DataInspectionFailed")
        answer = self._fake.embed(inputs, role)
        with self._lock:
            self.calls += 1
            self.tokens += answer.usage.tokens
            self.asked.update(row.text for row in inputs)
        return answer


def texts(*rows: str) -> list[Input]:
    return [Input(text=row) for row in rows]


def numbered(count: int, word: str = "mug") -> list[Input]:
    return texts(*(f"{word} {number}" for number in range(count)))
