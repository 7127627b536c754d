"""Alibaba Cloud Model Studio in its own protocol, DashScope: texts, pictures and videos."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from embeddings.base import BaseEmbedder
from embeddings.errors import EmbeddingError, Rejected, Unavailable
from embeddings.providers import answer, http, media_limits, wire_errors
from embeddings.providers.answer import Row
from embeddings.spec import Fusion, ModelSpec
from embeddings.types import Embeddings, Input, Output, Part, Role, SparseVector, Usage

_TEXT = "services/embeddings/text-embedding/text-embedding"
_MULTIMODAL = "services/embeddings/multimodal-embedding/multimodal-embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    """Where a model answers; `name` is what the provider calls it, `timeout` in seconds."""

    name: str
    endpoint: http.Endpoint
    timeout: float

    def call(
        self, path: str, asked: Mapping[str, object], parameters: Mapping[str, object]
    ) -> tuple[object, Usage]:
        """The answer's rows, unchecked, and what they cost."""
        body = {"model": self.name, "input": asked, "parameters": parameters}
        reply = self.endpoint.post(path, body, timeout=self.timeout)
        output = reply.get("output")
        rows = output.get("embeddings") if isinstance(output, dict) else None
        if isinstance(rows, list):
            return rows, _usage(reply.get("usage"))
        # A gateway may put a refusal in a 200, the true status beside the code.
        status = reply.get("status_code")
        raise wire_errors.error_of(status if isinstance(status, int) else httpx.codes.OK, reply, {})


class _DashScopeEmbedder(BaseEmbedder):
    """What both kinds of model have in common."""

    def __init__(  # noqa: PLR0913 - what a model is, where it answers, what is asked of it
        self,
        spec: ModelSpec,
        *,
        name: str,
        base_url: str,
        api_key: str,
        instruction: str = "",
        output: Output = Output.DENSE,
        timeout: float = 60.0,
        workspace: str = "",
    ) -> None:
        """`name` is what the vendor calls the model; `timeout` is of a call, in seconds.

        Raises:
            Misconfigured: the model has no such output, takes no instruction, or the URL, the
                key or the workspace cannot be one.
        """
        spec.check_output(output, instruction)
        super().__init__(spec, output=output, instruction=instruction)
        headers = {"X-DashScope-WorkSpace": workspace} if workspace else {}
        endpoint = http.Endpoint(base_url, api_key, headers)
        self._api = _Api(name=name, endpoint=endpoint, timeout=timeout)


class DashScopeTextEmbedder(_DashScopeEmbedder):
    """A text model of the vendor: dense and sparse vectors, instructions, roles."""

    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        texts = [row.text for row in inputs]
        unchecked, usage = self._api.call(_TEXT, {"texts": texts}, self._parameters(role))
        return answer.read(unchecked, "text_index", len(inputs), usage, self._vectors)

    def _vectors(self, rows: Sequence[Row]) -> Embeddings:
        vectors = np.empty((len(rows), 0), np.float32)
        if self._output.is_dense:
            vectors = answer.dense([row.get("embedding") for row in rows], self.spec.dimension)
        sparse = map(_sparse, rows) if self._output.is_sparse else ()
        return Embeddings.normalised(vectors, Usage(0), tuple(sparse))

    def _parameters(self, role: Role) -> dict[str, object]:
        parameters: dict[str, object] = {"text_type": str(role)}
        parameters |= _dimension(self.spec)
        if self._output is not Output.DENSE:
            parameters["output_type"] = str(self._output)
        # The vendor heeds one with queries only.
        if self._instruction and role is Role.QUERY:
            parameters["instruct"] = self._instruction
        return parameters


class DashScopeMultimodalEmbedder(_DashScopeEmbedder):
    """A model of the vendor that puts texts, pictures and videos in one space."""

    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        """Vectors of rows of several contents.

        A row of several contents gets one vector: the model's fusion of them, where it has one,
        or else the mean of the directions of their vectors.
        """
        media_limits.check_media(inputs, self.spec)
        contents = [_contents(row, self.spec) for row in inputs]
        is_fused = self._is_fused(contents)
        asked = {"contents": [content for row in contents for content in row]}
        unchecked, usage = self._api.call(
            _MULTIMODAL, asked, self._parameters(role, is_fused=is_fused)
        )
        counts = [1] if is_fused else [len(row) for row in contents]
        try:
            made = answer.read(unchecked, "index", sum(counts), usage, self._vectors)
            return _mean_of_each(made, counts)
        except EmbeddingError as exc:
            # The vectors of a row's contents are none of the row.
            if exc.paid is None or sum(counts) != len(inputs):
                exc.paid = Part.of_nothing(usage)
            raise

    def _vectors(self, rows: Sequence[Row]) -> Embeddings:
        vectors = answer.dense([row.get("embedding") for row in rows], self.spec.dimension)
        return Embeddings.normalised(vectors, Usage(0))

    def _is_fused(self, contents: Sequence[Sequence[object]]) -> bool:
        if self.spec.fusion is Fusion.NEVER:
            return False
        is_several = any(len(row) > 1 for row in contents)
        is_fused = is_several or self.spec.fusion is Fusion.ALWAYS
        if is_fused and len(contents) > 1:
            raise Rejected(f"{self.spec.key} makes one vector of all of a call; send rows alone.")
        return is_fused

    def _parameters(self, role: Role, *, is_fused: bool) -> dict[str, object]:
        parameters = _dimension(self.spec)
        if self._instruction and role is Role.QUERY:
            parameters["instruct"] = self._instruction
        if is_fused and self.spec.fusion is Fusion.ON_REQUEST:
            parameters["enable_fusion"] = True
        return parameters


def _dimension(spec: ModelSpec) -> dict[str, object]:
    # A model of one dimension does not know the parameter.
    return {} if len(spec.dimensions) == 1 else {"dimension": spec.dimension}


def _contents(source: Input, spec: ModelSpec) -> list[dict[str, object]]:
    contents: list[dict[str, object]] = []
    if source.text.strip():
        contents.append({"text": source.text})
    if len(source.images) > 1 and spec.fusion is Fusion.NEVER:
        contents.append({"multi_images": list(source.images)})
    else:
        contents += [{"image": image} for image in source.images]
    if source.video:
        contents.append({"video": source.video})
    return contents


def _mean_of_each(parts: Embeddings, counts: Sequence[int]) -> Embeddings:
    """One vector for each run of so many."""
    bounds = np.cumsum([0, *counts]).tolist()
    runs = [parts.vectors[start:stop] for start, stop in pairwise(bounds)]
    means: NDArray[np.float32] = np.stack([run.mean(axis=0) for run in runs])
    return Embeddings.normalised(means, parts.usage)


def _sparse(row: Row) -> SparseVector:
    try:
        weights = sorted(map(_weight, row["sparse_embedding"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise Unavailable("The provider gave no sparse vector; it is asked again.") from exc
    indices = tuple(index for index, _, _ in weights)
    values = tuple(value for _, value, _ in weights)
    if len(set(indices)) < len(indices) or min(indices, default=0) < 0:
        raise Unavailable("The provider gave a sparse vector that is none; it is asked again.")
    if not np.isfinite(values).all():
        raise Rejected("The model gave a weight that is no number; leave the row out.")
    tokens = tuple(token for _, _, token in weights)
    return SparseVector(indices, values, tokens if all(tokens) else ())


def _weight(entry: Any) -> tuple[int, float, str]:
    return int(entry["index"]), float(entry["value"]), str(entry.get("token") or "")


def _usage(usage: Any) -> Usage:
    """The counts differ from model to model; tokens are 0 where there are none."""
    counts = usage if isinstance(usage, dict) else {}
    numbers = {name: count for name, count in counts.items() if _is_count(count)}
    total = numbers.get("total_tokens")
    if total is None:
        total = numbers.get("input_tokens", 0) + numbers.get("image_tokens", 0)
    details = {name: count for name, count in numbers.items() if name != "total_tokens"}
    return Usage(int(total), details)


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
