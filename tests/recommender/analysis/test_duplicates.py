from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.analysis import duplicates, nearest
from recommender.analysis.items import Item
from recommender.analysis.pairs import judge

COFFEE = Item(
    "coffee-1",
    title="House blend coffee beans, 1 kg",
    own_text="Chocolate and hazelnut, roasted in Trieste every week.",
    brand="Tamsel",
    price=18.0,
    currency="EUR",
    attributes={"roast": "medium"},
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "same_text"),
        ({"title": "COFFEE BEANS house blend 1000 g"}, "same_title"),
        ({"title": "Tamsel house blend coffee beans 1kg", "own_text": ""}, "same_title"),
        ({"title": "House blend cofee beans, 1 kg"}, "spelling"),
        ({"title": "House blend coffee beans, medium, 1 kg"}, "same_words"),
        ({"price": 18.9, "attributes": {"sku": "77"}}, "same_text"),
    ],
)
def test_another_entry_of_a_product_is_a_duplicate(change: dict[str, object], code: str) -> None:
    judgement = judge(COFFEE, replace(COFFEE, id="coffee-2", **change))  # type: ignore[arg-type]
    assert (judgement.is_duplicate, judgement.code) == (True, code)
    assert judgement.reason.endswith(".")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": "House blend coffee beans, 500 g"}, "quantity"),
        ({"title": "House blend coffee beans"}, "quantity"),
        ({"title": "House blend coffee beans No 7, 1 kg"}, "number"),
        ({"title": "House blend decaf beans, 1 kg"}, "variant"),
        ({"title": "House blend decaf coffee beans, 1 kg"}, "variant"),
        ({"attributes": {"roast": "dark"}}, "variant"),
        ({"price": 36.0}, "price"),
        ({"title": "Coffee mug, blue, 1 kg"}, "words"),
        ({"own_text": "A notebook, stitched, whose paper takes ink well."}, "description"),
    ],
)
def test_a_variant_a_size_or_another_product_is_none(change: dict[str, object], code: str) -> None:
    judgement = judge(COFFEE, replace(COFFEE, id="coffee-2", **change))  # type: ignore[arg-type]
    assert (judgement.is_duplicate, judgement.code) == (False, code)


def test_gtins_decide_before_anything_else() -> None:
    one, other = replace(COFFEE, gtin="1"), replace(COFFEE, gtin="2")
    assert judge(one, other).code == "gtin"
    assert not judge(one, other).is_duplicate
    assert judge(one, Item("x", title="Beans", gtin="1", price=99.0)).code == "same_gtin"


def test_entries_of_one_product_are_one_group_around_the_one_that_says_most() -> None:
    bare = replace(COFFEE, id="bare", own_text="", attributes={})
    items = [bare, replace(COFFEE, id="small", title="House blend coffee beans, 250 g"), COFFEE]
    items.append(replace(COFFEE, id="again", title="House blend: coffee beans (1 kg)"))
    found = _found(items, np.eye(4, dtype=np.float32))
    assert found.groups == {2: (3, 0)}
    assert {(pair.kept, pair.other) for pair in found.pairs} == {(2, 3), (2, 0), (3, 0)}


def test_neighbours_by_vector_are_candidates_too() -> None:
    items = [COFFEE, replace(COFFEE, id="2", title="House blend coffee beans, medium, 1 kg")]
    apart = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert not _found(items, apart).pairs
    (pair,) = _found(items, np.ones((2, 2), dtype=np.float32)).pairs
    assert pair.similarity == pytest.approx(1.0)


def test_products_without_vectors_or_titles_are_no_error() -> None:
    items = [Item("1"), Item("2"), COFFEE]
    assert not _found(items, np.zeros((3, 4), dtype=np.float32)).pairs
    assert not _found([COFFEE], np.ones((1, 4), dtype=np.float32)).pairs
    assert not _found([], np.zeros((0, 4), dtype=np.float32)).pairs


def _found(items: list[Item], vectors: NDArray[np.float32]) -> duplicates.Duplicates:
    unit = nearest.units(vectors)
    return duplicates.find(items, unit, nearest.neighbours(unit, 10))
