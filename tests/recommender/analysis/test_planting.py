from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.analysis.items import Item
from recommender.analysis.pairs import judge
from recommender.analysis.planting import measured, plant
from tests.recommender.analysis.catalogue import generate


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 300), st.integers(0, 99))
def test_every_product_has_one_fault_at_most_and_the_rest_stays(count: int, seed: int) -> None:
    items = generate(count)
    planted = plant(items, seed)
    faults = [place for places in planted.wrong.values() for place in places]
    faults += [one for pairs in planted.copies.values() for one, _ in pairs]
    assert len(faults) == len(set(faults))
    assert len(planted.items) == len(planted.sources)
    for place in set(range(count)) - set(faults):
        assert planted.items[place] == items[place]
    assert plant(items, seed) == planted


def test_as_many_are_planted_as_is_said() -> None:
    planted = plant(generate(2_000))
    assert {code: len(places) for code, places in planted.wrong.items()} == {
        "category": 40,
        "price": 20,
        "language": 20,
    }
    assert {kind: len(pairs) for kind, pairs in planted.copies.items()} == {
        "imported": 7,
        "reworded": 7,
        "relisted": 7,
    }


def test_a_moved_product_is_elsewhere_and_a_copy_has_another_id() -> None:
    items = generate(500)
    planted = plant(items)
    for place in planted.wrong["category"]:
        assert planted.items[place].category != items[place].category
    for pairs in planted.copies.values():
        for one, other in pairs:
            assert planted.items[one].id != planted.items[other].id
            assert judge(planted.items[one], planted.items[other]).code != "same_gtin"


def test_products_without_anything_take_no_fault_that_they_cannot_have() -> None:
    planted = plant([Item(str(n)) for n in range(50)])
    assert not planted.wrong["category"]
    assert not planted.wrong["price"]
    assert not any(planted.copies.values())


def test_precision_and_recall_are_shares_of_what_was_found_and_planted() -> None:
    one = measured({1, 2, 3, 4}, {3, 4, 5})
    assert (one.precision, one.recall) == (2 / 3, 0.5)
    assert measured({1}, ()).precision is None
    assert measured((), {1}).recall is None
