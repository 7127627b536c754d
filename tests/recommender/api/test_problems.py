import pytest

from recommender.api import problems
from tests.recommender.api.client import problem


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/v1", "/v1/", "/v1/products/", "/v1/users", "/v1/events/1", "/v2/products"],
)
def test_an_address_that_is_none_is_a_problem(api, path):
    assert path in problem(api.get(path), 404, "no-such-address")["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/products", "GET"),
        ("POST", "/v1/products/x", "DELETE, GET, PATCH, PUT"),
        ("BREW", "/v1/products/bulk", "DELETE, GET, PATCH, POST, PUT"),
        ("GET", "/v1/events", "POST"),
        ("PATCH", "/v1/users/u1", "DELETE, GET, PUT"),
        ("DELETE", "/v1/users/u1/recommendations", "GET, POST"),
        ("BREW", "/v1/products", "GET"),
    ],
)
def test_a_method_that_an_address_does_not_answer_is_a_problem(api, method, path, allowed):
    response = api.send(method, path, b"{}")
    assert method in problem(response, 405, "method-not-allowed")["detail"]
    assert ", ".join(sorted(response["Allow"].split(", "))) == allowed


def test_who_sends_an_id_with_a_bare_slash_is_told_how_to_write_it(api):
    for path in ("/v1/products/a/similar", "/v1/users/x/recommendations"):
        detail = problem(api.put(path, {}), 405, "method-not-allowed")["detail"]
        assert detail.endswith("In an id that ends so, write each slash as %2F.")
    assert "%2F" not in problem(api.post("/v1/products/x", {}), 405)["detail"]


def test_a_defect_is_a_problem_that_tells_nothing_of_itself(rf):
    response = problems.server_error(rf.get("/v1/products"))
    assert problem(response, 500, "internal")["detail"] == (
        "The error is logged. Please try again later."
    )
