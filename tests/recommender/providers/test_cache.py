from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from embeddings.calls.outcome import EmbeddedRow
from embeddings.types import Input, Output, Role, SparseVector
from recommender import database
from recommender.models import CachedEmbedding
from recommender.providers import cache, ledger
from recommender.providers.cache import CacheKey
from tests.recommender.providers.hosted import SPEC, numbered
from tests.threads import at_once, beside

pytestmark = pytest.mark.django_db

PICTURE = "data:image/png;base64,iVBORw0KGgo="


CACHE_KEY = CacheKey(SPEC, Output.DENSE, "", Role.QUERY)


def made(number: int) -> EmbeddedRow:
    return EmbeddedRow(np.array([number, 0.5], np.float32), None, number)


def keep(count: int, days_ago: int = 0) -> list[bytes]:
    """So many entries, last used so many days ago; their digests."""
    digests = [CACHE_KEY.digest(source) for source in numbered(count)]
    cache.store("hosted", {key: made(number) for number, key in enumerate(digests)})
    day = ledger.today() - timedelta(days=days_ago)
    CachedEmbedding.objects.update(used_on=day)
    return digests


def test_every_part_of_an_input_tells_it_from_another() -> None:
    sources = [
        Input(text="mug"),
        Input(text="mug "),
        Input(text="mug", images=(PICTURE,)),
        Input(text=f"mug{PICTURE}"),
        Input(images=(PICTURE,)),
        Input(images=(PICTURE, PICTURE)),
        Input(video=PICTURE),
    ]
    digests = [CACHE_KEY.digest(source) for source in sources]
    assert len(set(digests)) == len(sources)
    assert {len(key) for key in digests} == {32}


def test_what_is_stored_is_found_and_what_is_not_is_missing() -> None:
    first, second, third = (bytes([number]) * 32 for number in range(3))
    sparse = SparseVector((3, 999_999_999), (0.5, 1.0), ("风", "mug"))
    cache.store("hosted", {first: made(7), second: EmbeddedRow(None, sparse, 2)})

    rows = cache.lookup([first, second, third])

    assert rows.keys() == {first, second}
    np.testing.assert_array_equal(rows[first].vector, made(7).vector)
    assert (rows[first].sparse, rows[first].tokens) == (None, 7)
    assert (rows[second].vector, rows[second].sparse, rows[second].tokens) == (None, sparse, 2)
    assert cache.kept([first, second, third]) == {first, second}


def test_the_content_itself_is_not_kept() -> None:
    cache.store("hosted", {CACHE_KEY.digest(Input(images=(PICTURE,))): made(1)})
    (row,) = database.fetch("SELECT c::text FROM recommender_cachedembedding c")
    assert PICTURE not in row[0]


def test_what_was_stored_first_stays() -> None:
    cache.store("hosted", {b"1" * 32: made(1)})
    cache.store("hosted", {b"1" * 32: made(2), b"2" * 32: made(2)})
    assert {key: row.tokens for key, row in cache.lookup([b"1" * 32, b"2" * 32]).items()} == {
        b"1" * 32: 1,
        b"2" * 32: 2,
    }


def test_use_is_noted_once_a_day(django_assert_num_queries) -> None:
    digests = keep(3, days_ago=399)

    with django_assert_num_queries(2):
        cache.lookup(digests)
    with django_assert_num_queries(1):
        cache.lookup(digests)

    assert set(CachedEmbedding.objects.values_list("used_on", flat=True)) == {ledger.today()}


def test_what_was_not_used_for_long_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_PRUNE_BATCH", 2)
    old = keep(5, days_ago=401)
    cache.lookup(old[:1])
    cache.store("hosted", {b"1" * 32: made(1)})

    assert cache.prune() == 4
    assert cache.prune() == 0

    assert cache.lookup([*old, b"1" * 32]).keys() == {old[0], b"1" * 32}


def test_the_days_are_a_setting(settings) -> None:
    settings.CACHE_DAYS = 30
    keep(2, days_ago=30)
    assert cache.prune() == 0
    settings.CACHE_DAYS = 29
    assert cache.prune() == 2


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_held_by_one_connection_until_its_block_ends() -> None:
    digests = [bytes([number]) * 32 for number in range(200)]

    def hold_some() -> set[bytes]:
        with cache.held(digests[:150]) as mine:
            return set(mine)

    def hold_within() -> set[bytes]:
        with cache.held(digests[100:]) as mine:
            assert mine == set(digests[100:])
            return beside(hold_some, lambda: None)

    assert hold_within() == set(digests[:100])
    assert hold_some() == set(digests[:150])


@pytest.mark.django_db(transaction=True)
def test_storing_the_same_at_once_is_harmless() -> None:
    digests = [bytes([number]) * 32 for number in range(100)]

    def store(number: int) -> None:
        order = digests if number % 2 else digests[::-1]
        for _ in range(5):
            cache.store("hosted", {key: made(1) for key in order})
            cache.lookup(order)

    at_once(4, store)

    kept = Counter(bytes(key) for key in CachedEmbedding.objects.values_list("digest", flat=True))
    assert kept == Counter(digests)
