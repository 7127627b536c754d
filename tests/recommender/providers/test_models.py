import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from embeddings.errors import Misconfigured
from embeddings.types import Input, Output, Role
from recommender.providers import models
from recommender.providers.config import ModelsConfig, read_config

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


OVERRIDES = {"e5": {"provider": "tei", "api_key_env": "E5_KEY"}}
JSON = '{"e5": {"provider": "tei", "api_key_env": "E5_KEY"}}'
TOML = '[e5]\nprovider = "tei"\napi_key_env = "E5_KEY"\n'


def test_nothing_said_changes_nothing(tmp_path: Path) -> None:
    config = read_config({"KINSHIP_MODELS": " ", "HOME": "/root"}, tmp_path)

    assert (config.overrides, config.environment) == ({}, {})


@pytest.mark.parametrize(
    ("name", "content"), [("models.json", JSON), ("models.toml", TOML), ("models", JSON)]
)
def test_models_come_as_json_text_or_from_a_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)

    for value in (JSON, str(tmp_path / name), name):
        assert read_config({"KINSHIP_MODELS": value}, tmp_path).overrides == OVERRIDES


def test_only_the_variables_of_models_are_kept_and_not_shown(tmp_path: Path) -> None:
    environ = {
        "KINSHIP_MODELS": JSON,
        "E5_KEY": "secret",
        "DASHSCOPE_API_KEY": "sk-1",
        "OPENAI_API_KEY": "",
        "KINSHIP_SECRET_KEY": "other",
    }

    config = read_config(environ, tmp_path)

    assert config.environment == {"E5_KEY": "secret", "DASHSCOPE_API_KEY": "sk-1"}
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{nonsense", "KINSHIP_MODELS cannot be read: Expecting"),
        ("nowhere.json", "KINSHIP_MODELS cannot be read: .*No such file"),
        ("list.json", "must be an object of models by key"),
        ("bad.toml", "KINSHIP_MODELS cannot be read: "),
        ("binary.json", "KINSHIP_MODELS cannot be read: .*utf-8"),
        (".", "KINSHIP_MODELS cannot be read: .*directory"),
    ],
)
def test_what_cannot_be_read_is_told_with_an_example(
    tmp_path: Path, value: str, message: str
) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "bad.toml").write_text("[e5")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")

    with pytest.raises(ImproperlyConfigured, match=message):
        read_config({"KINSHIP_MODELS": value}, tmp_path)


def errors() -> list[str]:
    """What `./kinship check`, and every command before it starts, says of the models."""
    return [str(error) for error in checks.run_checks() if str(error.id).startswith("kinship.")]


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

    (error,) = errors()
    assert re.search(message, error)


def test_a_default_model_without_its_key_is_no_error(settings: LazySettings) -> None:
    settings.MODELS = ModelsConfig()
    settings.DEFAULT_MODEL = "text-embedding-v4"

    assert errors() == []
