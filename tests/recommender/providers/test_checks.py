import re

import pytest
from django.conf import LazySettings
from django.core import checks

from recommender.providers.config import ModelsConfig


def errors() -> list[str]:
    """What `manage.py check`, and every command before it starts, says of the models."""
    return [str(found) for found in checks.run_checks() if str(found.id).startswith("kinship.")]


def test_the_settings_as_they_come_are_right() -> None:
    assert errors() == []


@pytest.mark.parametrize(
    ("overrides", "default", "message"),
    [
        ({"own": {"provider": "tei"}}, "fake", "KINSHIP_MODELS: .*'own'.* lacks dimension"),
        ({"own": 3}, "own", "KINSHIP_MODELS: .*'own' is not right: entry: Input should be an obj"),
        ({}, "gpt", "KINSHIP_DEFAULT_MODEL: There is no embedding model 'gpt'; use one of: word"),
    ],
)
def test_settings_that_are_not_right_are_told_before_anything_starts(
    settings: LazySettings, overrides: dict[str, object], default: str, message: str
) -> None:
    settings.MODELS = ModelsConfig(overrides)
    settings.DEFAULT_MODEL = default

    (found,) = errors()
    assert re.search(message, found)


def test_a_default_model_without_its_key_is_no_error(settings: LazySettings) -> None:
    settings.MODELS = ModelsConfig()
    settings.DEFAULT_MODEL = "text-embedding-v4"

    assert errors() == []
