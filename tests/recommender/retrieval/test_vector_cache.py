from dataclasses import replace

import numpy as np
from psycopg import sql

from recommender import database
from recommender.models import ProductVector
from recommender.retrieval import vector_cache
from recommender.spaces import partitions, switching
from recommender.spaces.switching import ServingSpace
from tests.recommender import goods
from tests.shop import Shop


def keys(shop: Shop, *ids: str) -> list[int]:
    return [shop.product(external_id).pk for external_id in ids]


def stored(space: ServingSpace, wanted: list[int]) -> list[list[float]]:
    """In half precision, as they are; what the ORM reads is rounded to eight digits."""
    rows = ProductVector.objects.filter(space_id=space.pk, product_id__in=wanted)
    by_product = {row.product_id: row.embedding for row in rows}
    return [np.float16(by_product[key]).tolist() for key in wanted]


def read(space: ServingSpace, wanted: list[int]) -> tuple[np.ndarray, int]:
    """The vectors of products, and how many of them had to be sent."""
    known = vector_cache.known(space, wanted)
    query = sql.SQL("SELECT {}").format(vector_cache.select(space, sql.Placeholder("wanted")))
    sent = database.fetch(query, {"wanted": known.missing})[0][0]
    return known.complete(sent), len(known.missing)


def test_a_vector_is_sent_once(stocked):
    space, wanted = switching.serving(stocked.space), keys(stocked, "mug-red", "lamp-blue")
    first, second = read(space, wanted[:1]), read(space, wanted)
    assert (first[1], second[1]) == (1, 1)
    assert second[0].tolist() == stored(space, wanted)


def test_a_product_without_a_vector_has_zeros_and_is_not_asked_for_again(stocked):
    stocked.put({"id": "new", "title": "Not embedded yet"})
    space = switching.serving(stocked.space)
    wanted = keys(stocked, "new", "mug-red")
    read(space, wanted)
    again, sent = read(space, wanted)
    assert sent == 0
    assert [row.any() for row in again] == [False, True]


def test_a_vector_that_is_written_anew_is_sent_anew(stocked):
    wanted = keys(stocked, "mug-red", "lamp-blue")
    before, _ = read(switching.serving(stocked.space), wanted)
    stocked.put({"id": "mug-red", "title": "Garden spade"})
    stocked.embed()
    space = switching.serving(stocked.space)
    after, sent = read(space, wanted)
    assert sent == 2
    assert after.tolist() == stored(space, wanted)
    assert (before[0] != after[0]).any()
    assert before[1].tolist() == after[1].tolist()


def test_of_a_space_that_is_written_to_only_its_present_state_is_remembered(stocked):
    wanted = keys(stocked, "mug-red", "lamp-blue")
    before = switching.serving(stocked.space)
    read(before, wanted)
    stocked.put({"id": "mug-red", "title": "Garden spade"})
    stocked.embed()
    read(switching.serving(stocked.space), wanted)
    assert vector_cache.known(before, wanted).missing == wanted


def test_a_new_version_has_vectors_of_its_own(stocked):
    wanted = keys(stocked, "mug-red", "lamp-red")
    old = stocked.space
    before, _ = read(switching.serving(old), wanted)
    goods.replace(old, goods.by_colour(stocked))
    space = switching.serving(stocked.space)
    after, _ = read(space, wanted)
    assert after.tolist() == stored(space, wanted)
    assert before.tolist() != after.tolist()


def test_where_nothing_tells_of_changes_nothing_is_remembered(stocked):
    space = replace(switching.serving(stocked.space), embedded_at=None)
    wanted = keys(stocked, "mug-red")
    assert [read(space, wanted)[1] for _ in range(2)] == [1, 1]


def test_a_process_remembers_no_more_than_it_may(stocked, monkeypatch):
    space = switching.serving(stocked.space)
    of_all = [product.pk for product in stocked.catalog.products.order_by("pk")]
    vector_bytes = 2 * space.dimension + vector_cache._OVERHEAD
    # Of each generation: six at most.
    monkeypatch.setattr(vector_cache, "_MOST_BYTES", 5 * vector_bytes)
    for key in of_all:
        read(space, [key])
    remembered = len(of_all) - len(vector_cache.known(space, of_all).missing)
    assert 0 < remembered <= 12 < len(of_all)
    assert vector_cache.known(space, of_all[-1:]).missing == []


def test_what_is_wanted_again_is_not_forgotten(stocked, monkeypatch):
    space = switching.serving(stocked.space)
    first, *others = [product.pk for product in stocked.catalog.products.order_by("pk")]
    vector_bytes = 2 * space.dimension + vector_cache._OVERHEAD
    monkeypatch.setattr(vector_cache, "_MOST_BYTES", 5 * vector_bytes)
    sent = [read(space, [first])[1] for key in others if read(space, [key])]
    assert sum(sent) == 1


def test_vectors_that_are_being_read_stay_as_they_are_while_others_arrive(stocked, monkeypatch):
    monkeypatch.setattr(vector_cache, "_FIRST_ROWS", 1)
    space = switching.serving(stocked.space)
    wanted = keys(stocked, "mug-red", "lamp-blue", "mug-blue")
    read(space, wanted[:1])
    known = vector_cache.known(space, wanted[:1])
    read(space, wanted[1:])
    assert known.complete(None).tolist() == stored(space, wanted[:1])
    assert read(space, wanted)[0].tolist() == stored(space, wanted)


def test_the_vectors_of_a_profile_arrive_as_they_were_sent(db):
    query = "SELECT halfvec_send(e::halfvec) FROM unnest(%s::text[]) AS given(e)"
    sent = [row[0] for row in database.fetch(query, (["[1,-0.5]", "[0,2]"],))]
    assert partitions.halfvec_rows(sent, 2).tolist() == [[1, -0.5], [0, 2]]
    assert partitions.halfvec_rows([], 2).shape == (0, 2)
