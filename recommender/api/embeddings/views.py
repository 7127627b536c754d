"""The endpoints: DashScope's native ones for texts and for media, and the OpenAI-compatible one."""

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from django.core.exceptions import RequestDataTooBig
from django.db.utils import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from numpy.typing import NDArray

from embeddings.calls.outcome import EmbeddedRow
from embeddings.types import Output, Role, SparseVector
from recommender.api import codec
from recommender.api.auth import Caller, deleted, embed_key
from recommender.api.embeddings.embedding import Wanted, embed
from recommender.api.embeddings.inputs import contents_of, inputs_of
from recommender.api.embeddings.protocols import (
    COMPATIBLE,
    NATIVE,
    Failure,
    Protocol,
    fail,
    invalid,
    of_problem,
    respond,
)
from recommender.api.problems import Problem, of_database
from recommender.models import Catalog
from recommender.monitoring import requests

Body = dict[str, Any]
# Who asks, what they ask, and the request's id in; the answer's body out.
Answer = Callable[[Caller, Body, str], Body]
View = Callable[[HttpRequest], HttpResponse]


def endpoint(protocol: Protocol) -> Callable[[Answer], View]:
    """Make a view of a function that answers; it fails by raising `Failure`."""

    def decorate(answer: Answer) -> View:
        def view(request: HttpRequest) -> HttpResponse:
            request_id = requests.id_in(request)
            try:
                return respond(_answered(answer, request, request_id), request_id)
            except Failure as failure:
                return fail(protocol, failure, request_id)
            except (OperationalError, InterfaceError) as exc:
                return fail(protocol, of_problem(of_database(request, exc)), request_id)

        return view

    return decorate


def _answered(answer: Answer, request: HttpRequest, request_id: str) -> Body:
    caller = _caller(request)
    body = _body(request)
    try:
        return answer(caller, body, request_id)
    except (IntegrityError, Catalog.DoesNotExist) as exc:
        # What is booked for a catalog that is deleted meanwhile, the database refuses.
        problem = deleted(caller)
        if problem is None:
            raise
        raise of_problem(problem) from exc


def _caller(request: HttpRequest) -> Caller:
    if request.method != "POST":
        message = f"{request.path} does not answer {request.method}, but POST."
        raise Failure(405, "MethodNotAllowed", message)
    try:
        caller: Caller | None = embed_key(request)
    except Problem as problem:
        raise of_problem(problem) from problem
    if caller is None:
        message = "No API key was sent; send it as 'Authorization: Bearer KEY'."
        raise Failure(401, "InvalidApiKey", message)
    return caller


def _body(request: HttpRequest) -> Body:
    try:
        body = codec.decode(request.body)
    except Problem as problem:
        raise of_problem(problem) from problem
    except RequestDataTooBig as exc:
        message = "The body is too large; send fewer rows, or raise KINSHIP_MAX_BODY_MB."
        raise Failure(413, "BadRequest.TooLarge", message) from exc
    if not isinstance(body, dict):
        raise invalid("The body is not a JSON object.")
    return body


Choice = TypeVar("Choice", bound=StrEnum)


def model_key(body: Body) -> str:
    """The model that is asked for."""
    key = body.get("model")
    if key is None or key == "":
        message = 'Required parameter "model" missing from request.'
        raise Failure(400, "BadRequest.EmptyModel", message)
    if not isinstance(key, str):
        raise invalid("model is not a string.")
    return key


def section(body: Body, name: str) -> Body:
    """A member that is an object; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} is not a JSON object.")
    return value


def dimension(body: Body) -> int | None:
    """`dimension` or `dimensions`, a whole number or the text of one; None where neither is."""
    value = body.get("dimension", body.get("dimensions"))
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise invalid(f"dimension is not a whole number: {value!r:.50}.")


def choice(body: Body, name: str, default: Choice) -> Choice:
    """One of the values that the default's enumeration has."""
    value: Any = body.get(name)
    if value is None:
        return default
    try:
        return type(default)(value)
    except ValueError as exc:
        known = ", ".join(type(default))
        raise invalid(f"{name} is {value!r:.50}; use one of: {known}.") from exc


def flag(body: Body, name: str) -> bool:
    """A yes or no; absent and null are no."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid(f"{name} is neither true nor false.")
    return value


def text(body: Body, name: str) -> str:
    """A text; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name} is not a string.")
    return value


@endpoint(NATIVE)
def text_embedding(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /api/v1/services/embeddings/text-embedding/text-embedding`."""
    parameters = section(body, "parameters")
    wanted = Wanted(
        model=model_key(body),
        dimension=dimension(parameters),
        role=choice(parameters, "text_type", Role.DOCUMENT),
        instruction=text(parameters, "instruct"),
        output=choice(parameters, "output_type", Output.DENSE),
    )
    spec = wanted.spec()
    inputs = inputs_of(section(body, "input").get("texts"), spec)
    made = embed(caller.catalog, wanted, spec, inputs)
    return {
        "output": {"embeddings": [_row(index, row) for index, row in enumerate(made)]},
        "usage": {"total_tokens": sum(row.tokens for row in made)},
        "request_id": request_id,
    }


def _row(index: int, made: EmbeddedRow) -> Body:
    row: Body = {"text_index": index}
    if made.vector is not None:
        row["embedding"] = np.ascontiguousarray(made.vector)
    if made.sparse is not None:
        row["sparse_embedding"] = _weights(made.sparse)
    return row


def _weights(sparse: SparseVector) -> list[Body]:
    tokens = sparse.tokens or ("",) * len(sparse.indices)
    return [
        {"index": index, "value": value, "token": token}
        for index, value, token in zip(sparse.indices, sparse.values, tokens, strict=True)
    ]


class Encoding(StrEnum):
    """How a vector is written: as JSON numbers, or as base64 of little-endian float32."""

    FLOAT = "float"
    BASE64 = "base64"


@endpoint(COMPATIBLE)
def embeddings(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /compatible-mode/v1/embeddings`."""
    wanted = Wanted(model=model_key(body), dimension=dimension(body))
    encoding = choice(body, "encoding_format", Encoding.FLOAT)
    spec = wanted.spec()
    made = embed(caller.catalog, wanted, spec, inputs_of(body.get("input"), spec))
    tokens = sum(row.tokens for row in made)
    encode = _ENCODERS[encoding]
    vectors = [encode(row.vector) for row in made if row.vector is not None]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ],
        "model": wanted.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "id": request_id,
    }


def _base64(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


_ENCODERS: dict[Encoding, Callable[[NDArray[np.float32]], Any]] = {
    Encoding.FLOAT: np.ascontiguousarray,
    Encoding.BASE64: _base64,
}


@endpoint(NATIVE)
def multimodal_embedding(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /api/v1/services/embeddings/multimodal-embedding/multimodal-embedding`."""
    parameters = section(body, "parameters")
    if choice(parameters, "output_type", Output.DENSE) is not Output.DENSE:
        raise invalid("Multimodal vectors are dense; use output_type dense.")
    instruction = text(parameters, "instruct")
    wanted = Wanted(
        model=model_key(body),
        dimension=dimension(parameters),
        # There is no text_type here: what comes with an instruction is a query.
        role=Role.QUERY if instruction else Role.DOCUMENT,
        instruction=instruction,
    )
    spec = wanted.spec()
    value = section(body, "input").get("contents")
    contents = contents_of(value, spec, fuse=flag(parameters, "enable_fusion"))
    sources = [content.source for content in contents]
    made = embed(caller.catalog, wanted, spec, sources)
    vectors = [np.ascontiguousarray(row.vector) for row in made if row.vector is not None]
    return {
        "output": {
            "embeddings": [
                {"index": index, "embedding": vector, "type": content.kind}
                for index, (content, vector) in enumerate(zip(contents, vectors, strict=True))
            ]
        },
        "usage": {
            "input_tokens": sum(row.tokens for row in made),
            "image_count": sum(len(source.images) for source in sources),
            "duration": 0,
        },
        "request_id": request_id,
    }
