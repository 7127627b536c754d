import pytest

from embeddings.providers.table import variable_names


def test_the_variables_of_the_providers_and_of_the_entries_are_named() -> None:
    names = variable_names({"e5": {"api_key_env": "E5_KEY"}, "bge": {}})

    assert {"DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "DASHSCOPE_WORKSPACE"} <= names
    assert {"OPENAI_API_KEY", "OPENAI_BASE_URL", "JINA_API_KEY", "VOYAGE_API_KEY"} <= names
    assert "E5_KEY" in names
    assert "" not in names


@pytest.mark.parametrize("entry", [None, [], 7, {"api_key_env": 7}, {"api_key_env": ""}])
def test_an_entry_that_is_not_right_names_none(entry: object) -> None:
    assert variable_names({"x": entry}) == variable_names({})
