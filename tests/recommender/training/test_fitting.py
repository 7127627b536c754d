from dataclasses import replace

import numpy as np
import pytest

from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting
from tests.recommender.training import planted


@pytest.fixture(scope="module")
def now() -> Snapshot:
    """A catalog of 80 products, of which the last ten were never touched."""
    history = planted.interactions(products=80)
    return planted.snapshot(history.where(history.products < 70))


@pytest.fixture(scope="module")
def fitted(now: Snapshot) -> Snapshot:
    return fitting.fit(now)


def test_a_little_history_teaches_nothing_and_it_is_said_what_is_needed(now: Snapshot) -> None:
    little = planted.snapshot(now.interactions.where(np.arange(len(now.interactions)) < 40))

    assert fitting.shortage(now) is None
    said = fitting.shortage(little)
    assert said is not None
    assert said.startswith("There are ")
    assert said.endswith("at least 100, 10 and 10 are needed.")
    assert fitting.fit(little).neighbours == {}
    assert [space.kind for space in fitting.fit(little).spaces] == ["text"]


def test_events_that_say_nothing_good_teach_nothing(now: Snapshot) -> None:
    whole = planted.interactions()
    whole.weights[:] = -1.0

    assert fitting.shortage(planted.snapshot(whole)) is not None


def test_both_spaces_and_neighbours_are_learnt_and_content_stays(fitted: Snapshot) -> None:
    assert [(space.kind, space.name) for space in fitted.spaces] == [
        ("text", "text"),
        ("behaviour", "als"),
        ("behaviour", "svd"),
    ]
    assert set(fitted.neighbours) == {"together", "ease", "next"}


@pytest.mark.parametrize("name", ["als", "svd"])
def test_products_of_one_taste_are_near_each_other(fitted: Snapshot, name: str) -> None:
    vectors = next(space.vectors for space in fitted.spaces if space.name == name)[:70]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = units @ units.T
    same = np.equal.outer(np.arange(70) % planted.TASTES, np.arange(70) % planted.TASTES)
    others = ~np.eye(70, dtype=bool)

    assert alike[same & others].mean() > alike[~same].mean() + 0.2


def test_a_product_without_history_has_the_vector_that_its_text_predicts(now: Snapshot) -> None:
    told: list[str] = []

    als, svd = fitting.fit_spaces(now, lambda text, *_: told.append(text))

    assert list(dict.fromkeys(told)) == ["training als", "training svd"]
    for trained in (als, svd):
        assert trained.is_trained.tolist() == [True] * 70 + [False] * 10
        assert trained.prediction is not None
        content = fitting.content_space(now)
        assert content is not None
        predicted = trained.prediction.predict(content.vectors[70:])
        np.testing.assert_allclose(trained.space.vectors[70:], predicted, rtol=1e-5)
        assert trained.space.has.all()


def test_without_content_a_product_without_history_has_no_vector(now: Snapshot) -> None:
    for trained in fitting.fit_spaces(replace(now, spaces=())):
        assert trained.prediction is None
        assert (
            trained.space.has.tolist() == trained.is_trained.tolist() == [True] * 70 + [False] * 10
        )


def test_where_times_tell_no_order_nothing_follows_anything(now: Snapshot) -> None:
    history = replace(now.interactions, times=np.full(len(now.interactions), planted.START))

    neighbours = fitting.fit_neighbours(replace(now, interactions=history))

    assert set(neighbours) == {"together", "ease"}
