"""Models of a provider, behind the endpoints: a double of it stands for the vendor's."""

import pytest

from recommender.models import EmbeddingSpend
from recommender.providers.config import ModelsConfig
from tests.recommender.api.embeddings.client import answer, error, rows
from tests.stub import Behaviour, Reply, Stub

KEY = "the-service's-own-key"


@pytest.fixture
def upstream(settings):
    with Stub(Behaviour(api_key=KEY, poison={"POISON": "DataInspectionFailed"})) as stub:
        settings.MODELS = ModelsConfig(
            {
                "text-embedding-v3@compatible": {"base_url": stub.compatible_url},
                # Without a limit a minute: its refusals slow down no other test.
                "of-ours": {
                    "provider": "dashscope",
                    "base_url": stub.native_url,
                    "dimension": 64,
                    "max_tokens": 100,
                },
            },
            {"DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": stub.native_url},
        )
        yield stub


@pytest.mark.parametrize("model", ["text-embedding-v3", "text-embedding-v3@compatible"])
def test_a_hosted_model_is_asked_in_its_protocol_whatever_the_callers_is(embed, upstream, model):
    native = rows(embed.text(["a red mug", "a lamp"], model=model, dimension=64))
    again = answer(embed.compatible(input=["a red mug", "a lamp"], model=model, dimensions=64))
    assert [row["embedding"] for row in native] == [row["embedding"] for row in again["data"]]
    assert again["usage"]["total_tokens"] > 0
    assert upstream.record.paid["a red mug"] == 1


def test_what_callers_consume_is_booked_to_their_catalog(embed, upstream, shop):
    answer(embed.text(["a red mug", "a lamp"], model="text-embedding-v3"))
    spend = EmbeddingSpend.objects.get(catalog=shop.catalog, model="text-embedding-v3")
    assert (spend.space_id, spend.requests, spend.rows) == (None, 1, 2)
    assert spend.cost > 0


def test_sparse_vectors_and_instructions_reach_the_provider(embed, upstream):
    asked = {"model": "text-embedding-v4", "output_type": "dense&sparse"}
    (plain,) = rows(embed.text("a red mug", text_type="query", **asked))
    (told,) = rows(embed.text("a red mug", text_type="query", instruct="Find mugs", **asked))
    assert {weight["token"] for weight in plain["sparse_embedding"]} == {"a", "red", "mug"}
    assert told["embedding"] != plain["embedding"]


def test_a_row_that_the_provider_refuses_is_refused_with_its_code(embed, upstream):
    response = embed.text(["a red mug", "POISON"], model="text-embedding-v3")
    code, message = error(response, 400)
    assert code == "DataInspectionFailed"
    assert "inappropriate content" in message


def test_a_throttled_provider_is_told_with_when_to_come_back(embed, upstream):
    reply = Reply(
        status=429,
        headers={"Retry-After": "70"},
        body={"code": "Throttling.RateQuota", "message": "Too often.", "request_id": "1"},
    )
    upstream.script(reply)
    response = embed.compatible(input="a red mug", model="of-ours")
    assert error(response, 429)[0] == "limit_requests"
    assert response["Retry-After"] == "70"


def test_a_key_that_the_provider_refuses_is_the_operators_to_mend(embed, upstream):
    upstream.behave(Behaviour(api_key="another"))
    response = embed.text("a red mug", model="text-embedding-v3")
    code, message = error(response, 500)
    assert code == "InternalError"
    assert "its provider answers InvalidApiKey" in message
    assert KEY not in message


def test_a_model_whose_key_is_not_set_is_the_operators_to_mend(embed, settings):
    settings.MODELS = ModelsConfig({}, {})
    code, message = error(embed.text("a red mug", model="text-embedding-v3"), 500)
    assert code == "InternalError"
    assert "DASHSCOPE_API_KEY" not in message


def test_a_spent_budget_is_told_and_nothing_is_sent(embed, upstream, shop):
    shop.catalog.monthly_budget = 0
    shop.catalog.save()
    response = embed.text("a red mug", model="text-embedding-v3")
    code, message = error(response, 429)
    assert code == "Throttling.AllocationQuota"
    assert "monthly budget" in message
    assert response["x-should-retry"] == "false"
    assert list(upstream.record.calls) == []
