from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from recommender.insight.comparison import compare, verdict
from recommender.models import EmbeddingSpend, QuarantinedProduct
from recommender.spaces import lifecycle, partitions
from recommender.spaces.lifecycle import create_space
from recommender.spaces.partitions import SpaceError
from tests.recommender import goods
from tests.recommender.insight.shopping import LATER, shop_by_colour
from tests.recommender.spaces.training import train
from tests.shop import DAY, Shop


def test_both_sides_say_what_they_are_and_how_well_they_do(stocked: Shop) -> None:
    second = goods.by_colour(stocked)
    second.refresh_from_db()
    shop_by_colour(stocked, 24)

    comparison = compare(stocked.space, second)

    assert (comparison.first.space, comparison.second.space) == ("text@1", "text@2")
    assert (comparison.first.status, comparison.second.status) == ("active", "building")
    assert (comparison.first.dimension, comparison.second.dimension) == (64, 256)
    assert (comparison.second.coverage.fresh, comparison.second.coverage.products) == (24, 24)
    assert comparison.second.storage == partitions.size(second.pk)
    assert comparison.first.recall == 1.0
    assert comparison.overlap is not None
    assert comparison.users == 24
    assert comparison.difference is not None
    assert comparison.first.quality is not None
    assert comparison.second.quality is not None
    assert comparison.difference.ndcg.mean == pytest.approx(
        comparison.second.quality.ndcg.mean - comparison.first.quality.ndcg.mean
    )
    assert comparison.difference.ndcg.low > 0
    figures = sorted(side.quality.ndcg.mean for side in (comparison.first, comparison.second))
    assert verdict(comparison).startswith("text@2 recommends better than text@1 by ")
    assert f"NDCG@20 {figures[1]:.4f} against {figures[0]:.4f}, over 24 users" in verdict(
        comparison
    )
    assert verdict(compare(second, stocked.space)) == verdict(comparison)
    alike = replace(comparison.difference.ndcg, low=-0.1)
    doubtful = replace(comparison, difference=replace(comparison.difference, ndcg=alike))
    assert verdict(doubtful).startswith("No difference between text@1 and text@2 can be told")


def test_a_trained_space_costs_nothing_and_compares_like_any(stocked: Shop) -> None:
    space = train(stocked)

    comparison = compare(stocked.space, space)

    side = comparison.second
    assert (side.space, side.kind, side.model) == ("als@1", "behaviour", "implicit-als")
    assert (side.cost.spent, side.cost.per_million_tokens) == (0, 0)
    assert side.coverage.share == 1.0
    assert comparison.overlap is not None


def test_a_space_that_has_seen_the_end_of_the_story_is_compared_but_not_judged(
    stocked: Shop,
) -> None:
    shop_by_colour(stocked, 24)

    comparison = compare(stocked.space, train(stocked, trained_until=LATER + DAY))

    assert comparison.overlap is not None
    assert (comparison.first.quality, comparison.second.quality, comparison.difference) == (
        None,
        None,
        None,
    )
    assert comparison.shortage is not None
    assert "is in the training that made it" in comparison.shortage


def test_a_shop_without_history_has_all_but_the_replay(stocked: Shop) -> None:
    comparison = compare(stocked.space, goods.by_colour(stocked))

    assert comparison.overlap is not None
    assert (comparison.first.quality, comparison.second.quality, comparison.difference) == (
        None,
        None,
        None,
    )
    assert comparison.shortage is not None
    assert comparison.shortage.startswith("Too little history: 0 users")


def test_coverage_counts_what_is_lacking_and_what_is_quarantined(stocked: Shop) -> None:
    second = goods.by_colour(stocked)
    stocked.stock(late="Desk lamp")
    mug = stocked.product("mug-red")
    QuarantinedProduct.objects.create(
        space=second, product=mug, content_hash=mug.content_hash, reason="no", at=timezone.now()
    )

    covered = compare(stocked.space, second).second.coverage

    assert (covered.products, covered.fresh, covered.missing) == (25, 24, 1)
    assert covered.quarantined == 1
    assert covered.share == pytest.approx(24 / 25)


def test_the_cost_is_the_ledgers(stocked: Shop) -> None:
    second = goods.by_colour(stocked)
    EmbeddingSpend.objects.all().delete()
    for day, cost in ((1, "0.25"), (2, "0.50")):
        EmbeddingSpend.objects.create(
            catalog=stocked.catalog,
            space=second,
            model="fake",
            day=f"2025-06-0{day}",
            rows=100,
            cached_rows=50,
            tokens=2000,
            cost=Decimal(cost),
        )

    comparison = compare(stocked.space, second)

    assert (comparison.second.cost.spent, comparison.second.cost.tokens) == (0.75, 4000)
    assert comparison.second.cost.rows == 200
    assert comparison.second.cost.per_million_products == 0.0, "the fake model is free"
    assert comparison.first.cost.per_million_products is None


def test_what_cannot_be_compared_is_refused(stocked: Shop) -> None:
    retired = create_space(stocked.catalog, model="fake")
    lifecycle.retire(retired)

    with pytest.raises(SpaceError, match="text@2 is retired"):
        compare(stocked.space, retired)
    with pytest.raises(SpaceError, match="Both are text@1"):
        compare(stocked.space, stocked.space)
    with pytest.raises(SpaceError, match="two catalogs"):
        compare(stocked.space, Shop.open("other").space)
