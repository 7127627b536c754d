from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from recommender.catalog import feeds
from recommender.catalog.feeds import MOST_ATTEMPTS
from recommender.models import Feed
from tests.shop import Shop

HOUR = timedelta(hours=1)


def feed_of(shop: Shop, **more: object) -> Feed:
    wanted = {"url": "http://127.0.0.1:1/feed.xml", "every_hours": 6} | more
    return Feed.objects.create(catalog=shop.catalog, **wanted)


def now() -> datetime:
    return timezone.now()


@pytest.mark.parametrize(
    ("schedule", "after", "following"),
    [
        ({"every_hours": 6}, (2025, 6, 1, 12, 30), (2025, 6, 1, 18, 30)),
        ({"daily_at": time(2, 5)}, (2025, 6, 1, 1), (2025, 6, 1, 2, 5)),
        ({"daily_at": time(2, 5)}, (2025, 6, 1, 2, 5), (2025, 6, 2, 2, 5)),
        ({"daily_at": time(2, 5)}, (2024, 12, 31, 23), (2025, 1, 1, 2, 5)),
        ({"every_hours": 6, "is_enabled": False}, (2025, 6, 1, 12), None),
    ],
)
def test_a_schedule_says_the_next_time(schedule, after, following) -> None:
    expected = datetime(*following, tzinfo=UTC) if following else None
    assert feeds.next_time(Feed(**schedule), datetime(*after, tzinfo=UTC)) == expected


def test_a_new_feed_by_the_hour_is_due_at_once_and_one_by_the_day_at_its_time(shop: Shop) -> None:
    feed = feed_of(shop)
    assert feeds.due() == []

    feeds.plan(feed)
    assert feeds.due() == [feed.pk]

    feed.every_hours, feed.daily_at = None, (now() - HOUR).time()
    feed.save()
    feeds.plan(feed)
    assert feeds.due() == []
    feed.refresh_from_db()
    assert feed.next_at is not None
    assert now() < feed.next_at < now() + timedelta(days=1)

    feed.is_enabled = False
    feeds.plan(feed)
    feed.refresh_from_db()
    assert feed.next_at is None


def test_of_two_that_come_for_a_feed_one_gets_it(committed_shop: Shop) -> None:
    feed = feed_of(committed_shop)
    with feeds.claimed(feed.pk) as early:
        assert early is None
    feeds.request(feed)

    with feeds.claimed(feed.pk) as first:
        assert first is not None
        # Asked for once more, it is fetched once more, but not at the same time.
        feeds.request(feed)
        with feeds.claimed(feed.pk) as second:
            assert second is None
        feeds.succeed(first.feed, Feed.Status.DONE, "said")

    with feeds.claimed(feed.pk) as third:
        assert third is not None
        feeds.succeed(third.feed, Feed.Status.DONE, "said")
    with feeds.claimed(feed.pk) as fourth:
        assert fourth is None
    feed.refresh_from_db()
    assert feed.next_at is not None
    assert timedelta(hours=5) < feed.next_at - now() <= timedelta(hours=6)


def test_one_whose_process_died_says_so_and_is_tried_again_a_few_times(
    committed_shop: Shop,
) -> None:
    feed = feed_of(committed_shop)
    feeds.request(feed)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert feeds.due() == [feed.pk]
        # As a process does that dies: the lock is gone, the row says that it runs.
        Feed.objects.filter(pk=feed.pk).update(
            status=Feed.Status.RUNNING, next_at=None, attempts=attempt, started_at=now()
        )
        assert feeds.due() == []
        feed.refresh_from_db()
        assert feed.status == Feed.Status.FAILED
        assert feeds.DIED in feed.error
        assert feed.next_at is not None
        wait = feeds.RETRY_AFTER * 2 ** (attempt - 1)
        expected = wait if attempt < MOST_ATTEMPTS else timedelta(hours=6)
        assert abs(feed.next_at - now() - expected) < timedelta(seconds=30)
        Feed.objects.update(next_at=now())


def test_one_that_runs_is_not_taken_for_dead(committed_shop: Shop) -> None:
    feed = feed_of(committed_shop)
    feeds.request(feed)
    with feeds.claimed(feed.pk) as claim:
        assert claim is not None
        assert feeds.due() == []
        feed.refresh_from_db()
        assert feed.status == Feed.Status.RUNNING


def test_what_nobody_foresaw_is_written_to_the_feed_and_raised(committed_shop: Shop) -> None:
    feed = feed_of(committed_shop)
    feeds.request(feed)
    with pytest.raises(ZeroDivisionError), feeds.claimed(feed.pk):
        _ = 1 / 0
    feed.refresh_from_db()
    assert (feed.status, feed.error) == ("failed", "ZeroDivisionError: division by zero")
    assert feed.next_at is not None


@pytest.mark.parametrize(
    "schedule",
    [{"every_hours": None}, {"daily_at": time(2)}, {"every_hours": 0}, {"url": "ftp://a/b"}],
)
def test_a_feed_that_cannot_be_is_refused(shop: Shop, schedule: dict[str, object]) -> None:
    wanted = {"url": "https://shop.example/feed.xml", "every_hours": 6} | schedule
    with pytest.raises(ValidationError):
        Feed(catalog=shop.catalog, **wanted).full_clean()
