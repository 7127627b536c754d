import pytest

from recommender.catalog import sample
from recommender.effect import figures, sample_visits
from recommender.models import Event, Recommendation

pytestmark = pytest.mark.slow


def test_the_sample_store_shows_an_effect_of_lists_that_the_engine_made_and_only_once(
    db: None,
) -> None:
    catalog = sample.load()
    sample_visits.visit(catalog)

    effect = figures.read(catalog, figures.last_days())
    assert [group.keys["placement"] for group in effect.groups] in (
        ["home", "product"],
        ["product", "home"],
    )
    assert effect.total.now.clicks > 10
    assert effect.total.before is not None
    assert effect.total.before.clicks > 10
    assert 0 < effect.whole.touched < effect.whole.orders
    counts = Recommendation.objects.count(), Event.objects.count()
    sample_visits.visit(catalog)
    assert (Recommendation.objects.count(), Event.objects.count()) == counts
