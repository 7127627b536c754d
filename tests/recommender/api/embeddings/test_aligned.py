"""The model of pictures and texts, whose map each catalog learns for itself."""

import numpy as np
import pytest

from embeddings.local.alignment import Alignment
from recommender.models import Space
from tests.embeddings.test_contract import RED
from tests.recommender.api.embeddings.client import answer, error, rows

MODEL = "efficientnet-lite0-text"


def learnt(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    return Alignment(
        np.zeros(1280, np.float32),
        np.zeros(256, np.float32),
        random.standard_normal((1280, 256)).astype(np.float32),
    ).to_bytes()


@pytest.fixture
def pictures(shop):
    """Makes a space of pictures that has learnt its map."""

    def make(version: int, status: str = Space.Status.ACTIVE) -> None:
        Space.objects.create(
            catalog=shop.catalog,
            name="pictures",
            version=version,
            kind=Space.Kind.MULTIMODAL,
            status=status,
            model=MODEL,
            dimension=256,
            alignment=learnt(version),
        )

    return make


def picture(embed):
    (row,) = rows(embed.multimodal({"image": RED}, model=MODEL))
    return row["embedding"]


def test_texts_and_pictures_are_answered_with_the_catalogs_own_map(embed, pictures):
    pictures(1)
    assert len(picture(embed)) == 256
    assert len(answer(embed.compatible(input="a red mug", model=MODEL))["data"]) == 1


def test_the_newest_map_answers_unless_its_space_is_retired(embed, pictures):
    pictures(1)
    first = picture(embed)
    pictures(2, Space.Status.BUILDING)
    assert picture(embed) != first
    Space.objects.filter(version=2).update(status=Space.Status.RETIRED)
    assert picture(embed) == first


def test_a_catalog_that_has_learnt_no_map_is_told_what_to_do(embed):
    code, message = error(embed.multimodal({"image": RED}, model=MODEL), 404)
    assert code == "ModelNotFound"
    assert "build a space of this model first" in message


def test_a_dimension_that_no_map_has_is_refused(embed, pictures):
    pictures(1)
    assert len(answer(embed.compatible(input="mug", model=MODEL, dimensions=256))["data"]) == 1
    response = embed.compatible(input="a red mug", model=MODEL, dimensions=64)
    assert error(response, 404)[0] == "model_not_found"
