from datetime import UTC, datetime, timedelta

import pytest

from recommender.effect import counting
from tests.recommender.api.client import Api, problem
from tests.recommender.effect.shown import HOUR, did, show
from tests.shop import Shop

PATH = "/v1/metrics/effect"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture
def sold(shop: Shop) -> Shop:
    shop.put({"id": "mug", "title": "Mug", "price": 10}, {"id": "lamp", "title": "Lamp"})
    rec = show(shop, NOON, "mug", "lamp", variant="B")
    shop.post(
        did("impression", "ann", "mug", NOON, rec),
        did("impression", "ann", "lamp", NOON, rec),
        did("click", "ann", "mug", NOON, rec),
        did("purchase", "ann", "mug", NOON + HOUR),
        did("purchase", "bob", "mug", NOON),
    )
    counting.recount(shop.catalog)
    return shop


def test_it_tells_what_lists_brought_with_intervals(sold: Shop, api: Api) -> None:
    told = api.get(PATH).json()
    assert (told["until"], told["window_hours"]) == (f"{datetime.now(UTC):%Y-%m-%d}", 24)
    assert told["note"] is None
    total = told["total"]
    assert (total["impressions"], total["clicks"], total["revenue"]) == (2, 1, 10.0)
    assert total["click_through"]["mean"] == 0.5
    assert 0 < total["click_through"]["low"] < 0.5 < total["click_through"]["high"] < 1
    assert (total["orders"], total["orders_touched"]) == (2, 1)
    assert total["revenue_per_1000"]["mean"] == 5000
    assert total["before"]["impressions"] == 0
    assert total["change"]["click_through"] is None
    (item,) = told["items"]
    assert (item["placement"], item["clicks"]) == ("home", 1)


def test_by_day_and_window(sold: Shop, api: Api) -> None:
    day = f"{NOON:%Y-%m-%d}"
    told = api.get(PATH, **{"from": day, "until": day, "by": "day", "window": "0"}).json()
    (item,) = told["items"]
    assert (item["day"], item["purchases"], item["before"]) == (day, 0, None)
    assert api.get(PATH, window="1h").json()["total"]["purchases"] == 1


def test_where_nothing_is_known_it_says_what_to_send(api: Api) -> None:
    told = api.get(PATH).json()
    assert "rec_id" in told["note"]
    assert told["items"] == []
    assert told["total"]["click_through"] is None


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"by": "colour"}, "invalid"),
        ({"from": "yesterday"}, "invalid"),
        ({"from": "1764288000"}, "invalid"),
        ({"from": "2026-11-31"}, "invalid"),
        ({"until": "0001-01-01"}, "invalid-period"),
        ({"from": "2026-11-28", "until": "2026-11-01"}, "invalid-period"),
        ({"from": "2000-01-01", "until": "2026-11-01"}, "invalid-period"),
        ({"window": "7d"}, "window-too-long"),
        ({"since": "2026-11-28"}, "unknown-parameter"),
    ],
)
def test_what_is_not_right_is_refused(api: Api, parameters: dict[str, str], kind: str) -> None:
    problem(api.get(PATH, **parameters), 400, kind)


def test_a_browser_key_is_not_told(browser: Api) -> None:
    problem(browser.get(PATH), 403, "wrong-scope")
