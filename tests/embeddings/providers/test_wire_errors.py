from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import EmbeddingError, Misconfigured, Rejected, TooLong, Unavailable
from embeddings.providers.wire_errors import error_of, retry_after
from tests.stub import PROBLEMS, Problem

Kind = type[EmbeddingError]

# What each documented code means to us; InvalidParameter by its words.
KINDS: dict[str, Kind] = {
    "InvalidParameter": Rejected,
    "BadRequest.EmptyInput": Rejected,
    "BadRequest.EmptyModel": Misconfigured,
    "BadRequest.EmptyParameters": Misconfigured,
    "BadRequest.IllegalInput": Rejected,
    "DataInspectionFailed": Rejected,
    "Arrearage": Misconfigured,
    "InvalidURL": Rejected,
    "InvalidURL.Timeout": Rejected,
    "InvalidURL.ConnectionRefused": Rejected,
    "BadRequest.InputDownloadFailed": Rejected,
    "InvalidApiKey": Misconfigured,
    "AccessDenied": Misconfigured,
    "AccessDenied.Unpurchased": Misconfigured,
    "Model.AccessDenied": Misconfigured,
    "Workspace.AccessDenied": Misconfigured,
    "AllocationQuota.FreeTierOnly": Misconfigured,
    "ModelNotFound": Misconfigured,
    "WorkSpaceNotFound": Misconfigured,
    "Throttling": Unavailable,
    "Throttling.RateQuota": Unavailable,
    "Throttling.BurstRate": Unavailable,
    "Throttling.AllocationQuota": Unavailable,
    "InternalError": Unavailable,
}
BY_WORDS: dict[str, Kind] = {"input length": TooLong, "dimension for embedding": Misconfigured}


def kind_of(problem: Problem) -> Kind:
    for words, kind in BY_WORDS.items():
        if words in problem.message:
            return kind
    return KINDS[problem.code]


every_problem = pytest.mark.parametrize(
    "problem", PROBLEMS, ids=lambda problem: problem.compatible_code or problem.code
)


@every_problem
@pytest.mark.parametrize("wire", ["native", "compatible"])
def test_every_documented_error_is_ruled_on_in_both_protocols(problem: Problem, wire: str) -> None:
    body = getattr(problem, wire)("the-request")
    error = error_of(problem.status, body, {})

    assert type(error) is kind_of(problem)
    assert error.code == ((wire == "compatible" and problem.compatible_code) or problem.code)
    assert problem.message.rstrip(".") in str(error)
    if isinstance(error, Unavailable):
        assert error.is_throttling == (problem.status == 429)


@every_problem
def test_a_refusal_inside_a_200_means_the_same(problem: Problem) -> None:
    assert type(error_of(200, problem.native("the-request"), {})) is kind_of(problem)


TOO_LONG = "This model's maximum context length is 512 tokens. However, you requested 600 tokens"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # OpenAI
        (400, {"error": {"message": TOO_LONG, "code": "context_length_exceeded"}}, TooLong),
        (
            400,
            {"error": {"message": "Invalid 'input[0]': maximum input length is 8192 tokens."}},
            TooLong,
        ),
        (400, {"error": {"message": "'$.input' is invalid.", "code": None}}, Rejected),
        (
            400,
            {"error": {"message": "This model does not support specifying dimensions."}},
            Misconfigured,
        ),
        (
            401,
            {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}},
            Misconfigured,
        ),
        (429, {"error": {"message": "You exceeded it", "code": "insufficient_quota"}}, Unavailable),
        # TEI
        (
            413,
            {
                "message": "Input validation error: `inputs` must have less than 512 tokens.",
                "code": 413,
                "type": "Validation",
            },
            TooLong,
        ),
        (
            422,
            {"message": "batch size 33 > maximum allowed batch size 32", "type": "Validation"},
            Rejected,
        ),
        (424, {"error": "backend error", "error_type": "Backend"}, Unavailable),
        (429, {"error": "Model is overloaded", "error_type": "Overloaded"}, Unavailable),
        # vLLM, whose errors are at the top or nested by version
        (400, {"object": "error", "message": TOO_LONG, "code": 400}, TooLong),
        (400, {"error": {"message": TOO_LONG, "type": "BadRequestError", "code": 400}}, TooLong),
        (
            400,
            {"error": {"message": "Model does not support matryoshka representation", "code": 400}},
            Misconfigured,
        ),
        (
            404,
            {"message": "The model `m` does not exist.", "type": "NotFoundError"},
            Misconfigured,
        ),
        # infinity and other FastAPI servers
        (422, {"error": {"message": "input is empty", "code": 422}}, Rejected),
        (422, {"detail": [{"loc": ["body", "input"], "msg": "Field required"}]}, Rejected),
        # Ollama
        (400, {"error": "the input length exceeds the context length"}, TooLong),
        (500, {"error": "the input length exceeds the context length"}, TooLong),
        (404, {"error": 'model "m" not found, try pulling it first'}, Misconfigured),
        # Cohere, Jina, Voyage
        (400, {"message": "invalid request: total number of texts must be at most 96"}, Rejected),
        (402, {"detail": "Insufficient balance"}, Misconfigured),
        # DashScope, as seen in the field
        (400, {"code": "InternalError.Algo.InvalidParameter", "message": "bad"}, Rejected),
        (400, {"code": "InvalidParameter", "message": "Model not exist."}, Misconfigured),
        (413, {"message": "Payload too large"}, Rejected),
        (418, {"message": "I'm a teapot"}, Rejected),
        (408, {"message": "Request timed out"}, Unavailable),
        (503, {"code": "ModelUnavailable", "message": "Model is unavailable"}, Unavailable),
        (529, {}, Unavailable),
        # not the provider
        (400, "<html>Bad Request</html>", Unavailable),
        (502, "<html>Bad Gateway</html>", Unavailable),
        (404, "<html>Not Found</html>", Misconfigured),
        (413, "<html>Request Entity Too Large</html>", Rejected),
        (301, "", Misconfigured),
        (200, {"code": "Strange", "message": "?"}, Unavailable),
    ],
)
def test_what_other_providers_and_proxies_say_is_understood(
    status: int, body: Any, kind: Kind
) -> None:
    assert type(error_of(status, body, {})) is kind


@every_problem
def test_an_error_says_what_to_do(problem: Problem) -> None:
    *_, advice = str(error_of(problem.status, problem.native("the-request"), {})).split(". ")

    assert advice.endswith(".")
    assert len(advice.split()) >= 5


def test_a_code_is_text_and_stands_once_beside_the_status() -> None:
    error = error_of(413, {"message": "too large", "code": 413}, {})

    assert error.code == "413"
    assert "answered 413: too large." in str(error)


def test_a_long_page_is_cut_and_put_on_one_line() -> None:
    said = str(error_of(502, "<html>\n\n" + "x" * 100_000, {}))

    assert "\n" not in said
    assert len(said) < 1000


@given(
    status=st.integers(200, 599),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "detail", "type"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ),
)
def test_any_body_of_any_status_is_ruled_on(status: int, body: Any) -> None:
    error = error_of(status, body, {"Retry-After": "1"})

    assert isinstance(error, Unavailable | Rejected | Misconfigured)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After-Ms": "1500", "Retry-After": "9"}, 1.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
        ({"Retry-After": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
    ],
)
def test_the_pause_that_is_asked_for_is_read(
    headers: dict[str, str], seconds: float | None
) -> None:
    error = error_of(429, {}, headers)

    assert retry_after(headers) == seconds
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds


def test_a_pause_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = retry_after({"Retry-After": date})

    assert seconds is not None
    assert 50 < seconds <= 60
