"""Runs of insight in tests: asked for and carried out in this process."""

from typing import Any

from recommender.insight import runs
from recommender.insight.kinds import KINDS
from recommender.insight.run import carry_out
from recommender.models import InsightRun
from recommender.training.fitting import silent
from tests.shop import Shop


def find_out(shop: Shop, kind: str, **parameters: Any) -> InsightRun:
    """A run of a kind, as it is once it has ended."""
    asked = runs.request(shop.catalog, KINDS[kind], KINDS[kind].read(parameters))
    with runs.claimed(asked.pk) as claim:
        assert claim is not None
        carry_out(claim, silent)
    return InsightRun.objects.get(pk=asked.pk)
