from django.urls import resolve
from prometheus_client import REGISTRY

from recommender.monitoring import requests


def test_a_route_has_its_parameters_by_place():
    assert requests.route_of(resolve("/v1/products/a-1/similar")) == "/v1/products/{id}/similar"
    assert requests.route_of(resolve("/v1/popular")) == "/v1/popular"
    assert requests.route_of(resolve("/healthz")) == "/healthz"


def test_a_list_has_the_same_route_by_the_short_way():
    long_way = requests.route_of(resolve("/v1/users/u1/recommendations"))
    assert requests.of_list("users", "recommendations") == long_way
    assert requests.of_list("search", None) == requests.route_of(resolve("/v1/search"))


def test_all_pages_of_the_admin_are_one_route():
    assert requests.route_of(resolve("/admin/recommender/product/")) == "/admin/"


def test_the_embedding_endpoints_have_a_plain_name():
    assert requests.route_of(resolve("/compatible-mode/v1/embeddings")) == (
        "/compatible-mode/v1/embeddings"
    )


def test_what_has_no_address_has_no_route():
    assert requests.route_of(None) == requests.NO_ROUTE


def test_methods_that_are_none_are_counted_together():
    labels = {"method": "other", "route": "/of-test", "status": "405"}
    for method in ("BREW", "WHEN"):
        requests.count(method, "/of-test", 405, 0.001)
    assert REGISTRY.get_sample_value("kinship_requests_total", labels) == 2
