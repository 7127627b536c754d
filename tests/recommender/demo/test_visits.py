from datetime import UTC, datetime, timedelta
from random import Random

from recommender import demo
from recommender.demo.visits import WEEKS, looks, react

END = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_shoppers_look_in_the_weeks_before_and_click_what_suits_them_most() -> None:
    products = demo.load_products()
    seen, clicked = {True: 0, False: 0}, {True: 0, False: 0}
    for shopper in demo.shoppers(demo.SEED)[:60]:
        rng = Random(shopper.external_id)
        for at in looks(shopper, END, rng):
            assert END - timedelta(weeks=WEEKS, hours=3) < at < END
            listed = rng.sample(products, 8)
            suits = {
                product["id"]: any(taste.covers(product) for taste in shopper.tastes)
                for product in listed
            }
            done = list(react(shopper, listed, at, rng))
            assert [one.product for one in done if one.type == "impression"] == list(suits)
            assert all(one.at < END for one in done)
            for product, is_suited in suits.items():
                kinds = [one.type for one in done if one.product == product]
                assert kinds in (["impression", "click", "add_to_cart", "purchase"][: len(kinds)],)
                seen[is_suited] += 1
                clicked[is_suited] += "click" in kinds
    assert clicked[True] / seen[True] > 3 * clicked[False] / seen[False]
