"""Search by sparse vectors, of a model of this machine and of a provider's."""

import pytest

from recommender.engine.answer import Query
from recommender.engine.recommend import recommend
from recommender.engine.search import SearchAnswer, SearchQuery, search
from recommender.models import EmbeddingSpend, Product
from recommender.providers.config import ModelsConfig
from recommender.retrieval import filters
from recommender.spaces import lifecycle, switching
from tests.shop import Shop
from tests.stub import Behaviour, Reply, Stub

KEY = "the-key"
TITLES = {
    "mug": "Enamel mug for the campfire",
    "cup": "Porcelain cup",
    "lamp": "Reading lamp",
    "tent": "Tent for two, with a campfire place",
}


@pytest.fixture
def provider(settings):
    with Stub(Behaviour(api_key=KEY)) as stub:
        settings.MODELS = ModelsConfig(
            {}, {"DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": stub.native_url}
        )
        yield stub


def spaced(shop: Shop, **given: object) -> Shop:
    """A shop with one more space, which serves."""
    shop.stock(**TITLES)
    space = lifecycle.create_space(shop.catalog, name="tokens", dimension=64, **given)  # type: ignore[arg-type]
    shop.embed(space)
    assert lifecycle.finish(space.pk)
    space.refresh_from_db()
    if space.status != space.Status.ACTIVE:
        switching.activate(space, force=True)
    return shop


def look(shop: Shop, text: str, **given: object) -> SearchAnswer:
    query = Query(count=4, exclude=frozenset(), **given)  # type: ignore[arg-type]
    return search(shop.catalog, SearchQuery(text=text, query=query))


def by_list(found: SearchAnswer, name: str) -> dict[str, float]:
    """What a list gives to each product that is in it, the best first."""
    items = [item for item in found.answer.items if name in item.contributions]
    return {item.id: item.contributions[name] for item in items}


def test_sparse_vectors_are_a_list_of_their_own(shop):
    spaced(shop, model="fake", output="dense&sparse")
    found = look(shop, "campfire mug")
    assert set(by_list(found, "sparse:tokens")) == {"mug", "tent"}, "what shares a token"
    assert by_list(found, "sparse:tokens")["mug"] == pytest.approx(0.3)
    assert "tokens@1" in found.answer.spaces
    assert by_list(found, "tokens"), "and the dense ones another"
    assert found.answer.degraded == {}
    for item in found.answer.items:
        assert item.score == pytest.approx(sum(item.contributions.values()))


def test_a_space_of_sparse_vectors_alone_searches_and_recommends_nothing(shop):
    spaced(shop, model="fake", output="sparse")
    found = look(shop, "campfire mug")
    assert set(by_list(found, "sparse:tokens")) == {"mug", "tent"}
    assert not by_list(found, "tokens")
    shop.visit("ann", "mug")
    listed = recommend(shop.catalog, "ann", Query(count=4))
    assert "tokens@1" not in listed.spaces


def test_what_is_sold_out_or_does_not_pass_is_not_found_sparsely(shop):
    spaced(shop, model="fake", output="sparse")
    Product.objects.filter(external_id="mug").update(in_stock=False)
    assert set(by_list(look(shop, "campfire"), "sparse:tokens")) == {"tent"}
    passing = filters.parse({"id": ["cup", "lamp"]}, {})
    assert not by_list(look(shop, "campfire", filter=passing), "sparse:tokens")


def test_a_providers_sparse_vectors_are_asked_for_once_and_booked(committed_shop, provider):
    spaced(committed_shop, model="text-embedding-v4", output="dense&sparse")
    for _ in range(2):
        found = look(committed_shop, "campfire mug")
        assert next(iter(by_list(found, "sparse:tokens"))) == "mug"
    assert provider.record.paid["campfire mug"] == 1
    assert EmbeddingSpend.objects.filter(catalog=committed_shop.catalog).count() == 2, (
        "a search has no space"
    )


def test_a_provider_that_does_not_answer_costs_its_lists_alone(committed_shop, provider):
    spaced(committed_shop, model="text-embedding-v4", output="dense&sparse")
    provider.script(Reply(status=503), Reply(status=503), Reply(status=503))
    found = look(committed_shop, "campfire lamp")
    assert found.answer.degraded == {"tokens": "unavailable"}
    assert {item.id for item in found.answer.items} >= {"lamp", "mug", "tent"}
