"""What strangers send to break a model: it is embedded or refused by name, and nothing breaks."""

import base64

import pytest

from tests import corpus
from tests.recommender.api.embeddings.client import Embeddings, answer, error

# Of this machine, so that it decodes what is sent.
PICTURE_MODEL = "efficientnet-lite0"


@pytest.mark.parametrize("text", corpus.TEXTS.values(), ids=list(corpus.TEXTS))
def test_a_text_is_embedded_whatever_it_says(embed: Embeddings, text: str) -> None:
    assert len(answer(embed.compatible(input=[text, "mug"]))["data"]) == 2
    assert len(answer(embed.text([text]))["output"]["embeddings"]) == 1
    assert len(answer(embed.multimodal({"text": text}))["output"]["embeddings"]) == 1


@pytest.mark.parametrize("kind", ["png", "jpeg", "svg+xml", "x"])
@pytest.mark.parametrize("content", corpus.PICTURES.values(), ids=list(corpus.PICTURES))
def test_what_is_no_picture_is_refused_whatever_it_calls_itself(
    embed: Embeddings, content: bytes, kind: str
) -> None:
    address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    code, message = error(embed.multimodal({"image": address}, model=PICTURE_MODEL), 400)
    assert code.startswith("InvalidParameter")
    assert len(message) < 500


@pytest.mark.parametrize(
    "address",
    [
        "data:,mug",
        "data:image/png;base64,!!!!",
        "data:image/png;base64",
        "file:///etc/passwd",
        "ftp://shop.example/mug.png",
        "http://127.0.0.1/mug.png",
        "http://[::1]/mug.png",
        "http://169.254.169.254/latest/meta-data",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "//shop.example/mug.png",
        "http://",
    ],
)
def test_an_address_that_is_no_public_picture_is_refused(embed: Embeddings, address: str) -> None:
    code, _ = error(embed.multimodal({"image": address}, model=PICTURE_MODEL), 400)
    assert code in ("InvalidURL", "InvalidParameter")
