"""The official SDKs against the running service: inputs, encodings, errors."""

import base64

import numpy as np
import pytest

from tests.e2e import sdk, upstreams
from tests.e2e.sdk import POEM, Ran, Sdk
from tests.e2e.service import Service

pytestmark = pytest.mark.slow

CHECKS = sorted((sdk.SCRIPTS / "checks").glob("*.py"))


@pytest.fixture(scope="module", params=sdk.VERSIONS)
def ran(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ran]:
    """The scripts of tests/sdk/checks, asking `fake`."""
    version: str = request.param
    sdk.need(version)
    catalog = f"sdk-{version.replace('.', '-')}"
    service.manage("create_catalog", catalog)
    service.manage("create_catalog", f"{catalog}-poor", "--monthly-budget", "0")
    variables = {
        "MODEL": "fake",
        "POISON": upstreams.POISON,
        "BROWSER_KEY": key(service, catalog, "browser"),
        "POOR_KEY": key(service, f"{catalog}-poor", "embed"),
    }
    # The client is the newer SDK's only.
    checks = [path for path in CHECKS if path.stem != "dashscope_client" or version != "1.x"]
    asking = Sdk(version, service, key(service, catalog, "embed"))
    return asking.run(checks, tmp_path_factory.mktemp("checks"), **variables)


def key(service: Service, catalog: str, scope: str) -> str:
    return service.manage("create_api_key", catalog, "--scope", scope).strip()


def test_numbers_and_base64_are_the_same_vectors(ran):
    results = ran["openai_encodings"].json()
    numbers = np.array(results["float"], np.float32)
    letters = [np.frombuffer(base64.b64decode(row), "<f4") for row in results["base64"]]
    assert numbers.shape == (2, 64)
    np.testing.assert_array_equal(np.array(results["default"], np.float32), numbers)
    np.testing.assert_array_equal(np.stack(letters), numbers)


def test_a_file_is_its_lines_and_its_bytes_are_refused(ran):
    results = ran["openai_inputs"].json()
    assert results["lines"] == len(POEM)
    assert "contents is neither str nor list of str" in results["bytes"]


def test_the_async_client_and_the_id_of_a_request_work(ran):
    results = ran["openai_inputs"].json()
    assert results["async"] == [64] * 8
    assert results["request_id"]


OPENAI_ERRORS = {
    "unknown key": ("AuthenticationError", 401, "invalid_api_key"),
    "browser key": ("PermissionDeniedError", 403, "access_denied"),
    "unknown model": ("NotFoundError", 404, "model_not_found"),
    "tokens": ("BadRequestError", 400, "InvalidParameter"),
    "blank": ("BadRequestError", 400, "InvalidParameter"),
    "dimension": ("BadRequestError", 400, "InvalidParameter"),
    "throttled": ("RateLimitError", 429, "limit_requests"),
    "broken": ("InternalServerError", 503, "service_unavailable"),
    "locked": ("InternalServerError", 500, "internal_error"),
    "poison": ("BadRequestError", 400, "DataInspectionFailed"),
    "budget": ("RateLimitError", 429, "insufficient_quota"),
}


@pytest.mark.parametrize("case", OPENAI_ERRORS)
def test_an_error_is_the_openai_sdks_exception(ran, case):
    error = ran["openai_errors"].json()[case]
    assert (error["type"], error["status"], error["code"]) == OPENAI_ERRORS[case]
    assert error["has_id"]
    # To wait for a provider is the caller's choice: the service has other callers.
    assert error["seconds"] < 10
    assert upstreams.KEY not in error["message"]


DASHSCOPE_ERRORS = {
    "unknown key": (401, "InvalidApiKey", "unknown, revoked or expired"),
    "browser key": (403, "AccessDenied", "yours is of scope browser"),
    "unknown model": (404, "ModelNotFound", "does not exist"),
    "no rows": (400, "BadRequest.EmptyInput", "missing from request"),
    "blank": (400, "InvalidParameter", "Range of input length should be [1, 1024]"),
    "numbers": (400, "InvalidParameter", "contents is neither str nor list of str"),
    "rows": (400, "InvalidParameter", "it should not be larger than 512"),
    "dimension": (400, "InvalidParameter", "dimension for embedding fake is invalid"),
    "throttled": (429, "Throttling.RateQuota", ""),
    "broken": (503, "ServiceUnavailable", ""),
    "locked": (500, "InternalError", "the operator must look at it"),
    "poison": (400, "DataInspectionFailed", "inappropriate content"),
    "budget": (429, "Throttling.AllocationQuota", "monthly budget"),
}


@pytest.mark.parametrize("case", DASHSCOPE_ERRORS)
def test_an_error_is_the_dashscope_sdks_code_and_message(ran, case):
    error = ran["dashscope_errors"].json()[case]
    status, code, words = DASHSCOPE_ERRORS[case]
    assert (error["status"], error["code"]) == (status, code)
    assert words in error["message"]
    assert error["has_id"]
    assert upstreams.KEY not in error["message"]


def test_the_dashscope_sdks_options_do_what_they_say(ran):
    results = ran["dashscope_options"].json()
    assert results["query"] != results["plain"]
    assert results["sparse"] == ["sparse_embedding", "text_index"]
    assert results["both"] == ["embedding", "sparse_embedding", "text_index"]
    assert results["dimension"] == 2048
    assert (results["image"], results["several"]) == (["image"], ["multi_images"])
    assert results["fused"] == ["fusion"]


def test_the_client_of_the_current_dashscope_sdk_works(ran):
    if "dashscope_client" not in ran:
        pytest.skip("this version has functions only")
    results = ran["dashscope_client"].json()
    assert results["indices"] == [0, 1]
    assert results["dimensions"] == [64, 64]
    assert results["tokens"] == 5
    assert results["types"] == ["fusion"]
    assert results["unknown model"] == ["NotFoundError", 404, "ModelNotFound", True]
    assert results["unknown key"] == ["AuthenticationError", 401, "InvalidApiKey", True]
