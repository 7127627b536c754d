import numpy as np
import pytest

from tests.recommender.api.embeddings.client import MULTIMODAL, PNG, answer, error, rows

IMAGE = "https://shop.example/mug.png"
VIDEO = "https://shop.example/mug.mp4"


@pytest.mark.parametrize(
    ("content", "kind", "images"),
    [
        ({"text": "a red mug"}, "text", 0),
        ({"image": IMAGE}, "image", 1),
        ({"image": PNG}, "image", 1),
        ({"video": VIDEO}, "video", 0),
        ({"multi_images": [IMAGE, PNG]}, "multi_images", 2),
        ({"text": "a red mug", "factor": 1}, "text", 0),
    ],
)
def test_an_answer_has_the_documented_shape(embed, content, kind, images):
    body = answer(embed.multimodal(content, dimension=1024))
    assert set(body) == {"output", "usage", "request_id"}
    (row,) = body["output"]["embeddings"]
    assert (set(row), row["index"], row["type"]) == ({"index", "embedding", "type"}, 0, kind)
    assert np.linalg.norm(row["embedding"]) == pytest.approx(1)
    assert len(row["embedding"]) == 1024
    assert set(body["usage"]) == {"input_tokens", "image_count", "duration"}
    assert body["usage"]["image_count"] == images
    assert (body["usage"]["input_tokens"] > 0) == (kind == "text")


@pytest.mark.parametrize("fuse", [{}, {"enable_fusion": True}])
def test_a_model_that_fuses_makes_one_vector_of_all_contents(embed, fuse):
    both = rows(embed.multimodal({"text": "a red mug"}, {"image": IMAGE}, **fuse))
    assert [row["type"] for row in both] == ["fusion"]
    one = rows(embed.multimodal({"text": "a red mug", "image": IMAGE}, **fuse))
    assert one == both


def test_a_model_that_does_not_fuse_says_so(embed):
    response = embed.multimodal({"text": "mug"}, model="wordllama-256", enable_fusion=True)
    code, message = error(response, 400)
    assert code == "InvalidParameter"
    assert "enable_fusion" in message


def test_a_text_model_answers_texts_and_refuses_pictures(embed):
    embedded = rows(embed.multimodal({"text": "a mug"}, {"text": "a lamp"}, model="wordllama-256"))
    assert [(row["index"], row["type"]) for row in embedded] == [(0, "text"), (1, "text")]
    code, message = error(embed.multimodal({"image": IMAGE}, model="wordllama-256"), 400)
    assert code == "InvalidParameter"
    assert "image" in message


def test_a_text_over_the_limit_is_cut(embed):
    long = rows(embed.multimodal({"text": "mug " * 1024}))[0]["embedding"]
    longer = rows(embed.multimodal({"text": "mug " * 1024 + "lamp " * 100}))[0]["embedding"]
    assert np.dot(long, longer) > 0.999


def test_an_instruction_makes_a_query_of_a_content(embed):
    plain = rows(embed.multimodal({"text": "a red mug"}))[0]["embedding"]
    told = rows(embed.multimodal({"text": "a red mug"}, instruct="Find it"))[0]["embedding"]
    assert not np.allclose(plain, told)


@pytest.mark.parametrize("value", [None, []])
def test_no_contents_are_refused(embed, value):
    response = embed.api.post(MULTIMODAL, {"model": "fake", "input": {"contents": value}})
    assert error(response, 400)[0] == "BadRequest.EmptyInput"
    assert error(embed.multimodal({"text": "  "}), 400)[0] == "BadRequest.EmptyInput"


@pytest.mark.parametrize("value", ["a mug", {"text": "a mug"}, 7, ["a mug"], [[]], [None], [{}]])
def test_what_is_no_list_of_contents_is_refused(embed, value):
    response = embed.api.post(MULTIMODAL, {"model": "fake", "input": {"contents": value}})
    assert error(response, 400)[0] == "InvalidParameter"


@pytest.mark.parametrize(
    "content",
    [
        {"image": "/etc/passwd"},
        {"image": "file:///etc/passwd"},
        {"image": "oss://bucket/a.png"},
        {"image": "data:text/html;base64,PGI+"},
        {"image": ""},
        {"image": 7},
        {"video": "data:video/mp4;base64,AAAA"},
        {"video": ["https://shop.example/1.jpg"]},
        {"multi_images": [IMAGE, "ftp://shop.example/1.jpg"]},
    ],
)
def test_an_address_of_another_kind_is_refused(embed, content):
    assert error(embed.multimodal(content), 400)[0] == "InvalidURL"


@pytest.mark.parametrize(
    ("contents", "parameters"),
    [
        ([{"text": 7}], {}),
        ([{"audio": "https://shop.example/a.mp3"}], {}),
        ([{"multi_images": IMAGE}], {}),
        ([{"multi_images": []}], {}),
        ([{"multi_images": [IMAGE] * 9}], {}),
        ([{"video": VIDEO}, {"video": VIDEO}], {}),
        ([{"text": "mug"}], {"output_type": "sparse"}),
        ([{"text": "mug"}], {"enable_fusion": "yes"}),
        ([{"text": "mug"}] * 513, {}),
    ],
)
def test_what_is_over_a_limit_is_refused(embed, contents, parameters):
    assert error(embed.multimodal(*contents, **parameters), 400)[0] == "InvalidParameter"


def test_a_picture_over_the_limit_is_refused(embed):
    large = "data:image/png;base64," + "A" * 14_000_000
    code, message = error(embed.multimodal({"image": large}), 400)
    assert code == "InvalidParameter"
    assert "takes 10000000; make it smaller" in message
