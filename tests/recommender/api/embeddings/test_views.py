import numpy as np
import pytest

from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Output, Role
from tests.recommender.api.embeddings.client import TEXT, answer, error, rows


def test_an_answer_has_the_documented_shape(embed):
    body = answer(embed.text(["a red mug", "a lamp"]))
    assert set(body) == {"output", "usage", "request_id"}
    assert [set(row) for row in body["output"]["embeddings"]] == [{"text_index", "embedding"}] * 2
    assert [row["text_index"] for row in body["output"]["embeddings"]] == [0, 1]
    assert body["usage"] == {"total_tokens": 5}


@pytest.mark.parametrize("texts", ["a red mug", ["a red mug"]])
@pytest.mark.parametrize("parameters", [{}, {"parameters": {}}, {"parameters": None}])
def test_parameters_may_be_absent_or_empty(embed, texts, parameters):
    body = {"model": "fake", "input": {"texts": texts}, **parameters}
    assert len(rows(embed.api.post(TEXT, body))) == 1


@pytest.mark.parametrize("value", ["x", 1, [], True])
@pytest.mark.parametrize("name", ["input", "parameters"])
def test_a_section_that_is_not_an_object_is_refused(embed, name, value):
    body = {"model": "fake", "input": {"texts": ["a"]}, "parameters": {}} | {name: value}
    code, message = error(embed.api.post(TEXT, body), 400)
    assert (code, message) == ("InvalidParameter", f"{name} is not a JSON object.")


@pytest.mark.parametrize(
    ("output", "members"),
    [
        (None, {"text_index", "embedding"}),
        ("dense", {"text_index", "embedding"}),
        ("sparse", {"text_index", "sparse_embedding"}),
        ("dense&sparse", {"text_index", "embedding", "sparse_embedding"}),
    ],
)
def test_output_type_says_which_vectors_there_are(embed, output, members):
    assert [set(row) for row in rows(embed.text("a red mug", output_type=output))] == [members]


def test_a_sparse_vector_is_indices_values_and_tokens(embed):
    weights = rows(embed.text("mug mug lamp", output_type="sparse"))[0]["sparse_embedding"]
    made = FakeEmbedder(output=Output.SPARSE).embed([Input(text="mug mug lamp")], Role.DOCUMENT)
    assert [weight["index"] for weight in weights] == list(made.sparse[0].indices)
    assert {weight["token"]: weight["value"] for weight in weights} == {"mug": 1.0, "lamp": 0.5}


def test_a_model_without_sparse_vectors_says_so(embed):
    response = embed.text("a red mug", model="wordllama-256", output_type="sparse")
    code, message = error(response, 400)
    assert code == "InvalidParameter"
    assert message == "wordllama-256 gives no sparse vectors; use output_type dense."


def test_an_instruction_counts_for_queries_only(embed):
    def vector(**parameters):
        return rows(embed.text("a red mug", **parameters))[0]["embedding"]

    plain = vector()
    instruct = "Given a web search query, retrieve relevant passages"
    assert vector(text_type="query") == plain
    assert vector(instruct=instruct) == plain
    assert vector(instruct=instruct, text_type="document") == plain
    assert not np.allclose(vector(instruct=instruct, text_type="query"), plain)


def test_a_model_without_instructions_ignores_one(embed):
    parameters = {"model": "wordllama-256", "text_type": "query"}
    told = rows(embed.text("a red mug", instruct="Find mugs", **parameters))
    assert told == rows(embed.text("a red mug", **parameters))


@pytest.mark.parametrize("dimension", [1024, "1024"])
def test_a_dimension_may_be_a_number_or_its_text(embed, dimension):
    assert len(rows(embed.text("a red mug", dimension=dimension))[0]["embedding"]) == 1024


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_type", "passage"),
        ("text_type", ["query"]),
        ("output_type", "dense,sparse"),
        ("output_type", 1),
        ("instruct", 5),
        ("instruct", ["a"]),
        ("dimension", "x"),
    ],
)
def test_a_parameter_of_another_kind_is_refused(embed, name, value):
    code, message = error(embed.text("a red mug", **{name: value}), 400)
    assert code == "InvalidParameter"
    assert name in message


def test_unknown_parameters_are_ignored(embed):
    assert len(rows(embed.text("a red mug", max_workers=3, nonsense={"a": [1]}))) == 1
