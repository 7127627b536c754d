from dataclasses import replace

import numpy as np
import pytest
from psycopg import sql

from recommender import database
from recommender.engine import vectors
from recommender.models import ProductVector
from recommender.spaces import serving
from recommender.spaces.serving import ServingSpace
from tests.recommender import goods
from tests.shop import Shop


def keys(shop: Shop, *ids: str) -> list[int]:
    return [shop.product(each).pk for each in ids]


def stored(space: ServingSpace, wanted: list[int]) -> list[list[float]]:
    """In half precision, as they are; what the ORM reads is rounded to eight digits."""
    found = ProductVector.objects.filter(space_id=space.pk, product_id__in=wanted)
    by_product = {each.product_id: each.embedding for each in found}
    return [np.float16(by_product[key]).tolist() for key in wanted]


def read(space: ServingSpace, wanted: list[int]) -> tuple[np.ndarray, int]:
    """The vectors of products, and how many of them had to be sent."""
    known = vectors.remembered(space, wanted)
    missing = [key for key, row in zip(wanted, known, strict=True) if row is None]
    query = sql.SQL("SELECT {}").format(vectors.select(space, sql.Placeholder("wanted")))
    sent = database.fetch(query, {"wanted": missing})[0][0]
    fetched = vectors.remember(space, missing, sent)
    rows = [row or fetched[key] for key, row in zip(wanted, known, strict=True)]
    return vectors.numbers(space, rows), len(missing)


def test_a_vector_is_sent_once(stocked):
    space, wanted = serving.serving(stocked.space), keys(stocked, "mug-red", "lamp-blue")
    first, second = read(space, wanted[:1]), read(space, wanted)
    assert (first[1], second[1]) == (1, 1)
    assert second[0].tolist() == stored(space, wanted)


def test_a_product_without_a_vector_has_zeros_and_is_not_asked_for_again(stocked):
    stocked.put({"id": "new", "title": "Not embedded yet"})
    space = serving.serving(stocked.space)
    wanted = keys(stocked, "new", "mug-red")
    read(space, wanted)
    again, sent = read(space, wanted)
    assert sent == 0
    assert [row.any() for row in again] == [False, True]


def test_a_vector_that_is_written_anew_is_sent_anew(stocked):
    wanted = keys(stocked, "mug-red", "lamp-blue")
    before, _ = read(serving.serving(stocked.space), wanted)
    stocked.put({"id": "mug-red", "title": "Garden spade"})
    stocked.embed()
    space = serving.serving(stocked.space)
    after, sent = read(space, wanted)
    assert sent == 2
    assert after.tolist() == stored(space, wanted)
    assert (before[0] != after[0]).any()
    assert before[1].tolist() == after[1].tolist()


def test_a_new_version_has_vectors_of_its_own(stocked):
    wanted = keys(stocked, "mug-red", "lamp-red")
    old = stocked.space
    before, _ = read(serving.serving(old), wanted)
    goods.replace(old, goods.by_colour(stocked))
    space = serving.serving(stocked.space)
    after, _ = read(space, wanted)
    assert after.tolist() == stored(space, wanted)
    assert before.tolist() != after.tolist()


def test_where_nothing_tells_of_changes_nothing_is_remembered(stocked):
    space = replace(serving.serving(stocked.space), embedded_at=None)
    wanted = keys(stocked, "mug-red")
    assert [read(space, wanted)[1] for _ in range(2)] == [1, 1]


def test_a_process_remembers_no_more_than_it_may(stocked, monkeypatch):
    space = serving.serving(stocked.space)
    of_all = [product.pk for product in stocked.catalog.products.order_by("pk")]
    monkeypatch.setattr(vectors, "_MOST_BYTES", 1500)  # of each generation: six
    for key in of_all:
        read(space, [key])
    remembered = [row for row in vectors.remembered(space, of_all) if row is not None]
    assert 0 < len(remembered) <= 12 < len(of_all)
    assert vectors.remembered(space, of_all[-1:]) != [None]


@pytest.mark.parametrize(("sent", "expected"), [("[1,-0.5]", [1, -0.5]), (None, [0, 0])])
def test_the_vector_of_a_profile_arrives_as_it_was_sent(db, sent, expected):
    found = database.fetch("SELECT halfvec_send(%s::halfvec)", (sent,))[0][0]
    assert vectors.halves(found, 2).tolist() == expected
