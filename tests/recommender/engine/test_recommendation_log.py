from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from recommender.catalog import catalogs
from recommender.engine import answer_log, recommendation_log
from recommender.engine.answer import Answer, Item
from recommender.engine.answer_log import Writer, new_id
from recommender.engine.recommendation_log import Entry, Placed
from recommender.history.erasure import erase_user
from recommender.history.partitions import logged_days
from recommender.models import ApiKey, LostAnswers, Recommendation
from tests.recommender.api.client import Api
from tests.shop import Shop, numbered

HOSTILE = 'a\tb\nc\\d"é\\N'
DAY = timedelta(days=1)
BATCH = {"requests": [{"operation": "popular", "count": 2}]}


def entry(catalog_id: int, at: datetime | None = None, user: str | None = "ann") -> Entry:
    return Entry(
        rec_id=new_id(at),
        catalog_id=catalog_id,
        operation="for_user",
        placed=Placed("home", 3, "B"),
        user=user,
        items=[("mug", "text", 0.5, 1.0), (HOSTILE, "popular", 0.25, 0.1)],
        spaces=("text@1",),
        ranker=7,
    )


def test_what_is_written_is_there_as_it_was_whatever_is_in_it(shop: Shop) -> None:
    written = replace(entry(shop.catalog.pk, user=HOSTILE), placed=Placed(HOSTILE, None, HOSTILE))
    nowhere = replace(entry(shop.catalog.pk, user=None), placed=Placed(), ranker=None)
    recommendation_log.write([written, nowhere])

    row = Recommendation.objects.get(rec_id=written.rec_id)
    assert (row.user, row.placement, row.placement_version, row.variant) == (
        *(HOSTILE, HOSTILE, None, HOSTILE),
    )
    assert row.items == [["mug", "text", 0.5, 1.0], [HOSTILE, "popular", 0.25, 0.1]]
    assert (row.spaces, row.ranker) == (["text@1"], 7)
    assert row.at == recommendation_log.made_at(written.rec_id)
    row = Recommendation.objects.get(rec_id=nowhere.rec_id)
    assert (row.user, row.placement, row.variant, row.ranker) == (None, None, None, None)


def test_every_list_of_the_api_is_logged_with_what_it_showed(shop: Shop) -> None:
    api = Api(catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER))
    shop.stock(**numbered(8))
    shop.embed()
    shop.visit("ann", "p0")
    answers = [
        api.get("/v1/users/ann/recommendations", count=3).json(),
        api.get("/v1/products/p1/similar", count=2).json(),
        api.post("/v1/recommendations", {"user": "ann", "count": 2}).json(),
        *api.get("/v1/users/ann/rows", count=2).json()["rows"],
        *(one["answer"] for one in api.post("/v1/batch", BATCH).json()["answers"]),
    ]
    answer_log.writer.flush()

    logged = {str(row.rec_id): row for row in Recommendation.objects.filter(catalog=shop.catalog)}
    assert len(answers) >= 5
    for answer in answers:
        row = logged[answer["rec_id"]]
        assert [item[0] for item in row.items] == [item["id"] for item in answer["items"]]
        assert [item[1] for item in row.items] == [
            item["why"]["source"] for item in answer["items"]
        ]
        assert all(item[3] == 1.0 for item in row.items)
    first, similar, ad_hoc, *_ = (logged[answer["rec_id"]] for answer in answers)
    assert (first.operation, first.user) == ("for_user", "ann")
    assert (similar.operation, similar.user) == ("similar", None)
    assert (ad_hoc.operation, ad_hoc.user) == ("recommendations", "ann")


def test_what_is_explored_has_its_propensity(shop: Shop) -> None:
    item = Item("mug", 1.0, "text", {"text": 1.0}, placed="explored", propensity=0.2)
    made = recommendation_log.entry(
        shop.catalog, new_id(), "similar", Answer(items=(item, item)), count=1, user=None
    )
    assert made is not None
    assert list(made.items) == [("mug", "text", 1.0, 0.2)]


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.0, 0, 0), (0.5, 400, 600), (1.0, 1000, 1000)]
)
def test_a_catalog_logs_the_share_of_answers_that_it_says(
    shop: Shop, share: float, low: int, high: int
) -> None:
    shop.catalog.log_share = share
    made = [
        recommendation_log.entry(
            shop.catalog, new_id(), "similar", Answer(items=()), count=0, user=None
        )
        for _ in range(1000)
    ]
    assert low <= sum(one is not None for one in made) <= high


def test_what_a_full_writer_drops_is_counted(shop: Shop) -> None:
    writer = Writer(most=2)
    for _ in range(5):
        writer.log(entry(shop.catalog.pk))
    with capture_logs() as logs:
        writer.flush()
    assert Recommendation.objects.count() == 2
    assert LostAnswers.objects.get().number == 3
    assert [line["number"] for line in logs] == [3]
    writer.flush()
    assert LostAnswers.objects.get().number == 3


def test_what_the_database_refuses_is_counted_once_it_takes_it(committed_shop: Shop) -> None:
    writer = Writer()
    writer.log(replace(entry(committed_shop.catalog.pk), user="\x00"))
    writer.flush()
    assert not LostAnswers.objects.exists()
    writer.log(entry(committed_shop.catalog.pk))
    writer.flush()
    assert Recommendation.objects.count() == 1
    assert LostAnswers.objects.get().number == 1


def test_a_purge_forgets_what_each_catalog_no_longer_keeps(shop: Shop) -> None:
    other = Shop.open("other")
    for one, days in ((shop, 30), (other, 2)):
        one.catalog.log_days = days
        one.catalog.save()
    now = datetime.now(UTC)
    for age in (0, 5, 40):
        for one in (shop, other):
            recommendation_log.write([entry(one.catalog.pk, now - age * DAY)])

    assert recommendation_log.purge(now) == 1

    ages = {
        one.catalog.name: sorted(
            (now.date() - row.at.date()).days
            for row in Recommendation.objects.filter(catalog=one.catalog)
        )
        for one in (shop, other)
    }
    assert ages == {"shop": [0, 5], "other": [0]}
    assert (now + DAY).date() in logged_days()
    assert (now - 40 * DAY).date() not in logged_days()


def test_an_erased_user_and_a_deleted_catalog_are_not_in_the_log(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug")
    recommendation_log.write([entry(shop.catalog.pk), entry(shop.catalog.pk, user="bob")])
    erase_user(shop.user("ann"))
    assert [row.user for row in Recommendation.objects.all()] == ["bob"]
