import pytest

from embeddings.errors import BudgetSpent, Misconfigured, Rejected, TooLong, Unavailable
from recommender.api.embeddings.protocols import COMPATIBLE, NATIVE, fail, of_embedding_error
from recommender.providers import models
from tests.recommender.api.embeddings.client import error

SECRET = "https://upstream.example/v1 sk-very-secret"


@pytest.mark.parametrize(
    ("raised", "status", "native", "compatible"),
    [
        (Rejected("No."), 400, "InvalidParameter", "InvalidParameter"),
        (Rejected("No.", code="DataInspectionFailed"), 400, *["DataInspectionFailed"] * 2),
        (TooLong("No.", code="context_length"), 400, "InvalidParameter", "InvalidParameter"),
        (
            Unavailable("No.", is_throttling=True),
            *(429, "Throttling.RateQuota", "limit_requests"),
        ),
        (BudgetSpent("No."), 429, "Throttling.AllocationQuota", "insufficient_quota"),
        (Unavailable("No."), 503, "ServiceUnavailable", "service_unavailable"),
        (Misconfigured("No.", code="InvalidApiKey"), 500, "InternalError", "internal_error"),
    ],
)
def test_an_error_of_a_model_has_its_documented_status_and_code(raised, status, native, compatible):
    failure = of_embedding_error(raised, models.spec("fake"))
    assert error(fail(NATIVE, failure, "1"), status)[0] == native
    assert error(fail(COMPATIBLE, failure, "1"), status)[0] == compatible


@pytest.mark.parametrize(
    ("raised", "seconds"),
    [
        (Unavailable("No.", retry_after=0.2, is_throttling=True), "1"),
        (Unavailable("No.", retry_after=30.4, is_throttling=True), "31"),
        (Unavailable("No.", retry_after=12), "12"),
        (Unavailable("No."), "5"),
    ],
)
def test_what_may_work_later_says_when(raised, seconds):
    response = fail(NATIVE, of_embedding_error(raised, models.spec("fake")), "1")
    assert response["Retry-After"] == seconds
    assert "x-should-retry" not in response


@pytest.mark.parametrize("raised", [BudgetSpent("No."), Misconfigured("No.")])
def test_what_will_not_work_soon_tells_the_sdks_not_to_try_again(raised):
    response = fail(NATIVE, of_embedding_error(raised, models.spec("fake")), "1")
    assert response["x-should-retry"] == "false"
    assert "Retry-After" not in response


@pytest.mark.parametrize("code", ["", "InvalidApiKey"])
def test_what_the_operator_must_mend_is_not_told_to_the_caller(code):
    failure = of_embedding_error(Misconfigured(SECRET, code=code), models.spec("fake"))
    message = error(fail(NATIVE, failure, "1"), 500)[1]
    assert code in message
    assert "fake cannot be used on this server" in message
    assert "secret" not in message
    assert "upstream" not in message


def test_a_text_too_long_for_a_hosted_model_is_told_as_the_vendor_tells_it():
    failure = of_embedding_error(TooLong("No."), models.spec("fake"))
    assert failure.message == "Range of input length should be [1, 1024]"
