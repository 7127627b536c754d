import threading
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from recommender.models import EmbeddingClaim
from recommender.spaces import lease, staleness
from tests.shop import Shop
from tests.threads import wait_until


def until(shop: Shop) -> float:
    """Seconds that the one claim of the shop lasts."""
    return (EmbeddingClaim.objects.get().until - timezone.now()).total_seconds()


def test_claims_are_renewed_until_the_work_is_done(
    committed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "RENEWAL", timedelta(seconds=0.05))
    committed_shop.stock(mug="Blue mug")
    space = committed_shop.space
    (mug,) = staleness.claim(space, owner="me", after=0, limit=1)
    before = threading.active_count()

    with lease.kept(space.pk, [mug.id], "me"):
        for _ in range(2):
            EmbeddingClaim.objects.update(until=F("until") - timedelta(seconds=60))
            wait_until(lambda: until(committed_shop) > 100)

    assert threading.active_count() == before


def test_the_work_s_own_error_is_what_its_caller_sees(committed_shop: Shop) -> None:
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError), lease.kept(committed_shop.space.pk, [], "me"):
        raise ZeroDivisionError

    assert threading.active_count() == before
