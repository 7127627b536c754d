from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommender.engine.stored_ranker import active_ranker
from recommender.models import Mode, Ranker
from recommender.ranking.ranker import FusionRanker


def test_where_none_was_learnt_the_channels_are_fused(shop):
    assert isinstance(active_ranker(shop.catalog.pk, Mode.NEW), FusionRanker)


def test_a_rank_is_read_once_and_of_its_mode_alone(shop):
    Ranker.objects.create(
        catalog=shop.catalog,
        mode=Mode.ALL,
        kind=FusionRanker.kind,
        model=b"",
        is_active=True,
        trained_until=timezone.now(),
    )
    first = active_ranker(shop.catalog.pk, Mode.ALL)
    with CaptureQueriesContext(connection) as captured:
        assert active_ranker(shop.catalog.pk, Mode.ALL) is first
    assert len(captured) == 1
    assert active_ranker(shop.catalog.pk, Mode.NEW) is not first
