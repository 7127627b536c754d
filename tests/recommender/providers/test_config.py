from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from recommender.providers.config import read_config

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
