import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from recommender.effect import report
from tests.recommender.effect.shown import DAY, did, show
from tests.shop import Shop

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def effect(*arguments: str) -> str:
    output = StringIO()
    call_command("effect", "--catalog", "shop", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def sold(shop: Shop) -> Shop:
    shop.put({"id": "mug", "title": "Mug", "price": 10})
    for back, clicks in ((0, 8), (28, 2)):
        for number in range(10):
            at, user = NOON - back * DAY, f"user {number}"
            rec = show(shop, at, "mug")
            shop.post(did("impression", user, "mug", at, rec))
            if number < clicks:
                shop.post(did("click", user, "mug", at, rec))
    shop.post(did("purchase", "user 1", "mug", NOON))
    return shop


def test_it_counts_and_shows_a_table_with_intervals_and_what_changed(sold: Shop) -> None:
    told = effect()
    assert "brought 8 clicks, 1 purchase in 1 of 1 orders and 10.00 of revenue." in told
    assert "80.00% (49.02% to 94.33%)" in told
    assert "Click-through: 80.00%, 20.00% before; higher than in the 28 days before." in told
    assert [line.split()[0] for line in told.splitlines() if " (" in line] == ["home", "all"]


def test_by_product_between_days_as_json(sold: Shop) -> None:
    day = f"{NOON:%Y-%m-%d}"
    told = json.loads(effect("--by", "product", "--from", day, "--until", day, "--json"))
    assert told["items"][0]["product"] == "mug"
    assert (told["total"]["clicks"], told["total"]["before"]["clicks"]) == (8, 0)


def test_where_nothing_is_known_it_says_what_to_send(shop: Shop) -> None:
    assert effect() == report.HOW + "\n"


def test_without_impressions_it_says_how_they_come(shop: Shop) -> None:
    shop.stock(mug="Mug")
    rec = show(shop, NOON, "mug")
    shop.post(did("click", "ann", "mug", NOON, rec))
    assert report.NO_IMPRESSIONS in effect()


@pytest.mark.parametrize("day", ["yesterday", "0001-01-01"])
def test_a_day_that_is_none_is_refused(shop: Shop, day: str) -> None:
    with pytest.raises(CommandError, match="--from"):
        effect("--from", day)


def test_a_period_that_ends_before_it_begins_is_refused(shop: Shop) -> None:
    with pytest.raises(CommandError, match="are not 1 to"):
        effect("--from", "2026-11-28", "--until", "2026-11-01")
