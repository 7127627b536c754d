from dataclasses import replace
from math import nan

import numpy as np
from numpy.typing import NDArray

from recommender.analysis import languages, least_squares, nearest, price_range, product_anomalies
from recommender.analysis.items import Item
from recommender.analysis.product_anomalies import Anomaly
from recommender.analysis.thresholds import Tail

_TITLE = "Mug with a handle of oak"


def lines(count: int) -> list[Item]:
    return [
        Item(f"{n:05d}", title=_TITLE, own_text="For tea and for coffee.") for n in range(count)
    ]


def found(items: list[Item], vectors: NDArray[np.float32]) -> list[Anomaly]:
    unit = nearest.units(vectors)
    features = least_squares.features(unit, [item.attributes for item in items])
    result = product_anomalies.find(items, features, nearest.neighbours(unit, 5))
    return list(result.anomalies)


def around(count: int, seed: int = 3) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (np.ones(16) + 0.3 * rng.standard_normal((count, 16))).astype(np.float32)


def test_lines_that_are_no_products_have_ids_and_titles_of_another_form() -> None:
    items = lines(300)
    items[7] = Item("POST", title="POSTAGE", own_text="By van.")
    odd = {(a.place, a.code): a for a in found(items, around(300))}
    assert odd[7, "odd_id"].reason == "Hardly another product has an id of this form: POST."
    assert odd[7, "odd_title"].reason == "Hardly another product has a title in capitals."


def test_where_ids_have_many_forms_none_is_odd() -> None:
    items = [replace(item, id="-" * (n % 90) + item.id) for n, item in enumerate(lines(300))]
    assert not [a for a in found(items, around(300)) if a.code == "odd_id"]


def test_a_product_like_no_other_is_alone() -> None:
    vectors = around(300)
    vectors[11] = -vectors[11]
    alone = [a for a in found(lines(300), vectors) if a.code == "alone"]
    assert 11 in {a.place for a in alone}
    assert len(alone) <= 3


def test_prices_are_compared_within_their_category_and_mended_by_the_decimal_point() -> None:
    rng = np.random.default_rng(5)
    items = [
        replace(
            item,
            category=("Rings", "Pens")[n % 2],
            price=(900.0, 2.0)[n % 2] * rng.lognormal(0, 0.2),
        )
        for n, item in enumerate(lines(400))
    ]
    items[20] = replace(items[20], price=9.0)
    items[21] = replace(items[21], price=200.0)
    odd = {a.place: a for a in found(items, around(400)) if a.code == "price"}
    assert {20, 21} <= set(odd)
    assert len(odd) <= 4
    assert "times cheaper" in odd[20].reason
    assert odd[20].mend.startswith("Check the price; 900.00")


def test_free_and_unpriced_products_have_no_range() -> None:
    empty = np.zeros((3, 2), dtype=np.float32)
    assert price_range.fit(np.array([0.0, nan, 5.0]), ["", "", ""], empty) is None
    fit = price_range.fit(np.array([0.0, 5.0, 5.0]), ["a", "a", "a"], empty)
    assert fit is not None
    assert np.isnan(fit.z[0])
    assert fit.z[1] == 0


def test_texts_in_another_language_than_the_rest_stand_out() -> None:
    texts = ["A mug for tea and for coffee, with a handle of oak."] * 30
    told = languages.identify([*texts, "Eine Tasse für Tee und Kaffee, mit einem Griff.", "123"])
    assert told.own == ("en",)
    assert told.found[30] == "de"
    assert told.excess[30] > 7
    assert told.excess[:30].max() == 0
    assert np.isnan(told.excess[31])


def test_both_languages_of_a_catalog_of_two_are_its_own() -> None:
    texts = ["A mug for tea and for coffee.", "Eine Tasse für Tee und für Kaffee."] * 10
    assert set(languages.identify(texts).own) == {"en", "de"}
    assert languages.identify(texts).excess.max() == 0
    assert languages.identify(["", "7"]).own == ()


def test_a_threshold_lets_the_wanted_share_of_a_tail_pass_whatever_lies_beyond() -> None:
    scores = np.random.default_rng(8).exponential(size=100_000)
    tail = Tail.of(scores)
    assert tail is not None
    assert 0.0005 < (scores > tail.threshold(0.001)).mean() < 0.002
    scores[:1_000] = 1_000.0
    spoilt = Tail.of(scores)
    assert spoilt is not None
    assert spoilt.threshold(0.001) < 1.3 * tail.threshold(0.001)
    assert Tail.of(scores[:19]) is None
    assert Tail.of(np.full(30, nan)) is None
