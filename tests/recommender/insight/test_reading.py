from datetime import timedelta

import numpy as np
import pytest

from recommender import database
from recommender.insight import reading
from recommender.insight.kind import InsightError
from recommender.models import Space
from recommender.spaces import lifecycle
from tests.shop import NOON, Shop, event, numbered


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.stock(**numbered(7))
    shop.embed()
    return shop


def keys(shop: Shop) -> list[int]:
    return list(shop.catalog.products.order_by("pk").values_list("pk", flat=True))


def test_vectors_and_what_products_say_go_together_page_by_page(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAGE", 3)

    vectors, facts = reading.read(filled.catalog, filled.space)

    assert vectors.keys.tolist() == facts.keys.tolist() == keys(filled)
    assert facts.ids.tolist() == [f"p{n}" for n in range(7)]
    assert np.allclose(np.linalg.norm(vectors.rows, axis=1), 1, atol=1e-2)


def test_products_without_a_vector_and_deleted_ones_are_left_out(filled: Shop) -> None:
    filled.stock(late="not embedded yet")
    filled.catalog.products.filter(external_id="p3").update(deleted_at=NOON)

    vectors, facts = reading.read(filled.catalog, filled.space)

    assert facts.ids.tolist() == ["p0", "p1", "p2", "p4", "p5", "p6"]
    assert len(vectors) == 6


def test_a_vector_of_no_length_is_left_out(filled: Shop) -> None:
    zero = "[" + ",".join(["0"] * filled.space.dimension) + "]"
    database.execute(
        "UPDATE recommender_productvector SET embedding = %s::halfvec WHERE product_id = %s",
        (zero, keys(filled)[2]),
    )

    assert len(reading.read_vectors(filled.catalog, filled.space)) == 6


def test_a_space_that_is_retired_meanwhile_is_said_to_be(filled: Shop) -> None:
    space = filled.space
    lifecycle.delete_space(space)

    with pytest.raises(InsightError, match=r"text@1 was retired while it was read"):
        reading.read_vectors(filled.catalog, space)


def test_the_space_of_content_is_taken_and_others_by_name(filled: Shop) -> None:
    behaviour = Space.objects.create(
        catalog=filled.catalog, name="als", kind="behaviour", status="active", dimension=3
    )

    assert reading.choose_space(filled.catalog, None) == filled.space
    assert reading.choose_space(filled.catalog, "als") == behaviour
    with pytest.raises(InsightError, match="there are: als, text"):
        reading.choose_space(filled.catalog, "sound")
    Space.objects.all().update(status="retired")
    with pytest.raises(InsightError, match="has no active space"):
        reading.choose_space(filled.catalog, None)


def test_sales_are_of_the_two_latest_months(filled: Shop) -> None:
    days = {"p0": 1, "p1": 31, "p2": 61}
    for key, before in days.items():
        filled.post(event("ann", key, type="purchase", at=NOON - timedelta(days=before)))
    filled.post(event("ann", "p3", at=NOON))

    sales = reading.read_sales(filled.catalog, np.array(keys(filled)))

    assert sales.of == "purchases"
    assert sales.month.tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert sales.before.tolist() == [0, 1, 0, 0, 0, 0, 0]


def test_a_catalog_without_events_has_no_sales(filled: Shop) -> None:
    sales = reading.read_sales(filled.catalog, np.array(keys(filled)))

    assert not sales.month.any()
    assert not reading.read_warm(filled.catalog, np.array(keys(filled))).any()


def test_the_catalogs_language_says_which_words_tell_nothing(filled: Shop) -> None:
    assert reading.stop_words(filled.catalog, ["the", "mug", "und"]) == {"the"}
    filled.catalog.search_language = "german"
    assert reading.stop_words(filled.catalog, ["the", "mug", "und"]) == {"und"}
