import base64

import numpy as np
import pytest

from embeddings.factory import Models
from embeddings.types import Input, Role
from tests.recommender.api.embeddings.client import answer, error

TEXTS = ["a red mug", "a blue lamp", "ein Zelt für zwei", "风急天高猿啸哀"]


def vectors(response):
    return np.array([row["embedding"] for row in answer(response)["data"]], np.float32)


def made_by(model, texts, dimension=None):
    inputs = [Input(text=text) for text in texts]
    return Models().create(model, dimension).embed(inputs, Role.DOCUMENT).vectors


def test_an_answer_has_the_documented_shape(embed):
    body = answer(embed.compatible(input="a red mug"))
    assert set(body) == {"object", "data", "model", "usage", "id"}
    assert body["object"] == "list"
    assert body["model"] == "fake"
    assert [set(row) for row in body["data"]] == [{"object", "index", "embedding"}]
    assert (body["data"][0]["object"], body["data"][0]["index"]) == ("embedding", 0)
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize("model", ["fake", "wordllama-256"])
def test_rows_come_in_their_order_as_the_model_makes_them(embed, model):
    response = embed.compatible(model=model, input=TEXTS)
    np.testing.assert_allclose(vectors(response), made_by(model, TEXTS), atol=1e-6)
    assert [row["index"] for row in answer(response)["data"]] == [0, 1, 2, 3]
    assert answer(response)["usage"]["total_tokens"] > 4


def test_the_same_text_twice_is_answered_twice(embed):
    pair = vectors(embed.compatible(input=["a red mug", "a red mug"]))
    np.testing.assert_array_equal(pair[0], pair[1])


def test_base64_is_the_same_vector_as_little_endian_float32(embed):
    numbers = vectors(embed.compatible(input=TEXTS, encoding_format="float"))
    letters = answer(embed.compatible(input=TEXTS, encoding_format="base64"))["data"]
    decoded = [np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in letters]
    np.testing.assert_array_equal(np.stack(decoded), numbers)


@pytest.mark.parametrize("encoding", ["base32", "FLOAT", "", 1, ["float"], {}])
def test_another_encoding_is_refused(embed, encoding):
    code, message = error(embed.compatible(input="mug", encoding_format=encoding), 400)
    assert code == "InvalidParameter"
    assert "float, base64" in message


@pytest.mark.parametrize("name", ["dimension", "dimensions"])
@pytest.mark.parametrize("value", [128, "128", " 128"])
def test_a_dimension_is_taken_in_any_spelling(embed, name, value):
    assert vectors(embed.compatible(input="mug", **{name: value})).shape == (1, 128)


@pytest.mark.parametrize("value", ["many", "", "-1", "12.5", 12.5, True, [64], {}, "9" * 5000])
def test_a_dimension_that_is_no_whole_number_is_refused(embed, value):
    assert error(embed.compatible(input="mug", dimensions=value), 400)[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("model", "value"),
    [("wordllama-256", 100), ("fake", 0), ("fake", -1), ("fake", 4097), ("fake", 10**15)],
)
def test_a_dimension_that_the_model_does_not_give_is_refused(embed, model, value):
    response = embed.compatible(model=model, input="mug", dimensions=value)
    code, message = error(response, 400)
    assert code == "InvalidParameter"
    assert message.startswith(f"Value error, dimension for embedding {model} is invalid")


def test_what_is_not_known_or_null_is_ignored(embed):
    answer(
        embed.compatible(
            input="mug", user="u1", dimensions=None, encoding_format=None, text_type=7, other={}
        )
    )
