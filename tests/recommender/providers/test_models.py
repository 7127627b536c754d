import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from embeddings.errors import Misconfigured
from embeddings.types import Input, Output, Role
from recommender.providers import models
from recommender.providers.config import ModelsConfig

OWN = {"provider": "tei", "base_url": "http://a/v1", "dimension": 8, "max_tokens": 9}


def test_the_models_that_come_with_kinship_are_there() -> None:
    assert {"wordllama-256", "fake", "text-embedding-v4"} <= set(models.keys())
    assert models.spec("wordllama-256").dimension == 256


def test_an_embedder_is_made_as_it_is_asked_for() -> None:
    embedder = models.embedder("fake", 32, instruction="Find a gift", output=Output.BOTH)

    assert (embedder.spec.dimension, embedder.output) == (32, Output.BOTH)
    assert embedder.instruction == "Find a gift"
    assert embedder.embed([Input(text="mug")], Role.QUERY).vectors.shape == (1, 32)


def test_settings_add_a_model_and_change_one(settings: LazySettings) -> None:
    settings.MODELS = ModelsConfig({"own": OWN, "text-embedding-v4": {"price": 0.05}})

    assert {"own", "fake"} <= set(models.keys())
    assert models.embedder("own").spec.provider == "tei at a"
    assert models.spec("text-embedding-v4").price == 0.05


def test_a_key_is_missed_only_where_it_is_used(settings: LazySettings) -> None:
    settings.MODELS = ModelsConfig()

    assert models.spec("voyage-4").price == 0.06
    with pytest.raises(Misconfigured, match="set VOYAGE_API_KEY"):
        models.embedder("voyage-4")

    settings.MODELS = ModelsConfig({}, {"VOYAGE_API_KEY": "k"})
    assert models.embedder("voyage-4").spec.key == "voyage-4"


def test_settings_that_are_not_right_are_told_loudly(settings: LazySettings) -> None:
    settings.MODELS = ModelsConfig({"own": OWN | {"max_row": 3}})

    with pytest.raises(ImproperlyConfigured, match=r"KINSHIP_MODELS: .*'own'.* max_row: Extra"):
        models.spec("fake")
