"""The three protocols: what a request asks, and what its answer looks like."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from embeddings.types import Output
from tests.stub import documented, vectors
from tests.stub.behaviour import Behaviour
from tests.stub.documented import Problem, Refused

_MEDIA = ("text", "image", "video", "multi_images")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that can be answered.

    `rows` are what is paid for; `read` is what the model reads of each, with its instruction.
    """

    model: str
    rows: Sequence[str]
    read: Sequence[str]
    kinds: Sequence[str] = ()
    dimension: int
    output: Output = Output.DENSE
    is_base64: bool = False

    @property
    def tokens(self) -> int:
        """What the whole call costs."""
        return sum(map(vectors.count_tokens, self.rows))


class Wire(Protocol):
    """A protocol."""

    def asked(self, body: Any, behaviour: Behaviour) -> Asked:
        """What a request's JSON body asks.

        Raises:
            Refused: it is one that the vendor refuses.
        """
        ...

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """The answer's rows."""
        ...

    def answer(
        self, asked: Asked, rows: Sequence[dict[str, Any]], request_id: str
    ) -> dict[str, Any]:
        """The body of a success."""
        ...

    def problem(self, problem: Problem, request_id: str) -> dict[str, Any]:
        """The body of an error."""
        ...


class NativeText:
    """`POST …/services/embeddings/text-embedding/text-embedding`"""

    def asked(self, body: Any, behaviour: Behaviour) -> Asked:
        """Implements `Wire.asked`."""
        texts = _texts(_mapping(body, "input").get("texts"))
        _check(texts, behaviour)
        parameters = _parameters(body)
        instruct = parameters.get("instruct", "") if parameters.get("text_type") == "query" else ""
        return Asked(
            model=_model(body),
            rows=texts,
            read=[f"{instruct} {text}" for text in texts] if instruct else texts,
            dimension=_dimension(parameters.get("dimension"), behaviour),
            output=_output(parameters.get("output_type", "dense")),
        )

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Implements `Wire.rows`."""
        rows: list[dict[str, Any]] = [{"text_index": index} for index in range(len(asked.rows))]
        if asked.output.is_dense:
            for row, vector in zip(rows, _dense(asked), strict=True):
                row["embedding"] = vector
        if asked.output.is_sparse:
            for row, text in zip(rows, asked.read, strict=True):
                row["sparse_embedding"] = vectors.sparse(text)
        return rows

    def answer(
        self, asked: Asked, rows: Sequence[dict[str, Any]], request_id: str
    ) -> dict[str, Any]:
        """Implements `Wire.answer`."""
        usage = {"total_tokens": asked.tokens}
        return {"request_id": request_id, "output": {"embeddings": rows}, "usage": usage}

    def problem(self, problem: Problem, request_id: str) -> dict[str, Any]:
        """Implements `Wire.problem`."""
        return problem.native(request_id)


class NativeMultimodal:
    """`POST …/services/embeddings/multimodal-embedding/multimodal-embedding`"""

    def asked(self, body: Any, behaviour: Behaviour) -> Asked:
        """Implements `Wire.asked`."""
        contents = _mapping(body, "input").get("contents")
        if not isinstance(contents, list) or not contents:
            raise Refused(documented.WRONG_TYPE)
        kinds, rows = zip(*map(_content, contents), strict=True)
        _check_rows(rows, behaviour)
        parameters = _parameters(body)
        if behaviour.fuses or parameters.get("enable_fusion"):
            kinds, rows = ("fusion",), (" ".join(rows),)
        instruct = parameters.get("instruct", "")
        return Asked(
            model=_model(body),
            rows=rows,
            read=[f"{instruct} {row}" for row in rows] if instruct else rows,
            kinds=kinds,
            dimension=_dimension(parameters.get("dimension"), behaviour),
        )

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Implements `Wire.rows`."""
        return [
            {"index": index, "embedding": vector, "type": kind}
            for index, (vector, kind) in enumerate(zip(_dense(asked), asked.kinds, strict=True))
        ]

    def answer(
        self, asked: Asked, rows: Sequence[dict[str, Any]], request_id: str
    ) -> dict[str, Any]:
        """Implements `Wire.answer`, with the empty fields that some deployments add."""
        pairs = zip(asked.rows, asked.kinds, strict=True)
        texts = [row for row, kind in pairs if kind in {"text", "fusion"}]
        usage = {
            "input_tokens": sum(map(vectors.count_tokens, texts)),
            "image_count": asked.kinds.count("image"),
            "duration": 0,
        }
        answer = {"request_id": request_id, "output": {"embeddings": rows}, "usage": usage}
        return {"status_code": 200, "code": "", "message": ""} | answer

    def problem(self, problem: Problem, request_id: str) -> dict[str, Any]:
        """Implements `Wire.problem`."""
        return problem.native(request_id)


class Compatible:
    """`POST …/embeddings`, as OpenAI's."""

    def asked(self, body: Any, behaviour: Behaviour) -> Asked:
        """Implements `Wire.asked`."""
        model = _model(body)
        texts = _texts(body.get("input"))
        _check(texts, behaviour)
        return Asked(
            model=model,
            rows=texts,
            read=texts,
            dimension=_dimension(
                _first(body, "dimensions", "dimension", "output_dimension"), behaviour
            ),
            is_base64=body.get("encoding_format") == "base64",
        )

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Implements `Wire.rows`."""
        embeddings: Sequence[Any] = _dense(asked)
        if asked.is_base64:
            embeddings = [
                base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in embeddings
            ]
        return [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(embeddings)
        ]

    def answer(
        self, asked: Asked, rows: Sequence[dict[str, Any]], request_id: str
    ) -> dict[str, Any]:
        """Implements `Wire.answer`."""
        usage = {"prompt_tokens": asked.tokens, "total_tokens": asked.tokens}
        about = {"object": "list", "model": asked.model, "id": request_id}
        return about | {"data": rows, "usage": usage}

    def problem(self, problem: Problem, request_id: str) -> dict[str, Any]:
        """Implements `Wire.problem`."""
        return problem.compatible(request_id)


def wire_of(path: str) -> Wire | None:
    """The protocol that is spoken at a path; None where there is none."""
    if path.endswith("/embeddings/text-embedding/text-embedding"):
        return NativeText()
    if path.endswith("/embeddings/multimodal-embedding/multimodal-embedding"):
        return NativeMultimodal()
    return Compatible() if path.endswith("/embeddings") else None


def _dense(asked: Asked) -> Any:
    return vectors.dense(asked.read, asked.dimension)


def _model(body: Any) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(Problem(400, "BadRequest.EmptyModel", "Required parameter model missing."))
    return model


def _mapping(body: Any, name: str) -> Mapping[str, Any]:
    member = body.get(name)
    if not isinstance(member, dict):
        raise Refused(Problem(400, "BadRequest.EmptyInput", f"Required {name} missing."))
    return member


def _parameters(body: Any) -> Mapping[str, Any]:
    parameters = body.get("parameters", {})
    return parameters if isinstance(parameters, dict) else {}


def _texts(sent: Any) -> list[str]:
    texts = [sent] if isinstance(sent, str) else sent
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(documented.WRONG_TYPE)
    return texts


def _content(content: Any) -> tuple[str, str]:
    kinds = [kind for kind in _MEDIA if isinstance(content, dict) and content.get(kind)]
    if len(kinds) != 1:
        raise Refused(documented.WRONG_TYPE)
    held = content[kinds[0]]
    return kinds[0], held if isinstance(held, str) else " ".join(held)


def _first(body: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these names that is there."""
    return next((body[name] for name in names if name in body), None)


def _dimension(dimension: Any, behaviour: Behaviour) -> int:
    if dimension is None:
        return behaviour.dimension
    if not str(dimension).isdigit() or int(dimension) < 1:
        raise Refused(documented.WRONG_DIMENSION)
    return int(dimension)


def _output(output: Any) -> Output:
    try:
        return Output(output)
    except ValueError:
        raise Refused(documented.invalid(f"output_type {output!r} is invalid.")) from None


def _check(texts: Sequence[str], behaviour: Behaviour) -> None:
    _check_rows(texts, behaviour)
    for text in texts:
        if not text.strip() or vectors.count_tokens(text) > behaviour.max_tokens:
            raise Refused(documented.too_long(behaviour.max_tokens))


def _check_rows(rows: Sequence[str], behaviour: Behaviour) -> None:
    if len(rows) > behaviour.max_rows:
        raise Refused(documented.too_many_rows(behaviour.max_rows))
    for word, code in behaviour.poison.items():
        if any(word in row for row in rows):
            raise Refused(Problem(400, code, "Input data may contain inappropriate content."))
