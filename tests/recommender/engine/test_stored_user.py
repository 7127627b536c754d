import pytest

from recommender.engine import stored_user
from recommender.engine.answer import Query
from recommender.history import reader
from tests.shop import DAY, NOON, Shop, event, numbered


def test_what_was_seen_is_left_out_at_once_though_it_says_nothing_of_taste(shop: Shop) -> None:
    shop.stock(film="Film", book="Book", poster="Poster")
    shop.post(
        event("ann", "film", type="view_portion", value=0.0),
        event("ann", "book", type="rating", value=2.5),
        event("ann", "poster", type="impression"),
    )

    found = stored_user.find(shop.catalog, "ann", Query(count=5))

    assert found is not None
    seen = {shop.product("film").pk, shop.product("book").pk}
    assert set(found.excluded.tolist()) == seen
    assert found.history.product_ids.tolist() == []
    assert found.history_version == 0


@pytest.mark.parametrize("before", [None, NOON, NOON + DAY])
def test_a_live_answer_reads_the_history_that_a_profile_is_made_of(shop: Shop, before) -> None:
    shop.stock(**numbered(40))
    shop.post(*(event("ann", key, type="purchase") for key in numbered(40)))
    shop.visit("ann", "p3", "p5", at=NOON - DAY)
    shop.post(event("ann", "p7", type="rating", value=1.0, at=NOON - DAY))

    found = stored_user.find(shop.catalog, "ann", Query(count=5, before=before))

    assert found is not None
    wanted = reader.load([found.pk], before)[found.pk]
    for name in ("product_ids", "weights", "times"):
        assert getattr(found.history, name).tolist() == getattr(wanted, name).tolist()


def test_nobody_knows_a_stranger(shop: Shop) -> None:
    assert stored_user.find(shop.catalog, "stranger", Query(count=5)) is None
