import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from embeddings.errors import Unavailable
from embeddings.local.fake import FakeEmbedder
from embeddings.types import Output, Role
from recommender.importing.row import MAX_BYTES, TOO_LONG, Line
from recommender.management.line_vectors import Forecast, StoppedError, embed_lines, forecast
from recommender.models import CachedEmbedding, Catalog
from recommender.providers.cache import CacheKey
from recommender.providers.metered import Account
from tests.recommender.providers.hosted import SPEC, Hosted
from tests.shop import Shop


def numbered(count: int) -> Iterator[Line]:
    for number in range(1, count + 1):
        yield Line(number, f"mug {number}\n")


def test_no_more_lines_are_read_than_are_embedded(db: None) -> None:
    source = numbered(10_000_000)
    rows = embed_lines(source, FakeEmbedder(), Role.DOCUMENT, None)
    assert [row.line for row in next(rows)] == list(range(1, 513))
    assert next(source).number == 513


def test_long_lines_make_short_batches(db: None) -> None:
    long = (Line(number, "x" * MAX_BYTES) for number in range(1, 100))
    assert len(next(embed_lines(long, FakeEmbedder(), Role.DOCUMENT, None))) == 2


def test_a_line_too_long_has_its_row(db: None) -> None:
    lines = [Line(1, "x", TOO_LONG), Line(2, "mug")]
    ((first, second),) = embed_lines(lines, FakeEmbedder(8), Role.DOCUMENT, None)
    assert json.loads(first.json())["error"] == "The line is longer than 1 MiB; correct it."
    assert len(json.loads(second.json())["embedding"]) == 8


def test_a_refused_line_says_what_the_provider_said(shop: Shop) -> None:
    hosted = Hosted(refused=["mug 2"])
    ((_, second, third),) = embed_lines(numbered(3), hosted, Role.QUERY, Account(shop.catalog))
    assert json.loads(second.json()) == {
        "line": 2,
        "embedding": None,
        "error": "Data inspection failed; change the text.",
    }
    assert json.loads(third.json())["line"] == 3


def test_a_model_that_is_away_stops_it_after_the_lines_that_were_done(shop: Shop) -> None:
    hosted = Hosted()
    rows = embed_lines(numbered(600), hosted, Role.QUERY, Account(shop.catalog))
    assert len(next(rows)) == 512

    hosted.error = Unavailable("Away; try again tomorrow.", retry_after=86_400.0)

    assert next(rows) == []
    with pytest.raises(StoppedError, match=r"Stopped before line 513: Away; try again tomorrow\."):
        next(rows)


def test_a_spent_budget_gives_the_lines_it_paid_for(shop: Shop) -> None:
    Catalog.objects.update(monthly_budget="0.3")
    rows = embed_lines(numbered(512), Hosted(), Role.QUERY, Account(shop.catalog))
    done = next(rows)
    with pytest.raises(StoppedError, match="monthly budget of catalog shop"):
        next(rows)
    assert 0 < len(done) <= CachedEmbedding.objects.count() < 512
    assert [row.line for row in done] == list(range(1, len(done) + 1))


def test_a_forecast_knows_what_is_in_the_cache(shop: Shop) -> None:
    spec = replace(SPEC, price=0.0)
    list(embed_lines(numbered(700), Hosted(spec), Role.QUERY, Account(shop.catalog)))
    cache_key = CacheKey(spec, Output.DENSE, "", Role.QUERY)
    lines = [*numbered(1000), Line(1001, " \n")]

    *_, last = forecast(lines, cache_key)

    assert (last.lines, last.refused, last.cached) == (1001, 1, 700)
    assert 300 * 2 < last.tokens < 300 * 6
    assert [*forecast([], cache_key)] == []
    assert Forecast().tokens == 0
