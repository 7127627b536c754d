from datetime import timedelta

import pytest

from recommender.insight import replay
from recommender.models import Catalog, Product
from tests.recommender import goods
from tests.recommender.insight.shopping import LATER, shop_by_colour
from tests.recommender.spaces.training import train
from tests.shop import DAY, NOON, Shop, event


def test_what_users_came_to_after_the_cut_off_is_held_out(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)

    held = replay.hold_out(stocked.catalog)

    assert held.cut_off == LATER
    assert len(held.products) == 24
    assert held.products["u0"] == {"puzzle-red"}
    assert held.shortage is None


def test_what_was_had_before_or_cannot_be_recommended_is_not_wanted(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    at = LATER + DAY
    stocked.visit("u0", "mug-red", at=at)
    stocked.post(event("u0", "lamp-blue", type="dislike", at=at))
    stocked.post(event("u0", "lamp-black", type="impression", at=at))
    stocked.visit("u0", "spade-blue", "spade-black", at=at)
    Product.objects.filter(external_id="spade-blue").update(in_stock=False)
    Product.objects.filter(external_id="spade-black").update(deleted_at=NOON)

    assert replay.hold_out(stocked.catalog).products["u0"] == {"puzzle-red"}


def test_who_has_no_history_before_is_not_tested(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    stocked.visit("newcomer", "mug-red", at=LATER + timedelta(hours=1))
    stocked.post(event("browser", "mug-red", type="impression", at=NOON))
    stocked.visit("browser", "mug-blue", at=LATER + timedelta(hours=1))

    assert not {"newcomer", "browser"} & set(replay.hold_out(stocked.catalog).products)


def test_events_of_another_catalog_do_not_count(stocked: Shop) -> None:
    other = goods.shelve(Shop.open("other"))
    shop_by_colour(other, 24)

    held = replay.hold_out(stocked.catalog)

    assert (held.cut_off, held.products) == (None, {})
    assert held.shortage is not None


def test_too_little_history_is_said(stocked: Shop) -> None:
    shop_by_colour(stocked, 4)

    shortage = replay.hold_out(stocked.catalog).shortage

    assert shortage is not None
    assert "Too little history: 4 users have events before" in shortage
    assert "at least 20" in shortage


def test_a_space_that_sees_what_users_go_by_scores_higher(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    held = replay.hold_out(stocked.catalog)

    kinds = replay.replay(stocked.space, held)
    colours = replay.replay(goods.by_colour(stocked), held)

    difference = replay.difference(kinds, colours).ndcg
    assert 0 < difference.low <= difference.mean <= difference.high
    better = replay.quality(colours).ndcg
    assert better.mean - replay.quality(kinds).ndcg.mean == pytest.approx(difference.mean)


def test_a_replay_knows_nothing_of_what_came_after_the_cut_off(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    held = replay.hold_out(stocked.catalog)
    before = replay.replay(stocked.space, held)

    for number in range(24):
        stocked.visit(f"u{number}", "lamp-yellow", "mug-yellow", at=LATER + DAY)

    again = replay.replay(stocked.space, held)
    assert again.ndcg.tolist() == before.ndcg.tolist()


def test_a_catalog_of_the_past_is_replayed_too(db: None) -> None:
    past = goods.stock(Shop.open("past", clock=Catalog.Clock.LAST_EVENT))
    shop_by_colour(past, 24)

    assert replay.hold_out(past.catalog).cut_off == LATER


def test_a_space_that_has_learnt_from_what_would_judge_it_is_not_judged(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    held = replay.hold_out(stocked.catalog)

    before = train(stocked, trained_until=LATER)
    after = train(stocked, trained_until=LATER + DAY)

    assert replay.leakage((stocked.space, before), held) is None
    reason = replay.leakage((stocked.space, after), held)
    assert reason is not None
    assert reason.startswith("als@2 has learnt from what it would be evaluated on.")


def test_a_space_of_behaviour_is_replayed_alone(stocked: Shop) -> None:
    shop_by_colour(stocked, 24)
    held = replay.hold_out(stocked.catalog)

    replayed = replay.replay(train(stocked, trained_until=LATER), held)

    assert len(replayed.ndcg) == 24
    assert replayed.ndcg.tolist() != replay.replay(stocked.space, held).ndcg.tolist()
