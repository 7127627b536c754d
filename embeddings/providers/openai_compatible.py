"""Any provider with OpenAI's `POST /embeddings`: one class, and options for each dialect."""

from collections.abc import Sequence
from typing import Any

from embeddings.base import BaseEmbedder
from embeddings.providers import answer, http
from embeddings.providers.answer import Row
from embeddings.providers.table import ProviderOptions
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Role, Usage

_INSTRUCTION = "{instruction}"


class OpenAICompatibleEmbedder(BaseEmbedder):
    """A model behind OpenAI's protocol; it gives dense vectors of texts."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        name: str,
        base_url: str,
        api_key: str = "",
        options: ProviderOptions,
        instruction: str = "",
        timeout: float = 60.0,
    ) -> None:
        """`name` is what the provider calls the model; `timeout` is of a call, in seconds."""
        super().__init__(spec, instruction=instruction)
        self._name = name
        self._endpoint = http.Endpoint(base_url, api_key)
        self._options = options
        self._timeout = timeout

    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        reply = self._endpoint.post("embeddings", self._body(inputs, role), timeout=self._timeout)
        usage = _usage(reply.get("usage"))
        return answer.read(reply.get("data"), "index", len(inputs), usage, self._vectors)

    def _vectors(self, rows: Sequence[Row]) -> Embeddings:
        vectors = answer.dense([row.get("embedding") for row in rows], self._sent_dimension)
        return Embeddings.normalised(vectors[:, : self.spec.dimension], Usage(0))

    def _body(self, inputs: Sequence[Input], role: Role) -> dict[str, object]:
        prompt = self._prompt(role)
        body: dict[str, object] = {
            "model": self._name,
            "input": [prompt + row.text for row in inputs],
            **self._options.body,
            **self._options.roles.get(role, {}),
        }
        # A model of one dimension refuses the parameter, even with that dimension.
        if self._options.dimensions and len(self.spec.dimensions) != 1:
            body[self._options.dimensions] = self.spec.dimension
        return body

    def _prompt(self, role: Role) -> str:
        prompt = self._options.prompts.get(role, "")
        if _INSTRUCTION not in prompt:
            return prompt
        return prompt.replace(_INSTRUCTION, self._instruction) if self._instruction else ""

    @property
    def _sent_dimension(self) -> int:
        """The length of the vectors that the provider sends."""
        if self._options.dimensions:
            return self.spec.dimension
        return max(self.spec.dimensions, default=self.spec.dimension)


def _usage(usage: Any) -> Usage:
    """What was consumed; no tokens where the server does not count them."""
    counts = usage if isinstance(usage, dict) else {}
    tokens = counts.get("total_tokens") or counts.get("prompt_tokens") or 0
    return Usage(tokens if isinstance(tokens, int) else 0)
