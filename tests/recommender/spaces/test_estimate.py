import pytest

from embeddings.calls.outcome import EmbeddedRow
from embeddings.calls.tokens import estimate as tokens_of
from embeddings.types import Input, Output, Role
from recommender.models import Space
from recommender.providers import cache, models
from recommender.providers.cache import CacheKey
from recommender.spaces import estimate as estimate_module
from recommender.spaces.estimate import duration, estimate
from recommender.spaces.lifecycle import create_space, undone
from tests.recommender.spaces.training import train
from tests.shop import Shop, numbered

HOSTED = "text-embedding-v4"


def hosted_space(shop: Shop, **how: object) -> Space:
    return create_space(shop.catalog, model=HOSTED, dimension=64, **how)


def test_what_is_predicted_takes_no_model_and_costs_nothing(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    space = train(shop)
    shop.stock(new="Red mug")

    total = estimate(space)

    assert (total.products, total.rows, total.tokens, total.cost) == (1, 0, 0, 0)


def test_what_is_stale_is_counted_and_priced(shop: Shop) -> None:
    shop.stock(**numbered(25))
    space = hosted_space(shop)

    total = estimate(space)

    tokens = sum(map(tokens_of, numbered(25).values()))
    assert (total.products, total.rows, total.cached, total.sampled) == (25, 25, 0, 0)
    assert total.tokens == tokens
    assert total.cost == models.spec(HOSTED).cost(tokens) > 0
    assert total.seconds > 0


def test_what_is_fresh_costs_nothing(shop: Shop) -> None:
    shop.stock(**numbered(5))
    assert estimate(shop.space).products == 5
    shop.embed()
    total = estimate(shop.space)
    assert (total.products, total.rows, total.tokens, total.cost) == (0, 0, 0, 0)


def test_a_deleted_product_is_not_embedded(shop: Shop) -> None:
    shop.stock(**numbered(3))
    shop.catalog.products.filter(external_id="p0").update(deleted_at="2026-01-01T00:00Z")
    total = estimate(hosted_space(shop))
    assert (total.products, total.rows) == (2, 2)


def test_what_is_in_the_cache_is_not_paid_for(shop: Shop) -> None:
    shop.stock(a="Blue mug", b="Desk lamp")
    space = hosted_space(shop)
    cache_key = CacheKey(models.spec(HOSTED).at(64), Output.DENSE, "", Role.DOCUMENT)
    cache.store(HOSTED, {cache_key.digest(Input(text="Blue mug")): EmbeddedRow(None, None, 2)})

    total = estimate(space)

    assert (total.products, total.cached, total.rows) == (2, 1, 1)
    assert total.tokens == tokens_of("Desk lamp")


def test_identical_texts_are_paid_for_once(shop: Shop) -> None:
    shop.stock(a="Blue mug", b="Blue mug", c="Blue mug")
    total = estimate(hosted_space(shop))
    assert (total.products, total.rows, total.tokens) == (3, 1, tokens_of("Blue mug"))


def test_a_product_without_text_or_with_a_text_that_is_rejected_costs_nothing(shop: Shop) -> None:
    shop.stock(blank="", long="word " * 20_000)
    total = estimate(hosted_space(shop, long_text=Space.LongText.REJECT))
    assert (total.products, total.bare, total.rows, total.tokens) == (1, 1, 0, 0)


def test_products_without_pictures_are_no_work_for_a_space_of_pictures(shop: Shop) -> None:
    shop.stock(a="Blue mug", b="Desk lamp", c="Red mug")
    shop.catalog.products.filter(external_id="b").update(image_urls=["https://e.example/b.jpg"])
    space = create_space(
        shop.catalog, model="efficientnet-lite0", name="picture", kind=Space.Kind.IMAGE
    )

    total = estimate(space)

    assert (total.products, total.bare, total.rows) == (1, 2, 1)
    assert str(total).startswith("1 products to embed, 2 with nothing for it to read left out, ")


def test_many_products_are_estimated_by_some(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate_module, "SAMPLE", 100)
    monkeypatch.setattr(estimate_module, "_CHUNK", 30)
    shop.stock(**numbered(400))
    space = hosted_space(shop)

    total = estimate(space)

    exact = sum(map(tokens_of, numbered(400).values()))
    assert (total.products, total.rows, total.sampled) == (400, 400, 100)
    assert total.tokens == pytest.approx(exact, rel=0.1)
    assert str(total).endswith("by a sample of 100")


def test_a_space_can_be_estimated_that_is_not_kept(shop: Shop) -> None:
    shop.stock(a="Blue mug")
    with undone():
        total = estimate(hosted_space(shop, template="{title}. {title}"))
    assert total.tokens == tokens_of("Blue mug. Blue mug")
    assert Space.objects.count() == 1


def test_the_limit_that_binds_is_the_time(shop: Shop) -> None:
    shop.stock(**numbered(100))
    total = estimate(hosted_space(shop))
    spec = models.spec(HOSTED)
    assert spec.requests_per_minute is not None
    assert total.seconds == pytest.approx(60 * 10 / spec.requests_per_minute)


def test_an_estimate_reads_as_a_sentence(shop: Shop) -> None:
    shop.stock(a="Blue mug")
    assert str(estimate(shop.space)) == "1 products to embed, about 2 tokens, $0.0000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59.9, "1 min 0 s"), (61, "1 min 1 s"), (7322, "2 h 2 min")],
)
def test_a_time_is_told_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
