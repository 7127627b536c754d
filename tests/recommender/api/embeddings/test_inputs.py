import pytest

from recommender.providers import models
from tests.recommender.api.embeddings.client import answer, error, rows

EMPTY = "BadRequest.EmptyInput"


@pytest.fixture(params=["compatible", "native"])
def ask(request, embed):
    """Sends rows of text over either protocol."""
    if request.param == "native":
        return embed.text
    return lambda texts, model="fake": embed.compatible(input=texts, model=model)


def count(response):
    body = answer(response)
    return len(body["data"] if "data" in body else body["output"]["embeddings"])


@pytest.mark.parametrize(
    ("texts", "expected"), [("a red mug", 1), (["a red mug"], 1), (["a", "b", "c"], 3)]
)
def test_a_string_is_a_row_and_a_list_is_rows(ask, texts, expected):
    assert count(ask(texts)) == expected


def test_the_lines_of_a_file_are_its_rows_without_their_ends(embed):
    lines = rows(embed.text(["a red mug\n", "a red mug\r\n", "a red mug"]))
    assert lines[0]["embedding"] == lines[1]["embedding"] == lines[2]["embedding"]


@pytest.mark.parametrize("texts", [None, []])
def test_no_rows_are_refused(ask, texts):
    assert error(ask(texts), 400)[0] == EMPTY


@pytest.mark.parametrize("texts", ["", "\n", " \t ", ["a red mug", ""], ["a red mug", "\r\n"]])
def test_a_blank_row_is_refused(ask, texts):
    code, message = error(ask(texts), 400)
    assert code == "InvalidParameter"
    assert message == "Range of input length should be [1, 1024]"


@pytest.mark.parametrize(
    "texts",
    [7, 1.5, True, {}, {"a": 1}, [1, 2, 3], [[1, 2], [3]], ["a", 1], ["a", None], [["a"]]],
)
def test_what_is_not_text_is_refused(ask, texts):
    code, message = error(ask(texts), 400)
    assert code == "InvalidParameter"
    assert message == "Value error, contents is neither str nor list of str.: input.contents"


def test_more_rows_than_the_model_takes_are_refused(ask):
    most = models.spec("fake").max_rows
    assert count(ask(["mug"] * most)) == most
    code, message = error(ask(["mug"] * (most + 1)), 400)
    assert code == "InvalidParameter"
    assert f"batch size is invalid, it should not be larger than {most}.: input" in message


@pytest.mark.parametrize("model", ["fake", "wordllama-256"])
def test_a_row_over_the_token_limit_is_refused_not_cut(ask, model):
    most = models.spec(model).max_tokens
    code, message = error(ask(["a red mug", "mug lamp " * most], model=model), 400)
    assert code == "InvalidParameter"
    assert message == f"Range of input length should be [1, {most}]"
