import numpy as np

from recommender.engine.attribution import Attribution, of_links, of_vectors, strongest

ITEMS = np.array([100, 200])
ROWS = np.array([0, 1])


def vector(part: str, anchor: int, *similarity: float, weight: float = 1.0):
    return of_vectors(part, np.array([anchor]), np.float32([similarity]), np.array([weight]), ROWS)


def test_the_own_product_nearest_to_an_item_led_to_it():
    attributions = [vector("text", 1, 0.9, 0.1), vector("text", 2, 0.3, 0.8)]
    assert strongest(attributions, ITEMS, [{"text": 1.0}, {"text": 1.0}]) == [(1, 2), (2, 1)]


def test_the_part_that_gave_most_names_its_products_first():
    attributions = [
        vector("text", 1, 0.9, 0.9),
        of_links("together", *np.array([[2, 2], [100, 200]]), np.array([0.5, 0.5]), ITEMS),
    ]
    parts = [{"text": 0.1, "together": 0.7, "base": 9.0}, {"text": 0.7, "together": 0.1}]
    assert strongest(attributions, ITEMS, parts) == [(2, 1), (1, 2)]


def test_a_part_that_speaks_against_an_item_led_nowhere():
    attributions = [vector("text", 1, 0.9, 0.9)]
    assert strongest(attributions, ITEMS, [{"text": -1.0}, {"popular": 1.0}]) == [(), ()]


def test_what_is_had_again_is_there_because_of_itself():
    itself = Attribution(part="repeat", own=ITEMS, gave=np.eye(2))
    attributions = [vector("text", 1, 0.9, 0.9), itself]
    parts = [{"text": 0.1, "repeat": 0.5}, {"repeat": 0.5}]
    assert strongest(attributions, ITEMS, parts) == [(100, 1), (200,)]


def test_no_more_than_three_are_named():
    attributions = [vector("text", anchor, 0.9, 0.9) for anchor in (4, 3, 2, 1)]
    assert strongest(attributions, ITEMS, [{"text": 1.0}] * 2) == [(1, 2, 3)] * 2


def test_inner_products_and_cosines_are_of_one_scale():
    attributions = [vector("behaviour", 1, 0.004, 0.001), vector("behaviour", 2, 0.1, 0.8)]
    assert [led[0] for led in strongest(attributions, ITEMS, [{"behaviour": 1.0}] * 2)] == [1, 2]


def test_neighbours_that_count_against_an_item_led_nowhere():
    links = of_links("ease", *np.array([[1, 2], [100, 100]]), np.array([0.5, -0.5]), ITEMS)
    assert strongest([links], ITEMS, [{"ease": 1.0}, {"ease": 1.0}]) == [(1,), ()]


def test_without_items_nothing_is_told():
    assert strongest([], np.array([], dtype=np.int64), []) == []
