"""The short way past Django and django-ninja answers as the long one does."""

import pytest
from django.test import Client

from recommender.retrieval import vocabulary


@pytest.fixture
def counted(stocked):
    vocabulary.count(stocked.catalog)
    stocked.visit("u1", "mug-red", "mug-green")
    return stocked


@pytest.mark.parametrize(
    "address",
    [
        "/v1/search?q=red+puzzle&count=4",
        "/v1/search?q=lmap&user=u1&personal=1&facets=brand,price&highlight=true&fields=title",
        "/v1/search?q=red&sort=-price,title&filter=%7B%22price%22%3A%7B%22lte%22%3A15%7D%7D",
        "/v1/search?q=caf%C3%A9&trace=false",
        "/v1/search?q=",
        "/v1/search",
        "/v1/search?q=red&colour=blue",
        "/v1/search?q=red&q=blue",
        "/v1/search?q=red&count=many",
        "/v1/search?q=red&filter=%7B%22colr%22%3A1%7D",
        "/v1/search?q=%ff",
        "/v1/suggest?q=pu",
        "/v1/suggest?q=pu&count=3&user=u1&personal=0.9",
        "/v1/suggest?q=pu&user=nobody",
        "/v1/suggest?q=pu&user=",
        "/v1/suggest?q=pu&count=99",
        "/v1/suggest?q=pu&sort=price",
        "/v1/suggest",
        "/v1/users/u1/recommendations?count=3&explain=true",
        "/v1/products/mug-red/similar?count=3",
        "/v1/products/none/similar",
    ],
)
def test_both_ways_answer_the_same(counted, api, address):
    answers = []
    # A scheme in lower case is right, and read by django-ninja alone.
    for scheme in ("Bearer", "bearer"):
        response = Client(headers={"Authorization": f"{scheme} {api.key}"}).get(address)
        told = {name: value for name, value in response.json().items() if name != "rec_id"}
        answers.append((response.status_code, response["Content-Type"], told))
    assert answers[0] == answers[1]
