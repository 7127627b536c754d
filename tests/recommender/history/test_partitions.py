from datetime import UTC, datetime, timedelta, timezone

import pytest
from psycopg import sql

from recommender import database
from recommender.history.partitions import ensure_months
from recommender.models import Event
from tests.shop import Shop, event
from tests.threads import at_once

YEAR = datetime.now(UTC).year


def table_of(at: datetime) -> str:
    """The partition that holds the event of this time."""
    query = "SELECT tableoid::regclass::text FROM recommender_event WHERE at = %s"
    return database.fetch(query, (at,))[0][0]


@pytest.mark.parametrize(
    ("at", "table"),
    [
        (datetime(1971, 5, 20, tzinfo=UTC), "recommender_event_1971"),
        (datetime(1972, 12, 31, 23, 59, 59, 999_999, UTC), "recommender_event_1972"),
        (datetime(1973, 1, 1, tzinfo=UTC), "recommender_event_1973"),
        (datetime(1974, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "recommender_event_1973"),
        (
            datetime(1974, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
            "recommender_event_1975",
        ),
        (datetime(YEAR - 2, 12, 31, 23, 59, tzinfo=UTC), f"recommender_event_{YEAR - 2}"),
        (datetime(YEAR - 1, 1, 1, tzinfo=UTC), f"recommender_event_{YEAR - 1}_01"),
        (datetime(YEAR - 1, 12, 31, 23, 59, tzinfo=UTC), f"recommender_event_{YEAR - 1}_12"),
    ],
)
def test_an_event_goes_to_the_month_or_the_old_year_it_has_in_utc_made_on_demand(
    shop: Shop, at: datetime, table: str
) -> None:
    shop.stock(mug="Mug")
    assert database.fetch("SELECT to_regclass(%s)::text", (table,)) == [(None,)]

    shop.post(event("ann", "mug", at=at))

    assert table_of(at) == table


def test_events_of_many_months_may_come_in_one_call(shop: Shop) -> None:
    shop.stock(mug="Mug")
    times = [datetime(1976 + n // 12, n % 12 + 1, 15, tzinfo=UTC) for n in range(26)]

    shop.post(*(event("ann", "mug", at=at) for at in times))

    assert {table_of(at) for at in times} == {f"recommender_event_{1976 + n}" for n in range(3)}
    assert Event.objects.count() == len(times)


def test_an_old_year_that_has_months_gets_the_others_as_months(shop: Shop) -> None:
    shop.stock(mug="Mug")
    database.execute(
        "CREATE TABLE recommender_event_1985_03 PARTITION OF recommender_event "
        "FOR VALUES FROM ('1985-03-01 00:00Z') TO ('1985-04-01 00:00Z')"
    )
    times = [datetime(1985, month, 31, 23, tzinfo=UTC) for month in (3, 5, 12)]

    shop.post(*(event("ann", "mug", at=at) for at in times))

    months = [f"recommender_event_1985_{at.month:02}" for at in times]
    assert [table_of(at) for at in times] == months


def test_a_month_has_the_indexes_of_the_whole_table(shop: Shop) -> None:
    ensure_months([datetime(1979, 7, 1, tzinfo=UTC)])

    def indexes(table: str) -> set[str]:
        query = "SELECT substring(indexdef FROM 'USING .*') FROM pg_indexes WHERE tablename = %s"
        return {row[0] for row in database.fetch(query, (table,))}

    assert indexes("recommender_event_1979") == indexes("recommender_event")
    assert len(indexes("recommender_event")) == 4


def test_senders_that_need_a_new_month_at_once_make_it_once(committed_shop: Shop) -> None:
    committed_shop.stock(mug="Mug")
    times = [datetime(1980, month, 3, tzinfo=UTC) for month in range(1, 7)]

    def send(number: int) -> list[str]:
        order = times if number % 2 else times[::-1]
        return committed_shop.post(*(event(f"user{number}", "mug", at=at) for at in order))

    assert at_once(5, send) == [["accepted"] * len(times)] * 5

    partitions = database.fetch(
        sql.SQL(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = {}::regclass AND "
            "inhrelid::regclass::text LIKE 'recommender_event_1980%%'"
        ).format(sql.Literal("recommender_event"))
    )
    assert partitions == [(1,)]
